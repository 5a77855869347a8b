"""`python -m shared.setup`:
create RabbitMQ's exchanges and queues, and MongoDB's indexes. Idempotent.
"""

import logging
from functools import partial

from luotdoc_subscriber.base import log
from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.plainly import perform
from luotdoc_subscriber.rabbit import broker as rabbit
from shared.base.settings import Settings, load_settings
from shared.rabbit import declaring
from shared.storage import mongo
from shared.storage.collections import make_indexes

SETUP_SECONDS = 60.0
"""Timeout for one attempt to declare everything, including the wait for new queues."""


async def setup(settings: Settings, settle: float = declaring.SETTLE_SECONDS) -> None:
    """Wait for both servers, then declare everything. New queues are bound after `settle`
    seconds.
    """
    client, db = mongo.connect(settings.mongo_url, "setup")
    await mongo.wait_for(client, settings.mongo_url, "setup")
    await make_indexes(db)
    broker = rabbit.make_broker(settings, "setup")
    await rabbit.connect(
        broker, settings.amqp_url, partial(declaring.declare, settle=settle), SETUP_SECONDS
    )
    await broker.stop()
    client.close()


def main() -> None:
    """Load the settings and run setup."""
    settings = load_settings(Settings)
    log.configure("setup", settings.log_level)
    if status := perform(setup(settings)):
        raise SystemExit(status)
    logging.getLogger(__name__).info("exchanges, queues and indexes are in place")


if __name__ == "__main__":
    Command(prog="python -m shared.setup", description=__doc__, settings=Settings).parse_args()
    main()
