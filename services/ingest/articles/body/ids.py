"""The ids in a body: their spelling, and which element has which id. Pure."""

import re
import zlib
from dataclasses import dataclass, field

from services.ingest.articles.body.markup import AttributePairs, start_tag
from services.ingest.articles.body.output import Output
from shared.base.letters import one_form

ID_PREFIX = "body-"
"""Begins every id in a body, so that none equals an id or a global name of the page around it."""
MAX_ID = 100

_NOT_ID = re.compile(r"[^\w.:-]+")


def id_of(raw: str) -> str:
    """The body's spelling of an id of the source; empty if `raw` has no character but white space
    and hyphens. Two different ids of a source stay different.
    """
    plain = _NOT_ID.sub(_spelled, one_form(raw.strip())).strip("-")
    plain = plain.removeprefix(ID_PREFIX)
    if len(plain) > MAX_ID:
        plain = f"{plain[: MAX_ID - 9]}-{zlib.crc32(plain.encode()):08x}"
    return f"{ID_PREFIX}{plain}" if plain else ""


def _spelled(other: re.Match[str]) -> str:
    """A hyphen for white space, a hyphen and code points for other characters: two notes `fn*` and
    `fn**` must not get the same id.
    """
    return "-" + "".join(f"{ord(character):x}" for character in other[0] if not character.isspace())


@dataclass(slots=True)
class Ids:
    """Gives each id to one element. The id of an element that is not written waits for the next
    element that is.
    """

    output: Output
    used: set[str] = field(default_factory=set)
    of_run: list[str] = field(default_factory=list)
    """Ids given since the current run began."""
    waiting: list[str] = field(default_factory=list)

    def claim(self, id: str) -> AttributePairs:
        """The id attribute for the element that is written now: `id`, else one that waits."""
        if id and id not in self.used:
            self.used.add(id)
            self.of_run.append(id)
            return (("id", id),)
        if not id and self.waiting:
            return self.claim(self.waiting.pop(0))
        return ()

    def remember(self, id: str) -> None:
        """Let the id of an element that is not written wait."""
        if id and id not in self.used:
            self.waiting.append(id)

    def withdraw_run(self) -> None:
        """Let the ids of the current run wait again, because the run is removed from the output."""
        self.used.difference_update(self.of_run)
        self.waiting = [*self.of_run, *self.waiting]

    def write_waiting(self) -> None:
        """Write each waiting id on an empty `<span>` of its own."""
        if not self.waiting:
            return
        waiting, self.waiting = self.waiting, []
        for id in waiting:
            claimed = self.claim(id) if id not in self.used else ()
            self.output.add(f"{start_tag('span', claimed)}</span>" if claimed else "")
