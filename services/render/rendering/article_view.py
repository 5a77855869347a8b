"""What the templates show of an article. Pure."""

import re
from dataclasses import dataclass
from textwrap import shorten
from typing import Any
from urllib.parse import quote, urlsplit

from luotdoc_events import events
from luotdoc_events.parts import Attachment
from services.render.languages.words import Words
from services.render.machine.publication import Facts
from services.render.rendering.body import in_markup, with_contents
from services.render.rendering.picture_sizes import PictureFacts, facts_of, sized
from services.render.rendering.pictures import Pictures, label
from services.render.rendering.tables import scrollable_tables
from services.render.search.plain import text_of_html
from services.render.site.model import WholeSite
from shared.web.paths import article_path

LONG_LEAD = 320
"""A lead with more characters is set smaller."""
OPENING, READ_FOR_OPENING = 200, 4000
"""Characters of a page's description without a lead, and of the HTML that it is taken from."""
_KINDS = {
    "application/pdf": "PDF",
    "application/msword": "DOC",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
    "application/vnd.ms-excel": "XLS",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "application/vnd.ms-powerpoint": "PPT",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PPTX",
    "application/vnd.oasis.opendocument.text": "ODT",
    "application/vnd.oasis.opendocument.spreadsheet": "ODS",
    "application/zip": "ZIP",
    "text/csv": "CSV",
    "text/plain": "TXT",
}
_LONGEST_ENDING = 5


@dataclass(frozen=True)
class ArticleView:
    """Prepares articles of one site for templates."""

    site: WholeSite
    pictures: Pictures

    def shown(self, article: events.Article, words: Words, facts: PictureFacts) -> dict[str, Any]:
        """An article's fields, with texts in the words of its page's language. `facts` are those of
        its pictures.
        """
        zone = words.zone
        published, modified = words.moment(article.published_at), words.moment(article.modified_at)
        # A first revision may be imported long after its publication: that is not a change.
        changed = article.revision > 1 and article.modified_at > article.published_at
        body = self.pictures.linked(sized(article.body_html, self.site.url, facts), words.say)
        body, contents = with_contents(scrollable_tables(body, words.say("Bảng số liệu")))
        fields = article.model_dump()
        image = fields["image"]
        known = facts_of(article.image, self.site.url, facts)
        url = self.url(article)
        return {
            **fields,  # some are replaced below by what templates show
            "url": url,
            "body": in_markup(body),
            "contents": contents,
            "long_lead": len(article.lead) > LONG_LEAD,
            "description": article.lead or _opening(article),
            "section": self.site.section(article.section),
            "image": self.image(image, known),
            "picture": self._linked(image, words),
            "published": article.published_at.astimezone(zone),
            "published_text": published,
            "modified": article.modified_at.astimezone(zone),
            "modified_text": modified if changed and modified != published else None,
            "corrections": [
                {"at": each.at.astimezone(zone), "text": words.moment(each.at), "note": each.note}
                for each in article.corrections
            ],
            "attachments": [_attached(each, words) for each in article.attachments],
            "share": _share(url, article.title),
        }

    def url(self, article: events.Article) -> str:
        """The absolute address of an article's page."""
        return self.site.url + article_path(article.section, article.slug, article.id)

    def image(self, image: dict[str, Any] | None, facts: Facts = None) -> dict[str, Any] | None:
        """An article's picture with `width` and `height`, 0 if they are not known; None if the page
        may not show it.
        """
        if image is None or not self.pictures.shown(image["url"]):
            return None
        return {**image, **{name: (facts or {}).get(name, 0) for name in ("width", "height")}}

    def _linked(self, image: dict[str, Any] | None, words: Words) -> dict[str, str] | None:
        if not image or self.image(image):
            return None
        return {"url": image["url"], "label": label(image["url"], image["alt"], words.say)}


_BEGUN_TAG = re.compile(r"<[^>]*\Z")
"""A tag that the cut has left without its end."""


def _opening(article: events.Article) -> str:
    """The beginning of an article's text, for lists of other sites."""
    begins = _BEGUN_TAG.sub("", article.body_html[:READ_FOR_OPENING])
    return shorten(text_of_html(begins), OPENING, placeholder=" …") or article.title


def _attached(one: Attachment, words: Words) -> dict[str, str]:
    stem, _, ending = urlsplit(one.url).path.rpartition("/")[2].rpartition(".")
    is_ending = stem and ending.isascii() and ending.isalnum() and len(ending) <= _LONGEST_ENDING
    kind = _KINDS.get(one.type) or (ending.upper() if is_ending else "")
    facts = [kind, words.size(one.size) if one.size else ""]
    return {"url": one.url, "title": one.title, "facts": ", ".join(filter(None, facts))}


def _share(url: str, title: str) -> dict[str, str]:
    """Addresses of other sites that share an article."""
    address, text = quote(url, safe=""), quote(title, safe="")
    return {
        "Facebook": f"https://www.facebook.com/sharer/sharer.php?u={address}",
        "X": f"https://x.com/intent/post?url={address}&text={text}",
        "E-mail": f"mailto:?subject={text}&body={address}",
    }
