"""What readers are counted of: the site, a section, an article. Pure."""

from dataclasses import dataclass
from typing import Literal

ScopeKind = Literal["site", "section", "article"]


@dataclass(frozen=True, slots=True)
class ReaderScope:
    """The site, or a section or an article by name."""

    kind: ScopeKind
    name: str = ""


WHOLE_SITE = ReaderScope("site")


@dataclass(frozen=True, slots=True)
class ScopeDay:
    """A scope on one day, counted from 1970 (`shared.base.salt_days`)."""

    scope: ReaderScope
    day: int

    @property
    def id(self) -> str:
        """The id of its document."""
        return f"{self.scope.kind}:{self.scope.name}:{self.day}"
