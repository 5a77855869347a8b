"""Logging: JSON lines on standard output, each with the current correlation id, and with the
trace's id if there is a trace.
"""

import logging
import re
import secrets
import sys
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

from luotdoc_events.traceparent import trace_id
from luotdoc_events.version import VERSION
from luotdoc_subscriber.base.tracing import current_traceparent

correlation: ContextVar[str] = ContextVar("correlation", default="")
"""The id that follows an article or a batch from HTTP through RabbitMQ to every service."""

_ACCEPTABLE = re.compile(r"[A-Za-z0-9._:/-]{1,64}")


def correlate(offered: str | None) -> str:
    """Set and answer the correlation id:
    the caller's if it is valid (1-64 of `A-Za-z0-9._:/-`), else a new one.
    """
    chosen = harmless(offered) or new_correlation()
    correlation.set(chosen)
    return chosen


def new_correlation() -> str:
    """A correlation id that nothing else has."""
    return secrets.token_hex(8)


def harmless(offered: str | None) -> str:
    """A correlation id from outside, or "" if it is missing, too long or has other characters."""
    return offered if offered and _ACCEPTABLE.fullmatch(offered) else ""


class _Correlated(logging.Filter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def filter(self, record: logging.LogRecord) -> bool:
        record.service = self._service
        record.correlation_id = getattr(record, "correlation_id", None) or correlation.get() or None
        if trace := trace_id(current_traceparent.get()):
            record.trace_id = trace
        return True


def configure(service: str, level: str) -> None:
    """Send every logger of this process to standard output as JSON;
    `level` is a logging level's name.

    The first line says the version.
    """
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(_Correlated(service))
    handler.setFormatter(
        JsonFormatter(
            "{levelname}{name}{message}",
            style="{",
            timestamp="time",
            rename_fields={"levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Both log every connection attempt with a traceback; we log an outage once.
    logging.getLogger("aio_pika").setLevel(logging.CRITICAL)
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger(__name__).info("%s starts, version %s", service, VERSION)
