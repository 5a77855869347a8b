"""What stats does with an event."""

from services.stats.catalogue import change
from services.stats.store import Store
from shared.events import Data, Envelope
from shared.subscriber import Handler


def catalogue_handler(store: Store) -> Handler:
    """Keeps the catalogue; answers False for an event that is not newer than what it holds."""

    async def handle(_envelope: Envelope, event: Data) -> bool:
        return await store.apply(change(event))

    return handle
