"""What the templates show of an article. Pure."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from luotdoc_events import events
from luotdoc_events.parts import Attachment
from services.render.languages.words import Words
from services.render.rendering.body import in_markup, with_contents
from services.render.rendering.pictures import Pictures, label
from services.render.rendering.tables import scrollable_tables
from services.render.site.model import WholeSite
from shared.web.paths import article_path

LONG_LEAD = 320
"""A lead with more characters is set smaller."""
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

    def shown(self, article: events.Article, words: Words) -> dict[str, Any]:
        """An article's fields, with texts in the words of its page's language."""
        zone = words.zone
        published, modified = words.moment(article.published_at), words.moment(article.modified_at)
        # A first revision may be imported long after its publication: that is not a change.
        changed = article.revision > 1 and article.modified_at > article.published_at
        body = scrollable_tables(
            self.pictures.linked(article.body_html, words.say), words.say("Bảng số liệu")
        )
        body, contents = with_contents(body)
        fields = article.model_dump()
        image = fields["image"]
        url = self.url(article)
        return {
            **fields,  # some are replaced below by what templates show
            "url": url,
            "body": in_markup(body),
            "contents": contents,
            "long_lead": len(article.lead) > LONG_LEAD,
            "section": self.site.section(article.section),
            "image": self.image(image),
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

    def image(self, image: dict[str, Any] | None) -> dict[str, Any] | None:
        """An article's picture, or None if the page may not show it."""
        return image if image and self.pictures.shown(image["url"]) else None

    def _linked(self, image: dict[str, Any] | None, words: Words) -> dict[str, str] | None:
        if not image or self.image(image):
            return None
        return {"url": image["url"], "label": label(image["url"], image["alt"], words.say)}


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
