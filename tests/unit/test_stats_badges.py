"""Badges and the widget: pure pictures and a small script."""

import re
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from services.stats import api
from services.stats.embedding.badges import LABELS, badge, estimated_width, label_of, shown_number
from services.stats.routes.embedded import BADGE, WIDGET
from shared.base.errors import Problem
from shared.web.cors import readable_by
from shared.web.revalidated import revalidated

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("name", "vi", "en"),
    [
        ("today", "lượt đọc hôm nay", "reads today"),
        ("total", "lượt đọc", "reads"),
        ("24h", "lượt đọc trong 24 giờ", "reads in 24 hours"),
        ("1h", "lượt đọc trong 1 giờ", "reads in 1 hour"),
        ("7d", "lượt đọc trong 7 ngày", "reads in 7 days"),
        ("1d", "lượt đọc trong 1 ngày", "reads in 1 day"),
        ("11d", "lượt đọc trong 11 ngày", "reads in 11 days"),
    ],
)
def test_labels_say_what_is_counted(name: str, vi: str, en: str) -> None:
    assert re.fullmatch(BADGE, name)
    assert (label_of(name, "vi"), label_of(name, "en")) == (vi, en)


def test_numbers_are_written_as_the_language_does() -> None:
    assert [shown_number(n, "vi") for n in (0, 999, 1000, 7666, 1234567)] == [
        "0", "999", "1.000", "7.666", "1.234.567",
    ]  # fmt: skip
    assert shown_number(1234567, "en") == "1,234,567"


@pytest.mark.parametrize("name", [*LABELS["vi"], "24h", "31d"])
@pytest.mark.parametrize("reads", [0, 7666, 1_234_567_890])
def test_a_badge_is_a_picture_with_a_name_whose_text_fits(name: str, reads: int) -> None:
    for language in ("vi", "en"):
        label, number = label_of(name, language), shown_number(reads, language)
        root = ElementTree.fromstring(badge(label, number, language))
        title = f"{label[0].upper()}{label[1:]}: {number}"
        assert root.findtext(f"{SVG}title") == root.get("aria-label") == title
        assert root.get("role") == "img"
        texts = root.findall(f".//{SVG}text")
        assert [text.text for text in texts] == [label, number]
        width, at = int(root.get("width", "0")), 0
        for text in texts:
            x, length = int(text.get("x", "")), int(text.get("textLength", ""))
            assert at + 5 <= x
            # Neither squeezed nor torn: as wide as such text is at 11 pixels.
            assert 4.4 <= length / len(text.text or "") <= 8.6
            at = x + length
        assert at + 5 <= width


def test_a_badge_needs_no_style_and_holds_no_markup_of_others() -> None:
    picture = badge('<b> & "c"', "1'2", "en").decode()
    assert "<b>" not in picture
    assert ElementTree.fromstring(picture).findtext(f"{SVG}title") == '<b> & "c": 1\'2'
    assert not re.search(r"style|script|href|url\(", picture)


def test_wider_letters_are_wider() -> None:
    assert estimated_width("iiii") < estimated_width("aaaa") < estimated_width("mmmm")


def test_the_widget_is_small_and_needs_nothing_that_a_strict_policy_forbids() -> None:
    assert len(WIDGET) < 2048
    text = WIDGET.decode()
    assert not re.search(
        r"\beval\b(?!,)|Function\(|innerHTML|\.style|cssText|document\.write", text
    )
    assert not re.search(r"=>|\blet\b|\bconst\b|`", text), "browsers of 2012 know none of this"


class FakeReports:
    """Reports with a figure of each kind."""

    async def site(self) -> Any:
        return type("Site", (), {"total": 1234, "today": 5})

    async def site_reads(self, window: str) -> int:
        return {"24h": 77}[window]

    async def article(self, article: str) -> Any:
        if article != "a1":
            raise Problem(404, "no article has this id")
        return type("ArticleReads", (), {"reads": 9000, "today": 3})


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("total.svg", "Lượt đọc: 1.234"),
        ("today.svg?lang=en", "Reads today: 5"),
        ("24h.svg", "Lượt đọc trong 24 giờ: 77"),
        ("total.svg?article=a1", "Lượt đọc: 9.000"),
        ("today.svg?article=a1&lang=vi", "Lượt đọc hôm nay: 3"),
    ],
)
async def test_a_badge_is_open_to_every_site_and_kept_a_second(path: str, title: str) -> None:
    async with asking() as client:
        answer = await client.get(f"/stats/badge/{path}", headers={"origin": "https://b.example"})
        assert answer.status_code == 200
        assert ElementTree.fromstring(answer.text).findtext(f"{SVG}title") == title
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["cache-control"] == "public, max-age=1"
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        again = {"if-none-match": answer.headers["etag"]}
        assert (await client.get(f"/stats/badge/{path}", headers=again)).status_code == 304


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("ever.svg", 422),
        ("745h.svg", 422),
        ("32d.svg", 422),
        ("total.svg?lang=fr", 422),
        ("total.svg?colour=red", 422),
        ("24h.svg?article=a1", 422),
        ("total.svg?article=a2", 404),
        ("total.png", 404),
    ],
)
async def test_other_badges_are_refused(path: str, status: int) -> None:
    async with asking() as client:
        assert (await client.get(f"/stats/badge/{path}")).status_code == status


async def test_the_widget_is_served_to_every_site_and_kept_an_hour() -> None:
    async with asking() as client:
        answer = await client.get("/stats/widget.js")
    assert answer.content == WIDGET
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["etag"]


def asking() -> httpx.AsyncClient:
    """A client of the API with `FakeReports`; scripts of one site may read figures."""
    made: Any = api.make(FakeReports(), None)  # type: ignore[arg-type]
    app = readable_by(revalidated(made, api.caching, api.MOMENT), ("https://a.example",))
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://stats")
