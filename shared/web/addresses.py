"""Finds the address of a reader behind proxies. Pure.

The `X-Forwarded-For` of a proxy in a trusted network is trusted, or its `Forwarded` (RFC 7239) if
there is no `X-Forwarded-For`. The reader's address is the last hop that is not a trusted proxy.
Hops further left may be forged.

If both headers are present, `X-Forwarded-For` wins: nearly all proxies write it, and pass on any
`Forwarded` of the client. A proxy that writes only `Forwarded` must delete the client's
`X-Forwarded-For`. If that header names trusted proxies only, an outer one of them has written
`Forwarded`.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

from shared.web.headers import RawHeaders

Network = IPv4Network | IPv6Network

_MAPPED = b"\0" * 10 + b"\xff\xff"  # ::ffff:0:0/96, an IPv4 address on a socket for both
# Networks in which IPv6 addresses hold an IPv4 address at their end.
# All their readers share one /64.
_EMBEDDING = (
    b"\0\x64\xff\x9b" + b"\0" * 8,  # 64:ff9b::/96, NAT64 (RFC 6052)
    b"\0\x64\xff\x9b\0\1" + b"\0" * 6,  # 64:ff9b:1::/96, NAT64 within a network (RFC 8215)
    b"\0" * 8 + b"\xff\xff\0\0",  # ::ffff:0:0:0/96, IPv4-translated (RFC 2765)
    b"\0" * 12,  # ::/96, IPv4-compatible (RFC 4291)
)
# 2001::/32: the /64 is the server's, the reader's IPv4 address stands inverted at the end
_TEREDO = b"\x20\1\0\0"
_6TO4 = b"\x20\2"  # 2002::/16 (RFC 3056): the reader's IPv4 address follows; a /48 is one reader's
_PORT = re.compile(r":(?:\d{0,5}|_[\w.-]+)\Z", re.ASCII)
_BRACKETS = re.compile(r"\[([^\]]*)\](?::[\w.-]*)?\Z")
_PADDED = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z", re.ASCII)
_OBFUSCATED = re.compile(r"(_[\w.-]{1,64})(?::[\w.-]+)?\Z", re.ASCII)
# One pair of a Forwarded element with the separator behind it:
# name, quoted value, plain value, separator or end.
_PAIR = re.compile(
    r'\s*(?:([\w!#$%&\'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?\s*([,;]|\Z)', re.ASCII
)
_NAME = b"\0" * 17  # before what is no address, so that it is longer than any
_LONGEST = 1024
"""Upper bound for the bytes of either header that are parsed, from its end, where proxies
append."""


def unmapped(network: Network) -> Network:
    """`network`, or the IPv4 network of a network of
    IPv4-mapped addresses such as ::ffff:10.0.0.0/104.
    """
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        return IPv4Network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return network


def networks(value: object) -> object:
    """A setting's text as networks. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(
            unmapped(ip_network(part.strip())) for part in value.split(",") if part.strip()
        )
    except ValueError as error:
        raise ValueError(
            f"must be networks such as 10.0.0.0/8, separated by commas: {str(error)[:100]}"
        ) from error


class Addresses:
    """Finds readers' addresses. `trusted` are the networks of trusted proxies."""

    def __init__(self, trusted: Iterable[Network]) -> None:
        self._trusted = tuple(
            (
                len(network.network_address.packed),
                int(network.netmask),
                int(network.network_address),
            )
            for network in trusted
        )
        self._trusts = lru_cache(maxsize=256)(self._is_trusted)
        self._cached = lru_cache(maxsize=4096)(self._find)

    def of(self, peer: str, headers: RawHeaders) -> str:
        """The reader's address as text, for logs, or a proxy's name for the reader such as
        `_a1`.
        """
        found = self._packed(peer, headers)
        if len(found) in (4, 16):
            return inet_ntop(AF_INET if len(found) == 4 else AF_INET6, found)
        return found.removeprefix(_NAME).decode()

    def reader(self, peer: str, headers: RawHeaders) -> bytes:
        """The part of the address that identifies a reader:
        an IPv4 address, also one embedded in IPv6, or an IPv6 /64.

        A /64, because one device has many IPv6 addresses.
        """
        found = self._packed(peer, headers)
        return _ipv6_reader(found) if len(found) == 16 else found

    def _packed(self, peer: str, headers: RawHeaders) -> bytes:
        if not self._trusted:
            return _peer(peer)
        # No list[bytes](): that takes half a microsecond, and this runs for each read.
        for_: list[bytes] = []
        forwarded: list[bytes] = []
        for name, value in headers:
            if name == b"x-forwarded-for":
                for_.append(value)
            elif name == b"forwarded":
                forwarded.append(value)
        return self._cached(peer, _end(b",".join(for_)), _end(b",".join(forwarded)))

    def _find(self, peer: str, for_: bytes, forwarded: bytes) -> bytes:
        found = _peer(peer)
        if not self._trusts(found):
            return found
        for part in reversed(for_.decode("latin-1").split(",")):
            if not (hop := part.strip()):
                continue
            if (address := _address(hop)) is None or not self._trusts(address):
                return address or found
            found = address
        for value in reversed(list(_for_values(forwarded.decode("latin-1")))):
            if value is None or (address := _address(value)) is None:
                # A name such as `_a1` is a proxy's for one client.
                # Any other text means that the address is unknown.
                named = value and _OBFUSCATED.match(value)
                return _NAME + named[1].encode() if named else found
            if not self._trusts(address):
                return address
            found = address
        return found

    def _is_trusted(self, address: bytes) -> bool:
        number = int.from_bytes(address)
        return any(
            len(address) == length and number & mask == network
            for length, mask, network in self._trusted
        )


def _end(header: bytes) -> bytes:
    """The last elements of a long header.
    They bound the cost of parsing and the cache of addresses.
    """
    return header if len(header) <= _LONGEST else header[-_LONGEST:].partition(b",")[2]


@lru_cache(maxsize=256)
def _peer(peer: str) -> bytes:
    return _address(peer) or _NAME + peer.encode()


def _address(text: str) -> bytes | None:
    """The address as 4 or 16 bytes, without quotes, brackets, port and zone;
    None if `text` is not an address.
    """
    if (found := _parse(text)) is not None:
        return found
    text = text.strip('"').strip()
    bracketed = _BRACKETS.match(text)
    text = bracketed[1] if bracketed else _PORT.sub("", text)
    if _PADDED.match(text):  # 203.0.113.007: no two readers are told apart by their zeros
        text = ".".join(str(int(number)) for number in text.split("."))
    return _parse(text)


def _parse(text: str) -> bytes | None:
    try:
        if ":" not in text:
            return inet_pton(AF_INET, text)
        packed = inet_pton(AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):  # ValueError: a zero byte in it
        return None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def _ipv6_reader(address: bytes) -> bytes:
    # Only for telling readers apart. Whether a proxy is trusted is judged by its full address.
    if address.startswith(_EMBEDDING):
        return address[12:]
    if address.startswith(_TEREDO):
        return bytes(255 - byte for byte in address[12:])
    if address.startswith(_6TO4):
        return address[2:6]
    return address[:8]


def _for_values(header: str) -> Iterator[str | None]:
    """The `for` of each element of a Forwarded header; None where there is none or the element
    is malformed.

    A malformed element ends at the next comma:
    a client's open quote must not hide what proxies have added.
    """
    position, values = 0, dict[str, str]()
    while True:
        pair = _PAIR.match(header, position)
        if pair is None:
            yield None
            position = header.find(",", position) + 1
            if not position:
                return
            values = {}
            continue
        name, quoted, plain, separator = pair.groups()
        if name is not None:
            values[name.lower()] = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
        position = pair.end()
        if separator != ";":
            if values:
                yield values.get("for")
            values = {}
        if not separator:
            return
