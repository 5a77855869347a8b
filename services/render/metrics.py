"""render's metrics. `app.py` makes them once and passes them in."""

from collections.abc import Sequence

from prometheus_client import Counter, Histogram

from luotdoc_subscriber.base.metrics import OTHER, SECONDS, Registry
from shared.base.collectors import Latency, Measured, Tally


class RenderMetrics:
    """Metrics of render: pages made and pages served."""

    ARTICLE, LIST = "article", "list"
    KINDS = (ARTICLE, LIST, "search", "feed", "static", "media", "redirect", "error")

    def __init__(self, registry: Registry, sections: Sequence[str]) -> None:
        """`sections`: the slugs of the site's own sections."""
        self._sections = frozenset(sections)
        self._of_pages(registry, sections)
        self._of_memory(registry)
        self.render_seconds = Histogram(
            "luotdoc_render_seconds",
            "Seconds to render and store one page, until this process has it in memory.",
            buckets=SECONDS,
            registry=registry,
        )
        self.search_waiting = Measured(
            "luotdoc_search_entries_waiting",
            "Articles that search does not know yet, or knows at an older revision, as all renders "
            "together have them; counted every 10 seconds.",
            registry,
        )
        self.freshness = Histogram(
            "luotdoc_publish_to_served_seconds",
            "Seconds from an article's event until its page is served, without replayed events.",
            buckets=SECONDS,
            registry=registry,
        )

    def _of_pages(self, registry: Registry, sections: Sequence[str]) -> None:
        self.pages = Tally(
            "luotdoc_pages_total",
            "Requests for pages that were answered, by kind, section and status. The section is "
            "empty for the front page and for kinds without one, and other where the settings "
            "don't name it.",
            ["kind", "section", "status"],
            registry,
        )
        for status in ("200", "304"):
            for section in (*sections, OTHER):
                self.pages.counts[self.ARTICLE, section, status] = 0
            for section in ("", *sections, OTHER):
                self.pages.counts[self.LIST, section, status] = 0
            for kind in ("search", "feed", "static", "media"):
                self.pages.counts[kind, "", status] = 0
        for kind, status in (
            ("redirect", "301"),
            ("redirect", "302"),
            ("error", "404"),
            ("error", "410"),
        ):
            self.pages.counts[kind, "", status] = 0
        for status in ("405", "500", "503"):
            self.pages.counts["error", "", status] = 0
        seconds = Latency(
            "luotdoc_page_seconds",
            "Seconds to answer a request for a page, by kind.",
            (0.0001, 0.00025, 0.0005, *SECONDS),
            registry,
            "kind",
            self.KINDS,
        )
        self._took = {kind: seconds.observer(kind) for kind in self.KINDS}

    def _of_memory(self, registry: Registry) -> None:
        self.stale = Counter(
            "luotdoc_pages_stale_total",
            "Pages and lists served from memory, possibly out of date, because MongoDB gave no "
            "answer.",
            registry=registry,
        )
        self.stale_seconds = Measured(
            "luotdoc_pages_stale_seconds",
            "Seconds since MongoDB last confirmed that the pages in memory are current, 0 while "
            "it does; at LUOTDOC_STALE_PAGES they are dropped.",
            registry,
        )

    def know(self, sections: Sequence[str]) -> None:
        """Count the site's sections of now under their slugs."""
        self._sections |= frozenset(sections)

    def section(self, slug: str) -> str:
        """The label value for the section `slug`: `other` if the settings don't name it."""
        return slug if slug in self._sections else OTHER

    def answered(self, kind: str, section: str, status: int, seconds: float) -> None:
        """Count and time one answer; `section` is a label value, as `section()` makes it."""
        self.pages.counts[kind, section, str(status)] += 1
        self._took[kind](seconds)
