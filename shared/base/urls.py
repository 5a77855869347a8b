"""Checks addresses in settings before anything connects. No message repeats a possible password."""

import re
import warnings
from ipaddress import IPv6Address
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pymongo import uri_parser
from pymongo.errors import PyMongoError

_ESCAPES = (
    "write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25 in the user's name and "
    "password"
)
_AMQP = "must be amqp://user:password@host[:port]/[vhost]"
_MONGO = "must be mongodb://host[:port]/<database>?…, with the database's name"


_LONGEST_NAME = 253
"""Characters of a host's name (RFC 1035)."""


def _split(value: str, form: str) -> SplitResult:
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
        raise ValueError(f"{form}; the port must be a number up to 65535, and {_ESCAPES}") from None
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{form}; the port must not be {'0' if port == 0 else 'empty'}")
    return parts


def _host(parts: SplitResult, form: str) -> str:
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
    parts = _split(value, _AMQP)
    if parts.scheme not in {"amqp", "amqps"} or not parts.hostname:
        raise ValueError(_AMQP)
    if parts.fragment or "@" in parts.path + parts.query:
        raise ValueError(f"{_AMQP}; {_ESCAPES}")
    _host(parts, _AMQP)
    for name, seconds in parse_qsl(parts.query, keep_blank_values=True):
        if name in {"heartbeat", "timeout"} and not re.fullmatch(r"[0-9]{1,5}", seconds):
            raise ValueError(f"{_AMQP}; {name} must be a number of seconds")
    return value


def http_url(value: str) -> str:
    """`value` without a slash at its end. Raises ValueError unless it is an http(s) address."""
    form = "must be an absolute http:// or https:// address without a query"
    parts = _split(value, form)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(form)
    if parts.username is not None:
        raise ValueError(f"{form}; it is public, so it holds no user's name")
    _host(parts, form)
    return value.rstrip("/")


def link(value: str) -> str:
    """An address of the web, with a query or not. Raises ValueError."""
    form = "must be an absolute http:// or https:// address"
    parts = _split(value, form)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(form)
    _host(parts, form)
    return value


def origin_of(url: str) -> str:
    """The origin of `url`, in the form that browsers send. Raises ValueError."""
    form = f"{url[:100]!r} is no origin such as https://www.example.org"
    parts = _split(url, form)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError(form)
    host, default = _host(parts, form), {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (
        f":{parts.port}" if parts.port not in (None, default) else ""
    )


def origins(value: str, *words: str) -> tuple[str, ...]:
    """The origins in `value`, separated by commas; `words` are taken unchanged. Raises
    ValueError.
    """
    names = [part.strip() for part in value.split(",") if part.strip()]
    return tuple(dict.fromkeys(name if name in words else origin_of(name) for name in names))


def mongo_url(value: str) -> str:
    """`value` if PyMongo accepts it as an address of MongoDB.
    Makes no DNS query. Raises ValueError.
    """
    scheme, found, rest = value.partition("://")
    if not found or scheme not in {"mongodb", "mongodb+srv"}:
        raise ValueError(_MONGO)
    if re.search(r"[\s\x00-\x1f\x7f]", value):
        raise ValueError(f"{_MONGO}; it holds a space or a line break")
    before, _, options = rest.partition("?")
    if "@" in rest and "@" not in before and "/" not in before:
        raise ValueError(f"{_MONGO}; {_ESCAPES}")  # the ? is the password's
    user, _, where = before.rpartition("@")
    hosts, _, database = where.partition("/")
    if re.search(r"[@/#]", user) or user.count(":") > 1 or re.search(r"%(?![0-9A-Fa-f]{2})", user):
        raise ValueError(f"{_MONGO}; {_ESCAPES}")
    if not database:
        raise ValueError(_MONGO)
    if scheme == "mongodb+srv" and ("," in hosts or ":" in hosts):
        raise ValueError(f"{_MONGO}; with mongodb+srv:// it has one host and no port")
    if re.search(r"(?i)(^|&)replicaSet=(&|$)", options):
        raise ValueError(f"{_MONGO}; replicaSet is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyMongo warns once more when it connects
            # Parsed as mongodb://, because for mongodb+srv:// PyMongo makes a DNS query.
            read = uri_parser.parse_uri(f"mongodb://{rest}", warn=False)
    except (PyMongoError, ValueError, OSError) as error:
        raise ValueError(f"{_MONGO}; {_plainly(error)}") from None
    if not re.fullmatch(r"[^\s/\\.\"$*<>:|?\x00]{1,63}", read["database"] or ""):
        raise ValueError(f"{_MONGO}; that name is no name of a database")
    return value


def _plainly(error: Exception) -> str:
    """PyMongo's message on one line, without its hints for programmers."""
    text = re.split(r"\. (?:Hint|Did you mean|Refer)|, use urllib", " ".join(str(error).split()))[0]
    if "atabase name" in text:
        return "that name is no name of a database"
    if "ort " in text or "scaped" in text:
        return f"the port must be a number up to 65535, and {_ESCAPES}"
    return text[:200].rstrip(".")
