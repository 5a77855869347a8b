"""Articles for tests of files for machines."""

from datetime import UTC, datetime
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from luotdoc_events import events
from services.render.machine.publication import MachineArticle, Publication, ShownPicture

SITE = Publication(
    url="https://tin.vn",
    name="Tin Vùng Cao",
    tagline="Báo của tỉnh",
    languages=("vi", "en"),
    publisher="Sở Thông tin",
    email="toasoan@tin.vn",
    logo="/static/icon-512.png?v=1",
)
AT = datetime(2026, 11, 28, 7, 5, 9, 123000, tzinfo=UTC)
PICTURE = ShownPicture(
    url="https://tin.vn/media/a.jpg",
    alt="Cầu & sông",
    caption="Cầu mới",
    credit="TTXVN",
    type="image/jpeg",
    size=12345,
    width=1200,
    height=800,
)


def machine_article(name: str = "a1", **fields: Any) -> MachineArticle:
    """An article for machines."""
    least = {"url": f"https://tin.vn/thoi-su/bai-{name}.html", "title": "Bài", "published": AT}
    return MachineArticle(id=name, **{**least, **fields})


def event_article(name: str = "a1", **fields: Any) -> events.ArticlePublished:
    """An article as its event has it."""
    least = {
        "id": name,
        "revision": 1,
        "url": f"https://tin.vn/thoi-su/bai-{name}.html",
        "slug": "bai",
        "section": "thoi-su",
        "title": "Bài",
        "body_html": "<p>x</p>",
        "published_at": AT,
        "modified_at": AT,
    }
    return events.ArticlePublished.model_validate({**least, **fields})


def in_html(body: bytes, query: str) -> list[Any]:
    """What an XPath finds in a page."""
    found = lxml_html.fromstring(body.replace(b"\0", b"").decode()).xpath(query)
    assert isinstance(found, list)
    return found


def in_xml(body: bytes, name: str) -> list[Any]:
    """The elements of a name, such as `{*}entry`."""
    return [*etree.fromstring(body).iter(name)]
