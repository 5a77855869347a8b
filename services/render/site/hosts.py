"""Hosts whose pictures pages show. Pure."""

import re

_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*(:[1-9][0-9]{{0,4}})?")


def picture_host(value: str) -> str:
    """`value` in lower case if it is a host such as `cdn.example.vn`, `*.example.vn` or
    `cdn.example.vn:8443`. Raises ValueError.
    """
    host = value.strip().lower()
    port = host.partition(":")[2]
    if not _HOST.fullmatch(host) or int(port or 1) > 65535:
        raise ValueError(f"{host[:100]!r} must be a host, such as cdn.example.vn or *.example.vn")
    return host
