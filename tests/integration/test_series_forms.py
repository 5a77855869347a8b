"""A series has the same figures as JSON, CSV and NDJSON, those of a plain list of reads: of the
site, a section or an article, whole, of one class or split into classes, with what is not known.
"""

import csv
import io
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.stats import api
from shared.base.metrics import Requests
from shared.storage.quarters import PER_DAY, day_name, quarter_of, start_of
from shared.web.observed import observed
from shared.web.revalidated import revalidated
from tests.integration.conftest import Emptied
from tests.integration.test_traffic_oracle import SECTIONS, ZONES, Portal
from tests.support.plain_traffic import PEOPLE, PlainRead
from tests.support.traffic_oracle import calendar_steps

CLASSES = ("reader", "batch", "bot", "reload", "prefetch", "origin", "limit", "other")
REFERRERS = ("direct", "site", "search", "social", "other")
DEVICES = ("mobile", "tablet", "desktop", "other")
NOW = datetime(2026, 11, 22, 15, 50, tzinfo=UTC)
HOURS = {"hour": 60, "day": 900, "week": 4000, "month": 9000}


@dataclass
class Asked:
    """A portal whose stats is asked over HTTP, and what it knows of sources."""

    portal: Portal
    http: httpx.AsyncClient
    sources: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """Reads of class reader by (`referrer` or `device`, class, quarter)."""

    async def know(self, quarter: int, what: str, kind: str, number: int) -> None:
        """Say of `number` of the site's reads of a quarter where they came from."""
        day, place = day_name(quarter // PER_DAY), quarter % PER_DAY
        site = {"article": "*", "day": day}
        update = {"$inc": {f"{what}.{kind}.{place}": number}}
        assert (await self.portal.emptied.db.buckets.update_one(site, update)).modified_count == 1
        self.sources[what, kind, quarter] += number

    async def get(self, form: str, **query: str) -> httpx.Response:
        answer = await self.http.get("/stats/series", params={**query, "format": form})
        assert answer.status_code == 200, answer.text
        return answer

    def number(self, name: str, first: int, end: int, query: dict[str, str]) -> int:
        """A column of a point, from the plain list."""
        plain, chosen = self.portal.plain, query.get("class")
        of = {"article": query.get("article"), "section": query.get("section")}
        if name == "reads":
            return plain.total(first, end, kind=chosen, **of)
        split = query["split"]
        if split == "class":
            return plain.total(first, end, kind=name, **of)
        known = Counter[str]()
        for (what, kind, quarter), number in self.sources.items():
            if what == split and first <= quarter < end:
                known[kind] += number
        if name == "not_known":
            return plain.total(first, end, kind="reader") - known.total()
        return known[name]

    def point(self, first: int, end: int, query: dict[str, str]) -> dict[str, int | None]:
        """The columns of a point. A 0 is not known before the first day with people's reads, and
        after now.
        """
        counted = [r.quarter for r in self.portal.plain.reads if r.kind in PEOPLE]
        since = min(counted) // PER_DAY * PER_DAY
        dark = end <= since or start_of(first) > self.portal.now
        named = {
            None: (),
            "class": CLASSES,
            "referrer": (*REFERRERS, "not_known"),
            "device": (*DEVICES, "not_known"),
        }[query.get("split")]
        numbers = {name: self.number(name, first, end, query) for name in ("reads", *named)}
        return {name: n or (None if dark else 0) for name, n in numbers.items()}


@pytest.fixture
async def asked(emptied: Emptied) -> AsyncIterator[Asked]:
    chance = random.Random(5)
    portal = Portal(emptied, ZoneInfo("Asia/Ho_Chi_Minh"), NOW, chance)
    articles = [f"a{number}" for number in range(6)]
    for article in articles:
        await portal.publish(article, chance.choice(SECTIONS))
    current = quarter_of(NOW)
    for slot in range(6):
        reads = [
            PlainRead(
                chance.choice(articles),
                current - int(chance.paretovariate(0.3)) % (400 * PER_DAY) + chance.choice((0, 9)),
                chance.randrange(1, 9),
                chance.choices(CLASSES, (60, 10, 10, 6, 4, 4, 4, 2))[0],
            )
            for _ in range(120)
        ]
        reads.append(PlainRead("a1", current - 410 * PER_DAY - slot, 3, "bot"))  # before `since`
        await portal.writer.count(reads, NOW, slot)
    for article in articles:
        for month in ("2025-12", "2026-03", "2026-05"):
            await portal.writer.archive(article, month)
    stats = portal.stats[0]
    served = revalidated(api.make(stats.reports, stats.exports), api.caching, api.MOMENT)
    transport = httpx.ASGITransport(app=observed(served, Requests(new_registry())))
    async with httpx.AsyncClient(transport=transport, base_url="http://stats") as http:
        one = Asked(portal, http)
        for read in [each for each in portal.plain.reads if each.kind == "reader"][::3]:
            await one.know(read.quarter, "referrer", chance.choice(REFERRERS), 1)
            await one.know(read.quarter, "device", chance.choice(DEVICES), read.number)
        await portal.settled(stats)  # which reads closed days only once
        yield one


def question(chance: random.Random) -> dict[str, str]:
    step = chance.choice(tuple(HOURS))
    end = NOW + timedelta(hours=chance.choice((0, 20, 300, -chance.randrange(9000))))
    start = end - timedelta(hours=chance.randrange(1, HOURS[step]))
    split = chance.choice(("class", "referrer", "device"))
    chosen = chance.choice(
        (
            {},
            {"section": chance.choice(SECTIONS)},
            {"article": f"a{chance.randrange(6)}"},
            {"class": chance.choice(CLASSES)},
            {"article": f"a{chance.randrange(6)}", "class": chance.choice(CLASSES)},
            {"article": f"a{chance.randrange(6)}", "split": "class"},
            {"split": split},
            {"split": split},
        )
    )
    moments = {"from": start.isoformat(), "to": end.isoformat()}
    return {"step": step, "tz": chance.choice(ZONES), **moments, **chosen}


def cells(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


async def test_all_forms_of_a_series_are_those_of_a_plain_list(asked: Asked) -> None:
    chance, compared, unknown = random.Random(11), 0, 0
    known = {article.section for article in asked.portal.plain.articles.values()}
    while compared < 20_000:
        query = question(chance)
        if query.get("section", "") not in {"", *known}:
            continue
        asked.portal.seconds += 100
        points = (await asked.get("json", **query)).json()["points"]
        lines = [json.loads(line) for line in (await asked.get("ndjson", **query)).text.split()]
        rows = cells((await asked.get("csv", **query)).text)
        starts = [quarter_of(datetime.fromisoformat(point["start"])) for point in points]
        moments = [datetime.fromisoformat(query[name]) for name in ("from", "to")]
        steps = list(calendar_steps(query["step"], moments[0], moments[1], query["tz"]))
        assert starts == [each.start for each in steps], query
        ends = [each.stop for each in steps]
        for point, line, row, first, end in zip(points, lines, rows, starts, ends, strict=True):
            assert point["time"] == start_of(first).timestamp() * 1000
            numbers = {"reads": point["reads"], **(point["by"] or {})}
            expected = asked.point(first, end, query)
            assert numbers == expected, (query, point)
            compared += len(expected)
            unknown += sum(number is None for number in expected.values())
            moment = {"start": point["start"], "zone": query["tz"], "time": point["time"]}
            assert line == {**moment, **numbers}
            local = datetime.fromisoformat(point["start"]).strftime("%Y-%m-%d %H:%M:%S")
            named = {**moment, "start": local, **numbers}
            assert row == {k: "" if v is None else str(v) for k, v in named.items()}
    print(f"\n{compared} figures as JSON, CSV and NDJSON: 0 differ, {unknown} of them not known")
    assert unknown > 500


async def test_an_export_of_all_articles_over_http(asked: Asked) -> None:
    plain = Counter[tuple[str, int, str]]()
    for read in asked.portal.plain.reads:
        plain[read.article, read.quarter * 900_000, read.kind] += read.number
    for form in ("csv", "ndjson"):
        answer = await asked.http.get("/stats/export", params={"format": form})
        assert answer.headers["content-disposition"] == (
            f'attachment; filename="luotdoc-reads.{form}"'
        )
        rows: list[dict[str, Any]] = (
            cells(answer.text)
            if form == "csv"
            else [json.loads(line) for line in answer.text.splitlines()]
        )
        found = Counter(
            {
                (row["article"], int(row["time"]), kind): int(row[kind])
                for row in rows
                for kind in CLASSES
                if int(row[kind])
            }
        )
        assert found == plain
        assert all(int(row["reads"]) == int(row["reader"]) + int(row["batch"]) for row in rows)


REFUSED = [
    ("series?split=class&section=tin", 422, "split"),
    ("series?split=class&class=bot", 422, "split"),
    ("series?split=referrer&article=a1", 422, "split"),
    ("series?split=country", 422, "split"),
    ("series?format=xml", 422, "format"),
    ("series?step=hour&from=2026-01-01&to=2026-06-01", 422, "from"),
    ("series?step=hour&from=2000-01-01&to=2100-01-01&format=csv", 422, "from"),
    ("series?article=unknown1&format=csv", 404, ""),
    ("series?section=unknown&format=ndjson", 404, ""),
    ("export?from=2026-11-23&to=2026-11-23", 422, "from"),
    ("export?from=2026-11-24&to=2026-11-23", 422, "from"),
    ("export?to=1999-01-01", 422, "to"),
    ("export?format=json", 422, "format"),
    ("export?section=tin", 422, "section"),
    ("export?article=unknown1", 404, ""),
]


async def test_what_cannot_be_answered_names_its_parameter_also_for_head(asked: Asked) -> None:
    for query, status, path in REFUSED:
        answer = await asked.http.get(f"/stats/{query}")
        assert answer.status_code == status, (query, answer.text)
        faults = [fault["path"] for fault in answer.json().get("errors", [])]
        assert faults == ([path] if path else []), query
        assert (await asked.http.head(f"/stats/{query}")).status_code == status, query


async def test_the_accept_header_chooses_the_form(asked: Asked) -> None:
    for path, accept, expected in (
        ("series", "", "application/json"),
        ("series", "application/x-ndjson", "application/x-ndjson"),
        ("series", "text/csv", "text/csv; charset=utf-8"),
        ("export", "*/*", "text/csv; charset=utf-8"),
        ("export", "application/x-ndjson", "application/x-ndjson"),
    ):
        answer = await asked.http.get(f"/stats/{path}", headers={"accept": accept})
        assert answer.headers["content-type"] == expected
        assert "Accept" in answer.headers["vary"]


async def test_a_series_of_200_000_points_and_a_short_one_with_a_tag(asked: Asked) -> None:
    span = {"step": "hour", "from": "2000-01-01T00:00:00Z", "to": "2022-10-25T08:00:00Z"}
    whole = await asked.get("ndjson", **span)
    assert whole.text.count("\n") == 200_000
    assert "etag" not in whole.headers
    too_long = {**span, "to": "2022-10-25T09:00:00Z", "format": "csv"}
    assert (await asked.http.get("/stats/series", params=too_long)).status_code == 422
    short = await asked.get("csv", to="2026-11-22")
    assert short.headers["etag"]
    again = await asked.http.get(
        "/stats/series?format=csv&to=2026-11-22", headers={"if-none-match": short.headers["etag"]}
    )
    assert again.status_code == 304
