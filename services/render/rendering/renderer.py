"""Renders articles into HTML. Pure: the same article and site give the same page.

A page is stored in parts, cut where the read count and the side column belong.
Both change all the time and are inserted when the page is served.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup

from luotdoc_events import events
from services.render.figures import VisitFigures, known_figures
from services.render.languages.words import Words
from services.render.machine.publication import Facts
from services.render.page import Page
from services.render.rendering import templates
from services.render.rendering.article_view import ArticleView
from services.render.rendering.body import in_markup
from services.render.rendering.machine_heads import MachineHeads
from services.render.rendering.picture_sizes import PictureFacts
from services.render.rendering.pictures import Pictures, source_of
from services.render.rendering.saved import alone
from services.render.rendering.static_files import StaticFiles
from services.render.rendering.templates import Templates
from services.render.settings import RenderSettings
from services.render.site.model import WholeSite
from services.render.site.sites import site_of

READS_MARK, ASIDE_MARK = "\0reads\0", "\0aside\0"
ALTERNATES_MARK, RELATED_MARK = "\0alternates\0", "\0related\0"
"""Placeholders in a page. A sanitised article contains no NUL."""

_CUT = re.compile(f"({READS_MARK}|{ASIDE_MARK}|{ALTERNATES_MARK}|{RELATED_MARK})")


class Renderer:
    """Renders pages of one site.
    `version` changes with templates, static files and settings, not with articles.
    """

    def __init__(self, settings: RenderSettings) -> None:
        self._settings = settings
        self._reads_url, self._live_url = settings.reads_url, settings.live_url
        self._stats_url = settings.stats_url
        self.use(site_of(settings))

    def use(self, site: WholeSite) -> None:
        """Render pages of `site` from now on."""
        self.site, self.zone = site, ZoneInfo(site.time_zone or "UTC")
        self.pictures = Pictures(site.url, site.picture_hosts)
        self.files = StaticFiles(site.colours.css(), site.files)
        self._templates = Templates(site, self.zone, self.files.url)
        self._view = ArticleView(site, self.pictures)
        logo = self.files.url(site.logo_file if site.logo else "icon-512.png")
        self.heads = MachineHeads(site, self.zone, self.pictures, logo)
        told = (
            site,
            self._reads_url,
            self._live_url,
            self._stats_url,
            self.pictures.sources,
            sorted(self.files.contents.items()),
            templates.digest(),
        )
        self.version = sha256(repr(told).encode()).hexdigest()[:12]

    @property
    def content_security_policy(self) -> str:
        """The pages' policy: our scripts alone run, and may only send reads and follow counts."""
        origin, live = source_of(self._reads_url), source_of(self._live_url)
        measured = self.site.analytics
        script = f" {measured.source}" if measured and measured.source else ""
        others = [f" {each}" for each in measured.connect] if measured else []
        connected = "".join(dict.fromkeys((origin, live, script, *others)))
        return (
            f"default-src 'none'; script-src 'self'{script}; style-src 'self'; font-src 'self'; "
            f"img-src 'self' data: {self.pictures.sources}{origin}; media-src 'self' https:; "
            f"connect-src 'self'{connected}; manifest-src 'self'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'self'"
        )

    def words(self, language: str) -> Words:
        """The words and notation of one of the site's languages."""
        return self._templates.words_of(language)

    def article(self, article: events.Article, facts: PictureFacts | None = None) -> list[str]:
        """An article's page as a list of parts, with each of the marks as a part of its own."""
        language = self.site.language_of(article.language)
        shown = self._view.shown(article, self.words(language), facts or {})
        home = self.words(language).say("Trang chủ"), f"{self.site.prefix(language)}/"
        html = self._templates.render(
            "article.html",
            language,
            article=shown,
            section=article.section,
            page_title=article.title,
            description=shown["description"],
            canonical=shown["url"],
            reads=Markup(READS_MARK),  # noqa: S704
            aside=Markup(ASIDE_MARK),  # noqa: S704
            alternates=Markup(ALTERNATES_MARK),  # noqa: S704
            related=Markup(RELATED_MARK),  # noqa: S704
            **self.heads.of_article(article, facts or {}, home),
            reads_url=self._reads_url,
            live_url=self._live_url,
            stats_url=self._stats_url,
        )
        return _CUT.split(html)

    def saved(self, article: events.Article, pictures: Mapping[str, str]) -> str:
        """An article as one file that opens alone. `pictures`: `data:` addresses by address."""
        language = self.site.language_of(article.language)
        shown = self._view.shown(article, self.words(language), {})
        shown["body"] = in_markup(alone(str(shown["body"]), self.site.url, pictures))
        return self._templates.render(
            "saved.html",
            language,
            article=shown,
            pictures=pictures,
            style=in_markup((templates.FOLDER / "saved.css").read_text()),
        )

    def shown_image(self, image: dict[str, Any] | None, facts: Facts) -> dict[str, Any] | None:
        """An article's picture for lists, or None if the page may not show it."""
        return self._view.image(image, facts)

    def aside(
        self,
        latest: list[dict[str, Any]],
        total: int,
        visits: VisitFigures | None = None,
        *,
        language: str = "vi",
    ) -> str:
        """The side column. `visits`: the site's figures, None if they are not known."""
        number = self.words(language).number
        return self._templates.render(
            "_aside.html",
            language,
            latest=latest,
            total=number(total),
            visits={name: number(value) for name, value in known_figures(visits).items()},
        )

    def related(self, items: list[dict[str, Any]], language: str) -> str:
        """Related articles, to stand below an article; empty if there are none."""
        if not items:
            return ""
        return self._templates.render("_related.html", language, items=items)

    def alternates(self, every: Mapping[str, str], language: str) -> str:
        """The links in a page's head to the same article in other languages, and to itself.
        `every`: their paths by language, none if it has no translations.
        """
        if not every:
            return ""
        return self._templates.render("_alternates.html", language, every=every)

    def listing(
        self,
        template: str,
        *,
        base: str,
        language: str,
        heading: str,
        section: str | None,
        items: list[dict[str, Any]],
        cursor: tuple[str, str] | None,
        newer: str | None,
        older: str | None,
        every: Mapping[str, str] | None = None,
        followed: bool = False,
    ) -> str:
        """A part of the list at `base`; `followed`: it has feeds. `cursor`: what asked for this
        part, None for the first; `newer` and `older`: the cursors of the parts beside it.
        """
        base = quote(base)
        address = base if cursor is None else f"{base}?{cursor[0]}={cursor[1]}"
        return self.page(
            template,
            title=heading or self.site.name.said_in(language),
            canonical=self.site.url + address,
            description=self.site.section(section or "").description.said_in(language),
            section=section,
            language=language,
            heading=heading,
            items=items,
            every=every,
            first=cursor is None,
            base=base,
            json_ld=self.heads.of_list(heading, self.site.url + base, language) if heading else "",
            feed_base=base if followed else None,
            newer_url=None if newer is None else f"{base}?after={newer}",
            older_url=None if older is None else f"{base}?before={older}",
        )

    def page(
        self,
        template: str,
        *,
        title: str,
        canonical: str | None,
        description: str = "",
        section: str | None = None,
        language: str | None = None,
        **shown: Any,
    ) -> str:
        """A page of `template`, which gets `shown`. `canonical` is its absolute address, if it has
        one; `section` is the slug that the menu marks.
        """
        return self._templates.render(
            template,
            language or self.site.language,
            page_title=title,
            canonical=canonical,
            description=description,
            section=section,
            aside=Markup(ASIDE_MARK),  # noqa: S704
            **shown,
        )

    def error(
        self,
        status: int,
        heading: str,
        message: str,
        instead: Page | None = None,
        language: str | None = None,
    ) -> str:
        """An error page for people. `instead`: an article to read in place of this one."""
        return self.page(
            "error.html",
            title=heading,
            canonical=None,
            language=language,
            status=status,
            heading=heading,
            message=message,
            instead=instead,
        )
