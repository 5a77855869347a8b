"""W3C trace context: the `traceparent` of HTTP requests, AMQP messages and events."""

import re

TRACEPARENT = "traceparent"
"""Name of the header in HTTP and AMQP, and of the CloudEvents extension."""

MAX_TRACEPARENT = 512
"""Upper bound for the characters of an offered traceparent. Version 00 has 55."""

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?")
_SAMPLED, _KNOWN_FLAGS = 0x01, 0x03
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


def valid_traceparent(offered: object) -> str:
    """The traceparent `offered` as version 00, or "" if it is malformed.

    A later version is read as far as version 00 goes, as W3C's Trace Context demands.
    """
    if not isinstance(offered, str) or len(offered) > MAX_TRACEPARENT:
        return ""
    found = _FORM.fullmatch(offered)
    if found is None:
        return ""
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more is not None):
        return ""
    if trace == _NO_TRACE or span == _NO_SPAN:
        return ""
    return f"00-{trace}-{span}-{int(flags, 16) & _KNOWN_FLAGS:02x}"


def trace_id(traceparent: str) -> str:
    """The trace id of a valid traceparent: 32 hex digits. "" for ""."""
    return traceparent[3:35]


def is_sampled(traceparent: str) -> bool:
    """True if the sender of a valid traceparent has recorded its span. False for ""."""
    return bool(traceparent) and bool(int(traceparent[-2:], 16) & _SAMPLED)
