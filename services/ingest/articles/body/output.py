"""The parts of a written body, bounded in size. Pure."""

from dataclasses import dataclass, field

MAX_SIZE = 2 << 20
"""Characters of a body as it is stored."""


class TooLarge(ValueError):
    """The written body has more than `MAX_SIZE` characters."""


@dataclass(slots=True)
class Output:
    """Start tags, texts and end tags in order. A place in `parts` can be changed later."""

    parts: list[str] = field(default_factory=list)
    size: int = 0
    """Characters added so far, removed ones included."""

    def add(self, html: str) -> None:
        """Append `html`. Raises `TooLarge`."""
        self.size += len(html)
        if self.size > MAX_SIZE:
            raise TooLarge("the markup is too deeply nested to be repaired")
        self.parts.append(html)
