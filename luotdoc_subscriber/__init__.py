"""Subscribe to the events of Lượt Đọc: from a queue to a handler, with retries and parking.

    from luotdoc_subscriber import Event, InMemory, SubscriberSettings, load, make_broker, run
    from luotdoc_subscriber import subscribe

The names below are the public ones. Each is imported from its module at its first use, so that a
process that needs the clock alone does not import a client of RabbitMQ.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luotdoc_subscriber.base.command import Command as Command
    from luotdoc_subscriber.base.errors import Permanent as Permanent
    from luotdoc_subscriber.base.errors import Refused as Refused
    from luotdoc_subscriber.base.errors import Retry as Retry
    from luotdoc_subscriber.base.errors import Transient as Transient
    from luotdoc_subscriber.base.settings import HttpUrl as HttpUrl
    from luotdoc_subscriber.base.settings import SubscriberSettings as SubscriberSettings
    from luotdoc_subscriber.base.settings import load as load
    from luotdoc_subscriber.guard import Guard as Guard
    from luotdoc_subscriber.guard import InMemory as InMemory
    from luotdoc_subscriber.guard import OnDisk as OnDisk
    from luotdoc_subscriber.guard import Unguarded as Unguarded
    from luotdoc_subscriber.rabbit.broker import make_broker as make_broker
    from luotdoc_subscriber.standalone import run as run
    from luotdoc_subscriber.subscribing import Event as Event
    from luotdoc_subscriber.subscribing import listen as listen
    from luotdoc_subscriber.subscribing import subscribe as subscribe

_MODULES = {
    "base.command": ("Command",),
    "base.errors": ("Permanent", "Refused", "Retry", "Transient"),
    "base.settings": ("HttpUrl", "SubscriberSettings", "load"),
    "guard": ("Guard", "InMemory", "OnDisk", "Unguarded"),
    "rabbit.broker": ("make_broker",),
    "standalone": ("run",),
    "subscribing": ("Event", "listen", "subscribe"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"luotdoc_subscriber has no {name}")
    return getattr(import_module(f"luotdoc_subscriber.{_HOMES[name]}"), name)
