"""The pages of figures: periods, texts in two languages, and what is shown of known and unknown
figures.
"""

import re
import string
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from services.stats.answers import Compared
from services.stats.compared import course_compared
from services.stats.pages import shown
from services.stats.pages.blocks import Block, Known
from services.stats.pages.heat_block import heat_block
from services.stats.pages.kept import MOST_PAGES, KeptPages
from services.stats.pages.languages import LANGUAGES
from services.stats.pages.lists import web_address
from services.stats.pages.shown import AS_OF, HtmlPage, PageRenderer
from services.stats.pages.site_blocks import SiteBlocks
from services.stats.pages.site_pages import site_address
from services.stats.pages.site_tiles import people_tiles, period_tiles, total_tile
from services.stats.pages.spans import (
    PERIODS,
    day_span,
    heat_days,
    long_steps,
    period_steps,
    stack_steps,
    today_steps,
)
from services.stats.pages.words import TEXTS
from services.stats.settings import StatsSettings
from services.stats.traffic.compare import ComparedBy
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.windows import window_spans
from shared.storage.quarters import quarter_of, start_of
from tests.support.page_figures import HANOI, NOW, empty_courses, site_courses, site_figures
from tests.support.sources import ROOT

VI, EN = LANGUAGES["vi"], LANGUAGES["en"]
PAGES = ROOT / "services/stats/pages"
SETTINGS = StatsSettings(
    amqp_url="amqp://h",
    mongo_url="mongodb://h/d",
    base_url="https://tin.example.vn",
    site_name="Báo Lam Sơn",
)


def local(quarter: int) -> str:
    return f"{start_of(quarter).astimezone(HANOI):%d/%m %H:%M}"


# ── periods
# ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("period", "step", "number", "first", "last", "before"),
    [
        ("24h", "hour", 24, "22/11 15:00", "23/11 15:00", "21/11 15:00"),
        ("7d", "hour", 168, "17/11 00:00", "24/11 00:00", "10/11 00:00"),
        ("30d", "day", 30, "25/10 00:00", "24/11 00:00", "25/09 00:00"),
        ("90d", "day", 90, "26/08 00:00", "24/11 00:00", "28/05 00:00"),
        ("12mo", "day", 365, "24/11 00:00", "24/11 00:00", "24/11 00:00"),
    ],
)
def test_a_period_is_whole_steps_until_now_beside_as_many_before(
    period: str, step: str, number: int, first: str, last: str, before: str
) -> None:
    steps = period_steps(period, NOW, HANOI, date(2020, 1, 1))
    assert (steps.step, len(steps.edges) - 1, len(steps.before) - 1) == (step, number, number)
    assert (local(steps.edges[0]), local(steps.edges[-1])) == (first, last)
    assert local(steps.before[0]) == before
    assert steps.before[-1] == steps.edges[0]


@pytest.mark.parametrize(
    ("first", "step", "number"),
    [
        (date(2026, 11, 23), "day", 1),
        (date(2026, 11, 14), "day", 10),
        (date(2025, 11, 1), "day", 388),
        (date(2024, 11, 25), "week", 105),
        (date(2016, 1, 5), "month", 131),
        (date(1990, 1, 5), "month", 240),
        (date(2026, 12, 1), "day", 1),  # a clock that was wrong
    ],
)
def test_all_time_has_longer_steps_the_longer_it_is(first: date, step: str, number: int) -> None:
    steps = long_steps(first, NOW, HANOI)
    assert (steps.step, len(steps.edges) - 1) == (step, number)
    assert local(steps.edges[-1]).endswith("00:00")
    assert steps.edges[-1] > quarter_of(NOW)


def test_stacks_are_few_and_end_now() -> None:
    for period, step, number in (
        ("24h", "hour", 24), ("7d", "day", 7), ("30d", "day", 30), ("90d", "week", 14),
        ("12mo", "month", 13), ("all", "month", 35),
    ):  # fmt: skip
        steps = stack_steps(period, NOW, HANOI, date(2024, 1, 9))
        assert (steps.step, len(steps.edges) - 1) == (step, number), period
        assert steps.edges[-1] > quarter_of(NOW)


def test_today_is_beside_the_same_weekday_of_last_week() -> None:
    steps = today_steps(NOW, HANOI)
    assert len(steps.edges) == len(steps.before) == 25
    assert (local(steps.edges[0]), local(steps.before[0])) == ("23/11 00:00", "16/11 00:00")


def test_a_heat_map_has_one_to_thirteen_weeks() -> None:
    days = {each: heat_days(each, NOW, HANOI, date(2026, 11, 1)) for each in PERIODS}
    assert days == {"24h": 7, "7d": 7, "30d": 30, "90d": 90, "12mo": 90, "all": 23}


def test_the_days_of_a_series() -> None:
    steps = period_steps("30d", NOW, HANOI, date(2020, 1, 1))
    assert day_span(steps.edges, HANOI) == (date(2026, 10, 25), date(2026, 11, 24))


# ── languages
# ──────────────────────────────────────────────────────────────────────────────────────────


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_fill_in_the_same() -> None:
    assert {key for key, (vi, en) in TEXTS.items() if fields(vi) != fields(en)} == set()
    assert {key for key, texts in TEXTS.items() if not all(texts)} == set()


def test_every_text_is_used() -> None:
    source = "".join(
        file.read_text()
        for file in (*PAGES.rglob("*.py"), *PAGES.rglob("*.html"))
        if file.name != "words.py"
    )
    made = {
        "in_",
        "error_",
        "text_",
        "other_",
        "open_",
    }  # the beginnings of keys that are put together
    kinds = {"reader", "batch", "bot", "reload", "prefetch", "origin", "limit", "other"}
    kinds |= {"direct", "site", "search", "social", "mobile", "tablet", "desktop", "not_known"}
    assert [
        key
        for key in TEXTS
        if not re.search(rf"""["']{key}["']""", source)
        and not key.startswith(tuple(made))
        and key not in kinds
    ] == []


def test_days_and_moments_are_written_as_people_write_them() -> None:
    day = datetime(2026, 11, 3, 9, 5, 7, tzinfo=HANOI)
    assert (VI.short_day(day), EN.short_day(day)) == ("3/11", "3 Nov")
    assert (VI.whole_day(day), EN.whole_day(day)) == ("03/11/2026", "3 Nov 2026")
    assert (VI.month(day), EN.month(day)) == ("11/2026", "Nov 2026")
    assert (VI.weekday(day), EN.weekday(day)) == ("thứ Ba", "Tuesday")
    assert (VI.hour(8), EN.hour(8)) == ("8h", "8:00")
    assert VI.step("hour", day) == "09:05, 03/11/2026"
    assert VI.step("hour", day, with_day=False) == "09:05"
    assert VI.moment(day, day) == "09:05:07"
    assert EN.moment(day, day + timedelta(days=1)) == "09:05:07, 3 Nov 2026"


# ── blocks
# ─────────────────────────────────────────────────────────────────────────────────────────────


def blocks_of(period: str = "7d", days: int = 400, code: str = "vi") -> SiteBlocks:
    courses = site_courses(days) if days else empty_courses()
    moment = Known(NOW, courses.since, HANOI)
    span = window_spans(NOW, HANOI)[period]
    return SiteBlocks(courses.courses, moment, LANGUAGES[code], period, span)


def cells(block: Block) -> list[list[str]]:
    rows = lxml_html.fragment_fromstring(block.table).iter("tr")
    return [[str(cell.text_content()) for cell in row] for row in rows]


def test_today_ends_with_what_is_not_known_yet() -> None:
    block = blocks_of().today()
    head, *rows = cells(block)
    assert head == ["Giờ", "Hôm nay", "thứ Hai tuần trước"]
    assert [row[0] for row in rows[:2]] == ["00:00", "01:00"]
    assert [row[1] == "—" for row in rows] == [False] * 15 + [True] * 9
    assert not [row for row in rows if row[2] == "—"]
    courses, hours = site_courses(400), today_steps(NOW, HANOI).edges
    for row, (first, end) in zip(rows, pairwise(hours[:16]), strict=False):
        assert row[1] == VI.notation.whole(courses.of().between(first, end))
    assert block.csv == (
        "/stats/series?step=hour&from=2026-11-22T17:00:00.000Z&to=2026-11-23T17:00:00.000Z"
        "&format=csv"
    )
    assert block.legend == (
        ("now", "Hôm nay"),
        ("before", "thứ Hai tuần trước"),
        ("open", "giờ này chưa hết"),
    )


def test_what_was_before_the_first_read_is_not_known_and_not_zero() -> None:
    rows = cells(blocks_of("30d", days=10).course())[1:]
    assert [row[1] == "—" for row in rows] == [True] * 19 + [False] * 11
    assert {row[2] for row in rows} == {"—"}


@pytest.mark.parametrize("code", ["vi", "en"])
@pytest.mark.parametrize("days", [0, 1, 400])
def test_every_block_of_every_period_is_made(code: str, days: int) -> None:
    for period in PERIODS:
        site = blocks_of(period, days, code)
        made = [site.today(), site.course(), site.year(), site.heat(), site.classes(),
                site.sections({}, {}), site.referrers(), site.devices()]  # fmt: skip
        assert len({block.id for block in made}) == len(made)
        for block in made:
            assert "{" not in block.heading + block.note
            if days == 0:
                assert LANGUAGES[code].say("described_none") in block.plot


def test_classes_of_a_period_add_up_to_its_people() -> None:
    head, *rows = cells(blocks_of("30d").classes())
    assert head[:3] == ["Ngày", "Người đọc", "Máy tìm kiếm, rô-bốt"]
    assert len(head) == 1 + 1 + 6
    courses, (first, *_) = site_courses(400), stack_steps("30d", NOW, HANOI, date(2020, 1, 1)).edges
    people = sum(int(row[1].replace(".", "")) for row in rows)
    assert people == courses.of().between(first, 1 << 40)


def test_sections_have_names_and_the_most_read_is_first() -> None:
    course = site_courses(30).of()
    small = site_courses(30, most=90, seed=3).of()
    made = blocks_of("7d").sections({"kinh-te": small, "thoi-su": course}, {"thoi-su": "Thời sự"})
    head, *rows = cells(made)
    assert head == ["Chuyên mục", "Lượt đọc", "Tỷ lệ"]
    assert [row[0] for row in rows] == ["Thời sự", "Kinh te"]
    assert rows[0][1] == VI.notation.whole(course.between(*window_spans(NOW, HANOI)["7d"]))


def test_sources_have_what_is_not_known_at_the_end() -> None:
    rows = cells(blocks_of("30d").devices())[1:]
    assert [row[0] for row in rows] == [
        "Điện thoại", "Máy tính", "Máy tính bảng", "Thiết bị khác", "Không rõ",
    ]  # fmt: skip
    span = window_spans(NOW, HANOI)["30d"]
    told = sum(int(row[1].replace(".", "")) for row in rows)
    assert told == site_courses(400).of(("class", "reader")).between(*span)


def test_a_heat_map_has_means_of_the_hours_that_are_over() -> None:
    courses = site_courses(400)
    moment = Known(NOW, courses.since, HANOI)
    head, *rows = cells(heat_block(14, courses.of(), moment, VI, "7d"))
    assert head == ["Giờ", "T2", "T3", "T4", "T5", "T6", "T7", "CN"]
    mondays = [quarter_of(datetime(2026, 11, day, 6, tzinfo=UTC)) for day in (16, 23)]
    mean = sum(courses.of().between(first, first + 4) for first in mondays) / 2
    assert rows[13][:2] == ["13:00", VI.notation.decimal(mean)]
    only = quarter_of(datetime(2026, 11, 16, 7, tzinfo=UTC))  # 14:00 of today is not over
    assert rows[14][1] == VI.notation.decimal(courses.of().between(only, only + 4))


def test_figures_that_are_not_known_yet_have_no_number() -> None:
    figures = site_figures(site_courses(3)).answer
    moment = Known(NOW, None, HANOI)
    tiles = people_tiles(figures, moment, VI)
    assert [(tile.heading, tile.number, tile.note) for tile in tiles] == [
        ("Đang đọc", "", ""),
        ("Người đọc hôm nay", "", ""),
    ]
    known = people_tiles(figures.model_copy(update={"online": 12}), moment, EN)
    assert (known[0].number, known[0].note) == ("12", "readers of the last 5 minutes")
    assert total_tile(figures, VI).note == "gồm 1.000 lượt từ hệ thống trước"


def compared(by: ComparedBy, courses: SiteCourses) -> Compared:
    return course_compared(by, NOW, HANOI, courses.since, courses.of())


def test_a_comparison_tells_the_numbers_that_it_compares() -> None:
    courses = site_courses(400)
    figures = site_figures(courses).answer.model_copy(update={"today": 98765, "yesterday": 54321})
    by_week, by_previous = compared("last_week", courses), compared("previous", courses)
    moment = Known(NOW, courses.since, HANOI)
    today, yesterday, week, *_ = period_tiles(figures, by_week, by_previous, moment, VI)
    pair, whole = by_week.today, VI.notation.whole
    assert pair.reads < 98765  # the quarter that began at 14:30 is not over
    assert today.number == "98.765"
    assert today.note == (
        f"{VI.notation.change(pair.reads, pair.before)} tính đến 14:30: {whole(pair.reads)} "
        f"so với {whole(pair.before)} thứ Hai tuần trước"
    )
    assert yesterday.note.endswith(f"so với {whole(by_week.yesterday.before)} Chủ nhật tuần trước")
    assert week.note.endswith(f"so với {whole(by_previous.week.before)} cùng lúc tuần trước")
    young = site_courses(0)
    tiles = period_tiles(
        figures, compared("last_week", young), compared("previous", young), moment, VI
    )
    assert {tile.note for tile in tiles} == {"chưa có số liệu để so sánh"}


# ── pages
# ──────────────────────────────────────────────────────────────────────────────────────────────


def test_addresses_leave_out_what_is_usual() -> None:
    assert site_address("7d", "vi") == "/stats/"
    assert site_address("30d", "en") == "/stats/?period=30d&lang=en"
    assert web_address("https://tin.example.vn/a") == "https://tin.example.vn/a"
    assert web_address("javascript:alert(1)") == ""


def test_a_tag_does_not_depend_on_the_moment() -> None:
    renderer = PageRenderer(SETTINGS)

    def page(moment: datetime, title: str) -> HtmlPage:
        return renderer.page(
            "article.html", VI, moments={AS_OF: moment}, page_title=title,
            addresses={"vi": "", "en": ""}, article="a1", title=title, url="", published="",
            total="7.666", tiles=[], blocks=[], baseline="", books="",
        )  # fmt: skip

    one, later = page(NOW, "Cầu"), page(NOW + timedelta(seconds=9), "Cầu")
    assert one.tag == later.tag != page(NOW, "Sông").tag
    assert '<time datetime="2026-11-23T14:36:05+07:00">14:36:05</time>' in one.body.decode()
    root: Any = lxml_html.document_fromstring(one.body)
    text = " ".join(root.text_content().split())
    assert "7.666 lượt đọc, tính đến 14:36:05" in text
    hostile = page(NOW, '<script>alert("1")</script>').body.decode()
    assert "<script" not in hostile


def test_error_pages_say_what_is_wrong() -> None:
    renderer = PageRenderer(SETTINGS)
    for status in (404, 410, 503):
        for language in LANGUAGES.values():
            page = renderer.error(status, language, "/stats/articles/a1/")
            root = lxml_html.document_fromstring(page.body)
            assert page.status == status
            assert root.xpath("//h1/text()") == [language.say(f"error_{status}")]
            assert root.get("lang") == language.code


def test_files_have_their_hash_in_their_name() -> None:
    renderer = PageRenderer(SETTINGS)
    assert sorted(re.sub(r"\.[0-9a-f]{12}\.", ".", name) for name in renderer.files) == [
        "favicon.svg",
        "stats.css",
    ]
    body = renderer.error(404, VI, "/stats/").body.decode()
    named = re.findall(r'"/stats/static/([^"]+)"', body)
    assert set(named) == renderer.files.keys()


def test_a_changed_file_has_another_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = PageRenderer(SETTINGS).files.keys()
    (tmp_path / "static").mkdir()
    (tmp_path / "static/stats.css").write_text("/* khác */")
    monkeypatch.setattr(shown, "FOLDER", tmp_path)
    assert len(before & PageRenderer(SETTINGS).files.keys()) == 1  # the icon


async def test_a_page_is_kept_for_a_second() -> None:
    now, made = 0.0, []

    async def make() -> HtmlPage:
        made.append(now)
        return HtmlPage(200, b"", "")

    kept = KeptPages(lambda: now)
    for now in (0.0, 0.9, 1.0, 1.9):  # noqa: B007
        await kept.get("a", make)
    assert made == [0.0, 1.0]
    for number in range(MOST_PAGES):
        await kept.get(number, make)
    assert kept.held("a") is None
    assert kept.held(1)
