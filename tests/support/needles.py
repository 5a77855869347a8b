"""Looks for known texts wherever the system keeps anything: what must not be there is a needle."""

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from tests.support.system import System

OF_MONGODB = ("system.", "replset.")
"""Beginnings of the names of MongoDB's own collections, which it shows to nobody. None of the
system's collections has such a name.
"""
_IPV6 = re.compile(r"[0-9a-f]+(?::[0-9a-f]*)+")
_ZEROS = re.compile(rb"\0{32,}")


def forms(needle: str) -> set[bytes]:
    """The bytes that give `needle` away, in lower case: as text, in hex, in base64 at any place,
    and the parts of an IPv6 address.
    """
    text = needle.lower().encode()
    found = {text, text.hex().encode()}
    for said in (text, needle.encode()):
        for before in range(3):
            # Digits at both ends also depend on what is beside the text.
            inside = b64encode(b"\0" * before + said).rstrip(b"=")[(0, 2, 3)[before] : -1]
            found.add(inside.lower())
    if _IPV6.fullmatch(needle):
        found.add(ip_address(needle).exploded.encode())
        found |= {ip_address(needle).packed.hex().encode(), packed(needle).hex().encode()}
    return found


def packed(needle: str) -> bytes:
    """The network of an IPv6 address as its 8 bytes; of any other needle its text. The 4 bytes of
    an IPv4 address may be in any file by chance.
    """
    address = _IPV6.fullmatch(needle)
    return ip_address(needle).packed[:8] if address else needle.encode()


@dataclass
class Search:
    """Searches places for needles. `places` says how many bytes were searched in each."""

    needles: Collection[str]
    places: dict[str, int] = field(default_factory=dict)
    found: set[tuple[str, str]] = field(default_factory=set)
    """(needle, place)."""

    def __post_init__(self) -> None:
        self._forms = {needle: forms(needle) for needle in self.needles}
        self._packed = {needle: packed(needle) for needle in self.needles}

    def look(self, place: str, data: bytes) -> None:
        """Search `data`, which was found at `place`."""
        self.places[place] = self.places.get(place, 0) + len(data)
        data = _ZEROS.sub(b"\0", data)  # files are made with their whole size
        low = data.lower()
        for needle, any_of in self._forms.items():
            if any(form in low for form in any_of) or self._packed[needle] in data:
                self.found.add((needle, place))

    def files(self, place: str, folder: Path) -> None:
        """Search every file below `folder`."""
        for file in _files(folder):
            self.look(f"{place}/{file.relative_to(folder)}", file.read_bytes())

    async def database(self, system: System) -> None:
        """Search every document of every collection of every database, the oplog among them."""
        raw: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
        for database in await system.motor.list_database_names():
            for name in await system.motor[database].list_collection_names():
                if name.startswith(OF_MONGODB):
                    continue
                collection = system.motor[database].get_collection(name, codec_options=raw)
                async for document in collection.find({}):
                    self.look(f"MongoDB {database}.{name}", bytes(document.raw))

    def where(self, needle: str, *beginnings: str) -> bool:
        """True if `needle` was found in a place that begins with one of `beginnings`."""
        return any(what == needle and place.startswith(beginnings) for what, place in self.found)

    def bytes_in(self, beginning: str) -> int:
        """The bytes searched in places that begin with `beginning`."""
        return sum(size for place, size in self.places.items() if place.startswith(beginning))

    def only(self, needles: Iterable[str]) -> list[tuple[str, str]]:
        """Where any of `needles` was found."""
        wanted = set(needles)
        return sorted(each for each in self.found if each[0] in wanted)


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        try:
            if file.is_file() and not file.is_symlink():
                yield file
        except OSError:  # it has just gone
            continue
