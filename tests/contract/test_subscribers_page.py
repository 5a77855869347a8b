"""docs/subscribers.md says what the code does."""

import json
import re
import sqlite3
from importlib.util import find_spec
from itertools import permutations

from deploy.local.subscriber import LIMITS, TAKEN
from luotdoc_events import events
from luotdoc_subscriber.parking import REASONS
from luotdoc_subscriber.rabbit import layout
from shared.contract.asyncapi import PREAMBLE
from shared.rabbit import topology
from tests.support.guide import PAGE, block, blocks
from tests.support.system import ROOT

TEXT = PAGE.read_text()
SERVICES = json.loads((ROOT / "deploy/rabbitmq/services.json").read_text())
(POLICY,) = SERVICES["policies"]


def test_it_lists_every_event_with_an_example_of_it() -> None:
    rows = dict(
        re.findall(
            r"^\| `([a-z.]+)` \| .* \[v1\]\((events/examples/[^)]+)\) \|$", TEXT, re.MULTILINE
        )
    )
    assert list(rows) == list(events.EVENTS)
    for name, link in rows.items():
        event, _ = events.decode((PAGE.parent / link).read_bytes())
        assert event.name == name


def test_the_event_that_it_shows_is_the_recorded_one() -> None:
    (shown,) = blocks("json")
    recorded = ROOT / "docs/events/examples/article.withdrawn.v1.json"
    assert json.loads(shown) == json.loads(recorded.read_text())


def test_the_commands_that_it_names_exist() -> None:
    named = set(re.findall(r"python -m ([\w.]+)", TEXT))
    assert {"luotdoc_subscriber", "services.ingest"} <= named
    assert [module for module in named if find_spec(module) is None] == []


def test_it_tells_the_limits_that_are_set() -> None:
    history = layout.EVENTS_LOG.arguments or {}
    assert (history["x-max-age"], history["x-max-length-bytes"]) == ("30D", 5_000_000_000)
    assert "last 30 days, or 5 GB" in TEXT
    assert POLICY["definition"] == {"max-length-bytes": 1_000_000_000, "overflow": "drop-head"}
    assert "is cut at 1 GB" in TEXT


def test_guide_document_and_contributors_tell_the_same_of_types_and_versions() -> None:
    document = " ".join(PREAMBLE.split())
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    for text in (TEXT, document, contributing):
        assert "for at least six months" in text
    for text in (TEXT, document):
        assert "did not ask for" in text
    assert "`ignored`" in TEXT
    assert "`unknown_event`" in TEXT
    assert "unknown_event" in REASONS


def test_the_policy_is_for_subscribers_alone() -> None:
    """A queue of ours must not lose its oldest messages; of a subscriber's none may refuse,
    whatever its name.
    """
    ours = [
        queue.name
        for work in topology.WORK_QUEUES
        for queue in (work.queue, work.parked, *work.retries)
    ]
    for name in (
        *ours,
        layout.EVENTS_LOG.name,
        "render.counts.a1",
        "stats.heartbeats.a1",
        "render.articles.replay",
    ):
        assert not re.search(POLICY["pattern"], name)
    for name in (
        "search.articles",
        "search.articles.parked",
        "renderer.articles",
        "search.retry.full",
        "a.retry.60",
    ):
        assert re.search(POLICY["pattern"], name)


def test_names_of_services_are_taken() -> None:
    taken = re.findall(r"none of (.*?)\.", TEXT)[0]
    users = {granting["user"] for granting in SERVICES["permissions"]}
    assert set(re.findall(r"`(\w+)`", taken)) == TAKEN == {*users, "luotdoc"}
    assert set(re.findall(r"\w+", POLICY["pattern"].partition("(?!(")[2].partition(")")[0])) == {
        *users,
        "luotdoc",
    }


def test_make_subscriber_does_as_the_page_says() -> None:
    assert f"set_user_limits search '{LIMITS}'" in TEXT
    assert "`make subscriber NAME=search`" in TEXT


def test_its_statement_keeps_the_later_count() -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE read_counts (article TEXT PRIMARY KEY, generation, total)")
    statement = block("docs/subscribers.md", "ON CONFLICT")
    before, fallen, after = (
        {"article": "a1", "delta": 1, "total": 9},
        {"article": "a1", "delta": -4, "total": 5, "generation": 1},
        {"article": "a1", "delta": 1, "total": 6, "generation": 1},
    )
    for arrived in permutations((before, fallen, after, before)):
        database.execute("DELETE FROM read_counts")
        for item in arrived:
            database.execute(statement, events.Count.model_validate(item).model_dump())
        assert database.execute("SELECT * FROM read_counts").fetchall() == [("a1", 1, 6)]
