"""Who reads, without knowing who: a keyed hash of address and user agent, and the window against reloads."""

import asyncio
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address

from crawleruseragents import is_crawler

Network = IPv4Network | IPv6Network


def client_address(peer: str, forwarded: str | None, trusted: Iterable[Network]) -> str:
    """The reader's address: the peer's, or the last hop of `X-Forwarded-For` that no trusted proxy added."""
    networks = tuple(trusted)
    if not forwarded or not networks or not _within(peer, networks):
        return peer
    address = peer
    for hop in reversed([part.strip() for part in forwarded.split(",")]):
        if not _is_address(hop):
            return address
        address = hop
        if not _within(hop, networks):
            return address
    return address


@lru_cache(maxsize=4096)
def _within(address: str, networks: tuple[Network, ...]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_bot(user_agent: bytes) -> bool:
    """Whether a program sent this, by the first 512 characters. No browser goes without a user agent."""
    return not user_agent or _is_crawler(user_agent[:512])


@lru_cache(maxsize=10_000)
def _is_crawler(user_agent: bytes) -> bool:
    # Cached: a new one costs 0.3 ms.
    return bool(is_crawler(user_agent.decode("latin-1")))


def visitor(salt: bytes, address: str, user_agent: bytes) -> str:
    """16 hex digits that stand for a reader on one day; without the day's salt they lead to nobody."""
    return blake2b(b"%b\0%b" % (address.encode(), user_agent), key=salt, digest_size=8).hexdigest()


class ReloadWindow:
    """Remembers which visitor read what within the last `window` seconds; best effort, bounded, per process.

    A read enters it only once it is durable; until then others of the same visitor wait for its outcome.
    """

    def __init__(self, window: float, capacity: int, seconds: Callable[[], float]) -> None:
        """Of the last `capacity` reads at least the newer half is remembered."""
        self.window, self._seconds = window, seconds
        # Two dictionaries that only grow, the older thrown away whole: one that loses an entry with each that it
        # gains takes new memory again and again, and takes ever longer to find its first key.
        self._half = max(1, capacity // 2)
        self._newer: dict[str, float] = {}
        self._older: dict[str, float] = {}
        self._pending: dict[str, asyncio.Future[str]] = {}

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def holds(self, key: str) -> bool:
        """Whether this is a reload."""
        return (self._newer.get(key) or self._older.get(key, 0.0)) > self._seconds()

    def pending(self, key: str) -> asyncio.Future[str] | None:
        """The outcome of the same read that is on its way, if there is one."""
        return self._pending.get(key)

    def begin(self, key: str, outcome: asyncio.Future[str]) -> None:
        """A read is on its way."""
        self._pending[key] = outcome

    def end(self, key: str, durable: bool) -> None:
        """That read's outcome is known."""
        self._pending.pop(key, None)
        if not durable:
            return
        if len(self._newer) >= self._half:
            self._older, self._newer = self._newer, {}
        self._newer[key] = self._seconds() + self.window
