"""Checks addresses in settings before anything connects. No message repeats a possible password."""

import re
from ipaddress import IPv6Address
from urllib.parse import SplitResult, parse_qsl, urlsplit

ESCAPES = (
    "write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25 in the user's name and "
    "password"
)
_AMQP = "must be amqp://user:password@host[:port]/[vhost]"


_LONGEST_NAME = 253
"""Characters of a host's name (RFC 1035)."""


def split(value: str, form: str) -> SplitResult:
    """`urlsplit` with our messages for its errors.
    Also checks that the port is a number up to 65535.
    """
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError(f"{form}; it holds a space or a line break")
    if re.search(r"%(?![0-9A-Fa-f]{2})", value):
        raise ValueError(f"{form}; it holds a % without two hex digits behind it: write % as %25")
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(f"{form}; the port must be a number up to 65535, and {ESCAPES}") from None
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{form}; the port must not be {'0' if port == 0 else 'empty'}")
    return parts


def host_of(parts: SplitResult, form: str) -> str:
    """The host in ASCII and lower case, without a final dot, an IPv6 address in brackets."""
    host = parts.hostname or ""
    try:
        if ":" in host or "[" in parts.netloc.rpartition("@")[2]:
            return f"[{IPv6Address(host)}]"
        host = host.removesuffix(".").encode("idna").decode()
        host.encode().decode("idna")  # "xn--" alone stands for nothing
    except ValueError:
        raise ValueError(form) from None
    if len(host) > _LONGEST_NAME or not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", host):
        raise ValueError(f"{form}; one host is named in full, without *")
    return host


def amqp_url(value: str) -> str:
    """`value` if it is an address of RabbitMQ. Raises ValueError."""
    parts = split(value, _AMQP)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
        raise ValueError(_AMQP)
    if parts.fragment or "@" in parts.path + parts.query:
        raise ValueError(f"{_AMQP}; {ESCAPES}")
    host_of(parts, _AMQP)
    for name, seconds in parse_qsl(parts.query, keep_blank_values=True):
        if name in {"heartbeat", "timeout"} and not re.fullmatch(r"[0-9]{1,5}", seconds):
            raise ValueError(f"{_AMQP}; {name} must be a number of seconds")
    return value


def http_url(value: str) -> str:
    """`value` without a slash at its end. Raises ValueError unless it is an http(s) address."""
    form = "must be an absolute http:// or https:// address without a query"
    parts = split(value, form)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(form)
    if parts.username is not None:
        raise ValueError(f"{form}; it is public, so it holds no user's name")
    host_of(parts, form)
    return value.rstrip("/")
