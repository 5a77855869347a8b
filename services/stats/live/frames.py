"""The figures that open pages follow, and the frames in which they are sent. Pure.

A frame is an event of Server-Sent Events. Its data is JSON: the site's figures and the read counts
of articles, as far as they have changed since an earlier frame. A frame never repeats how they
changed: a client that missed ten of them gets one, with the newest figures. Its id is
`<process>-<version>`, and a client that names the id gets what is newer.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson

MOST_CHANGED = 50
"""Upper bound for the articles in a frame for clients that name none: those that changed last."""
MOST_LOOKED_AT = 1000
"""Upper bound for the articles that are looked at to find them."""
EVERYTHING = -1
"""The version before the first one: whoever has it lacks everything."""
_ID = re.compile(rb"([0-9a-f]{1,16})-([0-9]{1,15})")


@dataclass(frozen=True, slots=True)
class SiteNow:
    """The site's figures at the moment `as_of`. Of two totals the one with the larger `generation`
    is right, else the one with more counted reads: an editor may lower the `baseline`.
    """

    total: int
    periods: Mapping[str, int]
    """Reads of today, yesterday, this week, month and year. All of them, because a page that
    follows some of them would soon show a day with more reads than its week."""
    online: int | None
    as_of: str
    generation: int = 0
    baseline: int = 0
    """The part of the total that was not counted here."""

    def rank(self) -> tuple[int, int]:
        """The larger of two is that of the later figures."""
        return self.generation, self.total - self.baseline

    def figures(self) -> tuple[int, Mapping[str, int], int | None, int]:
        """All but the moment."""
        return self.total, self.periods, self.online, self.generation


@dataclass(slots=True)
class Followed:
    """The counted reads of an article. `baseline` is None until it is known; `version` is that of
    the last change.
    """

    counted: int = 0
    generation: int = 0
    baseline: int | None = None
    version: int = 0


class LiveFigures:
    """The newest figures, each with the version in which it changed. `process` is the name of this
    process in ids: versions of two processes can't be compared.
    """

    def __init__(self, process: str) -> None:
        self._process = process.encode()
        self.version = 0
        """That of the frames that are sent now."""
        self.site: SiteNow | None = None
        self._site_version = 0
        self._articles: dict[str, Followed] = {}
        """Those that have changed, the last one last."""
        self._unchanged: dict[str, Followed] = {}
        """Those that were only read from the database, in version 0."""
        self._counts_changed = self._site_changed = False

    def note_site(self, site: SiteNow) -> None:
        """Take new figures of the site. Older ones than those here are passed over."""
        held = self.site
        if held and site.rank() < held.rank():
            return
        self.site = site
        if not held or site.figures() != held.figures():
            self._site_version, self._site_changed = self.version + 1, True

    def note(self, article: str, counted: int, generation: int = 0) -> None:
        """Take an article's counted reads. Fewer ones than those here are passed over, unless the
        generation is larger.
        """
        held = self._held(article) or Followed()
        if (generation, counted) > (held.generation, held.counted):
            held.counted, held.generation = counted, generation
            self._change(article, held)

    def know(self, article: str, baseline: int, counted: int, generation: int = 0) -> None:
        """Take an article's reads as they are stored."""
        held = self._held(article)
        if held is None:
            self._unchanged[article] = Followed(counted, generation, baseline)
            return
        if held.baseline != baseline:
            held.baseline = baseline
            self._change(article, held)
        self.note(article, counted, generation)

    def _held(self, article: str) -> Followed | None:
        return self._articles.get(article) or self._unchanged.get(article)

    def _change(self, article: str, held: Followed) -> None:
        held.version, self._counts_changed = self.version + 1, True
        self._articles.pop(article, None)
        self._unchanged.pop(article, None)
        self._articles[article] = held

    def turn(self, *, site: bool = True) -> bool:
        """Begin the next version, if reads have changed, or, with `site`, only the site's figures;
        answers whether it has begun.
        """
        if not (self._counts_changed or (site and self._site_changed)):
            return False
        self._counts_changed = self._site_changed = False
        self.version += 1
        return True

    def lacking(self) -> list[str]:
        """The articles that changed last and whose baseline is not known, so that no frame has
        them.
        """
        last = islice(reversed(self._articles.items()), MOST_CHANGED)
        return [article for article, held in last if held.baseline is None]

    def has_news(self, articles: tuple[str, ...], since: int, *, site: bool) -> bool:
        """True if a frame after the version `since` says anything of `articles` (none: of any), or
        of the site if `site` is true.
        """
        if site and self._site_version > since:
            return True
        if articles:
            return any(True for _ in self._named(articles, since))
        return any(True for _ in self._last(since))

    def frame(self, articles: tuple[str, ...], since: int) -> bytes:
        """The frame with all that is newer than the version `since`: of `articles`, or of those
        that changed last if there are none.
        """
        data: dict[str, Any] = {}
        if self.site and self._site_version > since:
            data["site"] = _shown(self.site)
        found = (
            self._named(articles, since) if articles else islice(self._last(since), MOST_CHANGED)
        )
        chosen = dict(found)
        if chosen:
            data["articles"] = {
                name: (each.baseline or 0) + each.counted for name, each in chosen.items()
            }
        if generations := {
            name: each.generation for name, each in chosen.items() if each.generation
        }:
            data["generations"] = generations
        return b"id: %b-%d\ndata: %b\n\n" % (self._process, self.version, orjson.dumps(data))

    def _named(self, articles: tuple[str, ...], since: int) -> Iterator[tuple[str, Followed]]:
        for name in articles:
            held = self._held(name)
            if held and held.version > since and held.baseline is not None:
                yield name, held

    def _last(self, since: int) -> Iterator[tuple[str, Followed]]:
        for name, held in islice(reversed(self._articles.items()), MOST_LOOKED_AT):
            if held.version <= since:
                return
            if held.baseline is not None:
                yield name, held

    def version_of(self, event_id: bytes | None) -> int:
        """The version that a client has, by the id of its last frame: `EVERYTHING` without one, or
        with one of another process.
        """
        found = _ID.fullmatch(event_id or b"")
        if found is None or found[1] != self._process:
            return EVERYTHING
        version = int(found[2])
        return version if version <= self.version else EVERYTHING


def _shown(site: SiteNow) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "total": site.total,
        **site.periods,
        "online": site.online,
        "as_of": site.as_of,
    }
    return shown | ({"generation": site.generation} if site.generation else {})
