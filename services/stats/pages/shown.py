"""HTML of the pages: templates, their files, and the policy that browsers keep. Pure.

A moment changes although the figures are the same, so it stands in the HTML as a mark until the
page's tag is made.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.stats.pages.languages import DEFAULT_LANGUAGE, LANGUAGES, Language
from services.stats.settings import StatsSettings
from shared.base.site_basics import SiteBasics
from shared.web.look import LOOK

FOLDER = Path(__file__).parent
STATIC_PATH = "/stats/static/"
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
AS_OF, VIEW_AS_OF, COMPLETE = "\0as-of\0", "\0view-as-of\0", "\0complete\0"
"""Marks of moments: of the figures, of the lists, and until which every read is counted. Texts from
elsewhere go through `titled`, so that they hold no mark."""
MEDIA_TYPES_BY_END = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """A page with its entity tag, which does not depend on the moment of its figures."""

    status: int
    body: bytes
    tag: str


def titled(text: str) -> str:
    """A text from elsewhere without NUL, in whose place U+FFFD stands."""
    return text.replace("\0", "\ufffd")


def _hashed(name: str, content: bytes) -> str:
    stem, _, end = name.rpartition(".")
    return f"{stem}.{blake2b(content, digest_size=6).hexdigest()}.{end}"


class PageRenderer:
    """Fills the templates for one site."""

    def __init__(self, settings: StatsSettings) -> None:
        self.zone = ZoneInfo(settings.time_zone)
        self._home = f"{settings.base_url}/"
        self._name = settings.site_name
        self.sections = dict(settings.sections)
        files = {
            "stats.css": LOOK["base.css"] + (FOLDER / "static/stats.css").read_bytes(),
            "favicon.svg": LOOK["favicon.svg"],
        }
        self._paths = {name: _hashed(name, content) for name, content in files.items()}
        self.files = {self._paths[name]: content for name, content in files.items()}
        """The files that pages load, by a name that changes with the content."""
        self._templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(home=self._home, site_name=self._name, static=self._static)
        for name in self._templates.list_templates():
            self._templates.get_template(name)  # compiled now: it takes longer than a page

    def use(self, site: SiteBasics) -> None:
        """Fill the templates for the changed `site` from now on."""
        self._name, self.sections = str(site.name), dict(site.as_settings()["sections"])
        self._templates.globals.update(site_name=self._name)

    def _static(self, name: str) -> str:
        return STATIC_PATH + self._paths[name]

    def page(
        self,
        template: str,
        language: Language,
        *,
        status: int = 200,
        moments: dict[str, datetime] | None = None,
        now: datetime | None = None,
        **shown: Any,
    ) -> HtmlPage:
        """A page. `moments` has what stands in place of each mark."""
        html = self._templates.get_template(template).render(
            language=language,
            say=language.say,
            tongue=tongue(language),
            zone=self.zone.key,
            as_of=Markup(AS_OF),  # noqa: S704  (a constant)
            view_as_of=Markup(VIEW_AS_OF),  # noqa: S704
            **shown,
        )
        tag = f'W/"{blake2b(html.encode(errors="replace"), digest_size=12).hexdigest()}"'
        for mark, moment in (moments or {}).items():
            html = html.replace(mark, self._time(moment, now or moment, language))
        return HtmlPage(status, html.encode(errors="replace"), tag)

    def _time(self, moment: datetime, now: datetime, language: Language) -> str:
        local = moment.astimezone(self.zone)
        text = language.moment(local, now.astimezone(self.zone))
        return f'<time datetime="{local.isoformat(timespec="seconds")}">{escape(text)}</time>'

    def error(self, status: int, language: Language, address: str) -> HtmlPage:
        """An error page for people: 404, 410 or 503. `address` is the path of the page."""
        return self.page(
            "problem.html",
            language,
            status=status,
            code=status,
            page_title=language.say(f"error_{status}"),
            addresses={code: address + tongue(each) for code, each in LANGUAGES.items()},
        )


def tongue(language: Language) -> str:
    """The query of an address that keeps the language."""
    return "" if language.code == DEFAULT_LANGUAGE else f"?lang={language.code}"
