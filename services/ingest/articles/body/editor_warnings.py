"""Warnings for the editor: what was changed or left out. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field

MAX_WARNINGS = 50

Warn = Callable[[str], None]
"""Takes one message for the editor."""


@dataclass(frozen=True)
class Warned:
    """One warning: the field of the request, and what was changed or left out there."""

    path: str
    message: str


@dataclass
class Warnings:
    """Collects messages: each once, at most `MAX_WARNINGS`."""

    messages: list[str] = field(default_factory=list)

    def add(self, message: str) -> None:
        """Add `message`, unless it is there already or there are too many."""
        if message not in self.messages and len(self.messages) < MAX_WARNINGS:
            self.messages.append(message)
