"""What the processes tell a real Prometheus: each metric comes from the process that measures it,
alerts are quiet.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families as families

from tests.integration.conftest import Subscriber
from tests.support.alerts import alerts, exposed
from tests.support.outside import cache
from tests.support.prometheus import Prometheus, Target, promtool
from tests.support.system import EDITOR, System, until

AGES = (
    "time() - luotdoc_books_complete_through_seconds",
    "time() - luotdoc_books_as_of_seconds",
)
"""They fired for ever when every process showed the books, as 0."""


@contextmanager
def watching(system: System, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus that scrapes all processes, each a job of its own name."""
    targets = [
        Target(process.url.removeprefix("http://"), process.name.rpartition("-")[0])
        for process in system.processes
    ]
    server = Prometheus(folder, targets)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def sample(system: System, service: str, name: str, **labels: str) -> float | None:
    """A sample of a service, as it exposes it."""
    text = (await system.http.get(f"{system.url(service)}/metrics")).text
    found = [
        s.value for f in families(text) for s in f.samples if s.name == name and s.labels == labels
    ]
    return found[0] if found else None


async def test_a_real_prometheus_finds_each_metric_in_its_own_service_and_no_alert_fires(
    system: System, subscriber: Subscriber, tmp_path: Path
) -> None:
    async with cache() as outside:
        await system.start_all()
        purger = await system.start(
            "subscriber",
            module="docs.examples.cache_purger",
            amqp_url=subscriber("cache-purger"),
            cache_url=outside.url,
        )
        await system.put("a1")
        await until(lambda: system.page("a1"), 10, "the page is there")
        assert (await system.read("a1")).status_code == 204

        async def settled() -> bool:
            up = [
                await sample(system, p.name.rpartition("-")[0], "luotdoc_broker_up")
                for p in system.processes
            ]
            return up == [1.0] * 5 and bool(
                await sample(system, "stats", "luotdoc_books_complete_through_seconds")
            )

        await until(settled, 15, "all are connected, and the books are read")
        for process in system.processes:
            assert (
                promtool(
                    "check", "metrics", text=(await system.http.get(f"{process.url}/metrics")).text
                )
                == ""
            )

        with watching(system, tmp_path / "prometheus") as prometheus:

            def scraped() -> bool:
                # Two scrapes of each: `rate` works; and each rule was evaluated after that.
                seen = prometheus.value("count_over_time(luotdoc_ready[1m])")
                return sorted(seen)[:1] >= [3.0] and len(seen) == 5

            await until(
                lambda: asyncio.to_thread(scraped), 15, "all five are scraped, several times"
            )

            told: dict[str, set[str]] = {
                process.name.rpartition("-")[0]: set() for process in system.processes
            }
            for entry in prometheus.ask("targets/metadata"):
                if entry["metric"].startswith("luotdoc_"):
                    told[entry["target"]["job"]].add(entry["metric"])
            assert told == exposed()

            groups = prometheus.ask("rules")["groups"]
            judged: list[dict[str, Any]] = [rule for group in groups for rule in group["rules"]]
            assert {rule["health"] for rule in judged} == {"ok"}
            assert {rule["name"]: rule["state"] for rule in judged if "state" in rule} == {
                alert.name: "inactive" for alert in alerts()
            }
            # They have something to judge: from stats alone, and with ages of seconds.
            for expression in AGES:
                (age,) = prometheus.value(expression)
                assert 0 <= age < 20
        assert purger.popen.poll() is None


async def test_reads_are_shown_by_class_and_outcome(system: System) -> None:
    ingest = await system.start("ingest")
    await system.put("a1")

    async def reads(kind: str) -> dict[str, float | None]:
        outcomes = (
            "counted",
            "reload",
            "bot",
            "prefetch",
            "origin",
            "limit",
            "unknown",
            "invalid",
            "unavailable",
        )
        return {
            outcome: value
            for outcome in outcomes
            if (
                value := await sample(
                    system, "ingest", "luotdoc_reads_total", **{"class": kind, "outcome": outcome}
                )
            )
        }

    assert (
        await sample(
            system, "ingest", "luotdoc_reads_total", **{"class": "batch", "outcome": "counted"}
        )
        == 0
    )
    answered = [
        await system.read("a1"),
        await system.read("a1"),
        await system.read("a1", agent="curl/8.0"),
    ]
    assert [answer.headers["luotdoc-read"] for answer in answered] == [
        "counted", "filtered; reason=reload", "filtered; reason=bot",
    ]  # fmt: skip
    assert (await system.read("nowhere")).status_code == 404
    assert (
        await system.http.get(f"{ingest.url}/reads.gif", params={"article": "?"})
    ).status_code == 422
    assert await reads("reader") == {
        "counted": 1,
        "reload": 1,
        "bot": 1,
        "unknown": 1,
        "invalid": 1,
    }
    assert await sample(system, "ingest", "luotdoc_read_seconds_count") == 5
    assert await sample(system, "ingest", "luotdoc_reads_in_flight") == 0

    batch, body = (
        f"{ingest.url}/reads/batch",
        {"reads": [{"article": "a1"}, {"article": "a1"}, {"article": "nowhere"}]},
    )
    key = EDITOR | {"idempotency-key": "k1"}
    assert (await system.http.post(batch, json=body, headers=key)).json()["accepted"] == 2
    assert (await system.http.post(batch, json={"reads": []}, headers=key)).status_code == 422
    assert await reads("batch") == {"counted": 2, "unknown": 1, "invalid": 1}
    assert await reads("reader") == {
        "counted": 1,
        "reload": 1,
        "bot": 1,
        "unknown": 1,
        "invalid": 1,
    }


async def test_pages_are_shown_by_kind_and_section_of_the_site(system: System) -> None:
    await system.start("ingest")
    render = await system.start("render")
    await system.put("a1")
    await system.put("a2", section="muc-la")
    for article in ("a1", "a2"):
        await until(lambda article=article: system.page(article), 10, "the page is there")

    async def pages(kind: str, section: str, status: str) -> float | None:
        return await sample(
            system, "render", "luotdoc_pages_total", kind=kind, section=section, status=status
        )

    before = await pages("article", "thoi-su", "200"), await pages("article", "other", "200")
    assert await pages("list", "van-hoa", "304") == 0  # a closed set is there from the start
    for article in ("a1", "a2", "a2"):
        assert await system.page(article)
    after = await pages("article", "thoi-su", "200"), await pages("article", "other", "200")
    assert after == ((before[0] or 0) + 1, (before[1] or 0) + 2)
    assert (await system.http.get(f"{render.url}/")).status_code == 200
    assert (await system.http.get(f"{render.url}/muc-la/")).status_code == 200
    assert (await pages("list", "", "200"), await pages("list", "other", "200")) == (1, 1)
    assert await sample(system, "render", "luotdoc_page_seconds_count", kind="list") == 2
    assert await sample(system, "render", "luotdoc_http_in_flight") == 0
    assert "muc-la" not in (await system.http.get(f"{render.url}/metrics")).text
