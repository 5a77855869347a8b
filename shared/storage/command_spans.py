"""Spans of MongoDB commands that run within a recorded trace."""

from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from luotdoc_subscriber.base.tracing import Span, Tracer, in_recorded_trace


class CommandSpans(CommandListener):
    """Makes a span of each command of a recorded trace. Commands outside of one, such as those of
    background loops, make none.

    PyMongo calls it in Motor's threads, which have the caller's context. No span has a command's
    content: that is articles and visitors' hashes.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._open: dict[int, Span] = {}

    def started(self, event: CommandStartedEvent) -> None:
        """Start a span."""
        if not in_recorded_trace():
            return
        collection = _collection(event)
        self._open[event.request_id] = self._tracer.start(
            f"{event.command_name} {collection}" if collection else event.command_name,
            "client",
            attributes={
                "db.system.name": "mongodb",
                "db.namespace": event.database_name,
                "db.operation.name": event.command_name,
                **({"db.collection.name": collection} if collection else {}),
            },
        )

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """End the command's span."""
        if span := self._open.pop(event.request_id, None):
            span.end()

    def failed(self, event: CommandFailedEvent) -> None:
        """End the command's span as failed, with MongoDB's code."""
        if span := self._open.pop(event.request_id, None):
            failure: Any = event.failure
            span.fail(str(failure.get("codeName") or failure.get("code") or "no answer"))
            span.end()


def _collection(event: CommandStartedEvent) -> str:
    """The command's collection: its first value, but for a command of the session or server."""
    named = event.command.get(
        "collection" if event.command_name == "getMore" else event.command_name
    )
    return named if isinstance(named, str) else ""
