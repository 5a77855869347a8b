"""Reads a delivery as a batch, and gathers deliveries until the next flush."""

import logging
import traceback
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aio_pika.abc import AbstractIncomingMessage

from luotdoc_subscriber.base.clock import from_millis
from luotdoc_subscriber.base.errors import Permanent
from luotdoc_subscriber.base.tracing import Span
from luotdoc_subscriber.parking import FORCE, check_readable
from services.counter.parker import ToPark
from shared.rabbit.batch import AHEAD_MS, COUNTED_HOURS, Batch
from shared.rabbit.batch_parsing import parse

log = logging.getLogger(__name__)

TOO_OLD = timedelta(hours=COUNTED_HOURS)
"""Age above which a batch is parked: the ledger may have forgotten that it was counted."""
AHEAD = timedelta(milliseconds=AHEAD_MS)


@dataclass
class Buffer:
    """Deliveries of one channel since the last flush."""

    channel: Any = None
    messages: list[AbstractIncomingMessage] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    sources: list[AbstractIncomingMessage] = field(default_factory=list)
    """The messages of `batches`, in the same order."""
    to_park: list[ToPark] = field(default_factory=list)
    reads: int = 0
    spans: list[Span] = field(default_factory=list)
    """Those of the traced batches."""

    def add(self, message: AbstractIncomingMessage, now: datetime) -> None:
        """Add a delivery, which a flush settles: as a batch, or as a message to park."""
        self.messages.append(message)
        try:
            batch = read_batch(message, now)
        except Permanent as error:
            self.to_park.append(ToPark(message, error.reason, str(error)))
        except Exception as error:
            log.exception("a bug in parsing a batch; it is parked")
            self.to_park.append(ToPark(message, "bug", f"{error!r}\n{traceback.format_exc()}"))
        else:
            self.batches.append(batch)
            self.sources.append(message)
            self.reads += batch.reads


def read_batch(message: AbstractIncomingMessage, now: datetime) -> Batch:
    """The batch in `message`. Raises `Permanent` if it is malformed, too old or too new."""
    check_readable(message)
    batch = parse(message.headers, message.body)
    minted = from_millis(batch.minted_at)
    if minted < now - TOO_OLD and message.headers.get(FORCE) is not True:
        raise Permanent("too_old", f"minted at {minted.isoformat()}")
    if minted > now + AHEAD:
        raise Permanent(
            "too_new", f"minted at {minted.isoformat()}, by a clock that is far ahead of {now}"
        )
    return batch
