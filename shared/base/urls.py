"""Checks addresses in settings before anything connects. No message repeats a possible password."""

import re
import warnings

from pymongo import uri_parser
from pymongo.errors import PyMongoError

from luotdoc_subscriber.base.urls import ESCAPES, host_of, split

_MONGO = "must be mongodb://host[:port]/<database>?…, with the database's name"


def link(value: str) -> str:
    """An address of the web, with a query or not. Raises ValueError."""
    form = "must be an absolute http:// or https:// address"
    parts = split(value, form)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(form)
    host_of(parts, form)
    return value


def origin_of(url: str) -> str:
    """The origin of `url`, in the form that browsers send. Raises ValueError."""
    form = f"{url[:100]!r} is no origin such as https://www.example.org"
    parts = split(url, form)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError(form)
    host, default = host_of(parts, form), {"http": 80, "https": 443}[parts.scheme]
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
        raise ValueError(f"{_MONGO}; {ESCAPES}")  # the ? is the password's
    user, _, where = before.rpartition("@")
    hosts, _, database = where.partition("/")
    if re.search(r"[@/#]", user) or user.count(":") > 1 or re.search(r"%(?![0-9A-Fa-f]{2})", user):
        raise ValueError(f"{_MONGO}; {ESCAPES}")
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
        return f"the port must be a number up to 65535, and {ESCAPES}"
    return text[:200].rstrip(".")
