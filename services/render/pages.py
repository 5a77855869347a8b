"""Renders articles into HTML. Pure: the same article and site give the same page.

A page is stored in parts, cut where the read count and the side column belong.
Both change all the time and are inserted when the page is served.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from luotdoc_events import events
from services.render.pictures import Pictures, label, source_of
from services.render.settings import RenderSettings
from services.render.tables import scrollable_tables
from shared.web.look import LOOK
from shared.web.paths import article_path

FOLDER = Path(__file__).parent
READS_MARK, ASIDE_MARK = "\0reads\0", "\0aside\0"
"""Placeholders in a page. A sanitised article contains no NUL."""

_CUT = re.compile(f"({READS_MARK}|{ASIDE_MARK})")


@dataclass(frozen=True)
class Named:
    """A section or a link as templates see it. `url` is empty for a section."""

    slug: str
    name: str
    url: str = ""


@dataclass(frozen=True)
class SiteInfo:
    """The site's name, sections and links, as templates see them."""

    name: str
    tagline: str
    address: str
    url: str
    language: str
    sections: tuple[Named, ...]
    links: tuple[Named, ...]

    def section(self, slug: str) -> Named:
        """The section `slug`. One that the settings don't name has its slug as its name."""
        for section in self.sections:
            if section.slug == slug:
                return section
        return Named(slug, slug.replace("-", " ").capitalize())


def site_of(settings: RenderSettings) -> SiteInfo:
    """The site as described by the settings."""
    return SiteInfo(
        settings.site_name,
        settings.site_tagline,
        settings.site_address,
        settings.base_url,
        "vi",
        tuple(Named(slug, name) for slug, name in settings.sections),
        tuple(Named("", name, url) for name, url in settings.links),
    )


def number(value: int) -> str:
    """A number in Vietnamese notation: `1.234.567`."""
    return f"{value:,}".replace(",", ".")


class Renderer:
    """Renders pages of one site.
    `version` changes with templates, static files and settings, not with articles.
    """

    def __init__(self, settings: RenderSettings) -> None:
        self.site = site_of(settings)
        self._zone = ZoneInfo(settings.time_zone)
        self._reads_url, self._live_url = settings.reads_url, settings.live_url
        self._stats_url = settings.stats_url
        self.pictures = Pictures(settings.base_url, settings.picture_hosts)
        own = {file.name: file.read_bytes() for file in sorted((FOLDER / "static").iterdir())}
        style = LOOK["base.css"] + own["style.css"]
        self.static = {**own, "style.css": style, "favicon.svg": LOOK["favicon.svg"]}
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
        )
        self._templates.globals.update(site=self.site, static=self.static_url)
        digest = sha256(
            repr(
                (
                    self.site,
                    self._reads_url,
                    self._live_url,
                    self._stats_url,
                    settings.time_zone,
                    self.pictures.sources,
                    sorted(self.static.items()),
                )
            ).encode()
        )
        for file in sorted((FOLDER / "templates").iterdir()):
            digest.update(file.read_bytes())
        self.version = digest.hexdigest()[:12]

    @property
    def content_security_policy(self) -> str:
        """The pages' policy: our scripts alone run, and may only send reads and follow counts."""
        origin, live = source_of(self._reads_url), source_of(self._live_url)
        connected = "".join(dict.fromkeys((origin, live)))
        return (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: "
            f"{self.pictures.sources}{origin}; media-src 'self' https:; connect-src "
            f"'self'{connected}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
        )

    def static_url(self, name: str) -> str:
        """The address of a static file. It changes with the file's content."""
        return f"/static/{name}?v={self.static_version(name)}"

    def static_version(self, name: str) -> str:
        """A short hash of a static file."""
        return sha256(self.static[name]).hexdigest()[:10]

    def moment(self, value: datetime) -> str:
        """A time for people, in the site's time zone: `23/11/2026 14:05`."""
        return value.astimezone(self._zone).strftime("%d/%m/%Y %H:%M")

    def article(self, article: events.Article) -> list[str]:
        """An article's page as a list of parts, with `READS` and `ASIDE` as parts of their own."""
        section = self.site.section(article.section)
        url = self.site.url + article_path(article.section, article.slug, article.id)
        published, modified = self.moment(article.published_at), self.moment(article.modified_at)
        # A first revision may be imported long after its publication: that is not a change.
        changed = article.revision > 1 and article.modified_at > article.published_at
        body_html = scrollable_tables(self.pictures.linked(article.body_html))
        fields = article.model_dump()
        image = fields["image"]
        shown = {
            **fields,  # some are replaced below by what templates show
            "body": Markup(body_html),  # noqa: S704  (ingest has sanitised it)
            "section": section,
            "image": self.shown_image(image),
            "picture": self._linked(image),
            "published": article.published_at.astimezone(self._zone),
            "published_text": published,
            "modified": article.modified_at.astimezone(self._zone),
            "modified_text": modified if changed and modified != published else None,
        }
        html = self._templates.get_template("article.html").render(
            article=shown,
            section=article.section,
            page_title=article.title,
            description=article.lead,
            canonical=url,
            reads=Markup(READS_MARK),  # noqa: S704
            aside=Markup(ASIDE_MARK),  # noqa: S704
            reads_url=self._reads_url,
            live_url=self._live_url,
            stats_url=self._stats_url,
        )
        return _CUT.split(html)

    def _linked(self, image: dict[str, Any] | None) -> dict[str, str] | None:
        if not image or self.shown_image(image):
            return None
        return {"url": image["url"], "label": label(image["url"], image["alt"])}

    def shown_image(self, image: dict[str, Any] | None) -> dict[str, Any] | None:
        """An article's picture, or None if the page may not show it."""
        return image if image and self.pictures.shown(image["url"]) else None

    def aside(self, latest: list[dict[str, Any]], total: int, online: int | None = None) -> str:
        """The side column. `online`: readers online, None if that is not known."""
        return self._templates.get_template("_aside.html").render(
            latest=latest,
            total=number(total),
            online=None if online is None else number(online),
        )

    def listing(
        self, slug: str | None, page: int, items: list[dict[str, Any]], more: bool, aside: str
    ) -> str:
        """Page number `page`, from 1, of the front page (`slug` None) or a section.
        `more`: another page follows.
        """
        base = f"/{slug}/" if slug else "/"
        heading = self.site.section(slug).name if slug else None
        return self.page(
            "list.html",
            title=heading or self.site.name,
            canonical=self.site.url + base if page == 1 else f"{self.site.url}{base}?page={page}",
            description=self.site.tagline,
            section=slug,
            heading=heading,
            items=items,
            page=page,
            previous_url=None if page == 1 else base if page == 2 else f"{base}?page={page - 1}",
            next_url=f"{base}?page={page + 1}" if more else None,
            aside=Markup(aside),  # noqa: S704  (made by a template)
        )

    def page(
        self,
        template: str,
        *,
        title: str,
        canonical: str | None,
        description: str = "",
        section: str | None = None,
        **shown: Any,
    ) -> str:
        """A page of `template`, which gets `shown`. `canonical` is its absolute address, if it has
        one; `section` is the slug that the menu marks.
        """
        return self._templates.get_template(template).render(
            page_title=title,
            canonical=canonical,
            description=description,
            section=section,
            **shown,
        )

    def error(self, status: int, heading: str, message: str) -> str:
        """An error page for people."""
        shown: dict[str, Any] = {"status": status, "heading": heading, "message": message}
        return self.page("error.html", title=heading, canonical=None, **shown)
