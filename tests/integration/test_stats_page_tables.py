"""The numbers of each plot on the pages of figures, in its table and in its CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from lxml import html as lxml_html

from services.stats.pages.spans import PERIODS
from services.stats.readers.scopes import WHOLE_SITE, ReaderScope
from tests.support.readers_past import write_readers
from tests.support.system import System, until
from tests.support.traffic_past import Past, newest, write_past

PAST = Past(articles=40, days=100, every=8)
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Numbered:
    """A plot or a list, with the numbers of its rows."""

    csv: str
    rows: list[list[str]]
    """Without what names each."""


@pytest.fixture
async def stats(system: System) -> str:
    """The address of a stats with a past."""
    await write_past(system.db, NOW, PAST)
    await write_readers(system.db, NOW, 40, (WHOLE_SITE, ReaderScope("article", newest(PAST))))
    url = (await system.start("stats")).url

    async def ready() -> bool:
        text = (await system.http.get(f"{url}/stats/?period=all")).text
        return 'id="sections-heading"' in text and 'class="spark"' in text

    await until(ready, 30, "the lists and sections are ready")
    return url


def _shown(cell: Any) -> str:
    """A text of a page. A number is as Python writes it; "" is not known."""
    text = " ".join(cell.text_content().split())
    plain = text.replace(".", "").replace(",", ".")
    return "" if text == "—" else _told(plain) if plain.replace(".", "").isdigit() else text


def _told(cell: str) -> str:
    """A number of a file, with one decimal at most, as pages have it."""
    return f"{round(float(cell), 1):.1f}" if cell else ""


def _numbered(page: httpx.Response) -> Iterator[Numbered]:
    root: Any = lxml_html.document_fromstring(page.content)
    for section in root.xpath("//section[.//*[@class='more']/a]"):
        (link,) = section.xpath(".//*[@class='more']/a/@href")
        names = 2 if section.get("class") == "list" else 1  # a rank, and a title
        rows = section.xpath(".//tbody/tr")
        yield Numbered(link, [[_shown(cell) for cell in row[names:]] for row in rows])


def _columns(link: str, head: Sequence[str]) -> Sequence[str]:
    """The columns of a CSV that its table has, in the table's order."""
    if "/tables/heat" in link:
        return head[1:]
    if "split=class" in link:
        return ["reads", *(each for each in head[4:] if each not in ("reader", "batch"))]
    if "/stats/readers" in link:
        return ["readers"]
    return ["reads", "expected"] if "/trending" in link else ["reads"]


async def _differing(system: System, stats: str, path: str) -> tuple[int, dict[str, Any]]:
    """How many plots and lists a page has, and those whose CSV has other numbers."""
    page = await system.http.get(f"{stats}{path}")
    plots, differing = list(_numbered(page)), {}
    for plot in plots:
        answer = await system.http.get(stats + plot.csv)
        assert answer.status_code == 200, (plot.csv, answer.text)
        assert answer.headers["content-type"].startswith("text/csv")
        head, *lines = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
        at = [head.index(name) for name in _columns(plot.csv, head)]
        told = [[_told(line[place]) for place in at] for line in lines]
        shown = [row[: len(at)] for row in plot.rows]
        is_list = plot.csv.startswith(("/stats/top?", "/stats/trending?"))  # of which a page has 10
        if not shown or shown != (told[: len(shown)] if is_list else told):
            differing[plot.csv] = (shown, told)
    return len(plots), differing


async def test_the_csv_of_each_plot_has_the_numbers_of_its_table(
    system: System, stats: str
) -> None:
    compared = 0
    site = [f"/stats/?period={period}" for period in PERIODS]
    for path in (*site, f"/stats/articles/{newest(PAST)}/"):
        number, differing = await _differing(system, stats, path)
        if differing:  # a quarter of an hour may end between two requests
            number, differing = await _differing(system, stats, path)
        assert differing == {}, path
        compared += number
    print(f"\n{compared} plots and lists: as many CSV files with the same numbers")
    assert compared >= 10 * len(PERIODS)


async def test_tables_that_are_not_there_are_not_found(system: System, stats: str) -> None:
    answer = await system.http.get(f"{stats}/stats/tables/none?period=7d")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    heat = await system.http.get(f"{stats}/stats/tables/heat?period=strange")
    assert heat.headers["content-disposition"] == 'attachment; filename="luotdoc-heat-7d.csv"'
    assert heat.headers["cache-control"] == "public, max-age=1"
