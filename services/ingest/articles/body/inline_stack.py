"""The inline elements that are open in the output. Pure."""

from dataclasses import dataclass, field

from services.ingest.articles.body.ids import Ids
from services.ingest.articles.body.markup import Inline, start_tag
from services.ingest.articles.body.output import Output


@dataclass(slots=True)
class InlineStack:
    """Opens and closes inline elements, and remembers where links within the body are."""

    output: Output
    ids: Ids
    _open: list[Inline] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)
    """Place in the output of the start tag of each open element."""
    _links: list[tuple[str, int, int]] = field(default_factory=list)
    """Target of each link within the body, and the places of its two tags."""

    def sync(self, wanted: tuple[Inline, ...]) -> None:
        """Close the open elements that are not in `wanted`, then open those that are missing."""
        common = 0
        for have, want in zip(self._open, wanted, strict=False):
            if have is not want:
                break
            common += 1
        while len(self._open) > common:
            self._close()
        for inline in wanted[common:]:
            id, inline.id = inline.id, ""
            self._starts.append(len(self.output.parts))
            attributes = (*inline.attributes, *(self.ids.claim(id) if id else ()))
            self.output.add(start_tag(inline.tag, attributes))
            self._open.append(inline)

    def _close(self) -> None:
        inline, start = self._open.pop(), self._starts.pop()
        if inline.target:
            self._links.append((inline.target, start, len(self.output.parts)))
        self.output.add(f"</{inline.tag}>")

    def forget_links(self, since: int) -> None:
        """Forget links at and after the place `since`: that part of the output is removed."""
        self._links = [link for link in self._links if link[1] < since]

    def unlink_missing(self) -> list[str]:
        """Remove the tags of links to ids that no element has. Returns those ids."""
        missing = []
        for target, start, end in self._links:
            if target not in self.ids.used:
                missing.append(target)
                self.output.parts[start] = self.output.parts[end] = ""
        return missing
