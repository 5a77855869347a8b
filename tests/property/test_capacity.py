"""The simulation of a planned portal, and docs/capacity.md, which it checks."""

import json
from dataclasses import replace

import pytest

from deploy.capacity.__main__ import CAPACITY_PAGE, MEASURED, report, written
from deploy.capacity.checking import check
from deploy.capacity.measured import CostLine, parse_costs
from deploy.capacity.plan import plan
from deploy.capacity.scenarios import SCENARIOS, Scenario, Simulated
from deploy.capacity.simulation import Simulation
from tests.unit.test_capacity import EASY, ONE

STEADY, PEAK, NO_MONGODB, NO_RABBITMQ = SCENARIOS
SMALL = replace(ONE, reads=1_000)
"""Two ingests at 200 batches a second."""


def simulate(scenario: Scenario, seed: int = 1) -> Simulated:
    return Simulation(plan(SMALL, EASY), EASY, scenario, seed).run()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_read_of_a_scenario_is_counted_once(scenario: Scenario) -> None:
    outcome = simulate(scenario)
    assert outcome.begun == pytest.approx(1_000 * scenario.seconds * scenario.factor, rel=0.02)
    assert outcome.total() == pytest.approx(outcome.begun, rel=1e-6)


def test_a_read_waits_for_the_next_flush_and_for_its_end() -> None:
    """A flush of 0.1 s starts 0.5 s after the last has ended: 0.1 to 0.7 s, in steps of 0.05."""
    outcome = simulate(STEADY)
    assert 0.35 <= outcome.delay(0.5) <= 0.5
    assert 0.6 <= outcome.delay(1.0) <= 0.85


def test_outages_fill_what_is_planned_for_them() -> None:
    """400 batches a second for 600 s are in RabbitMQ without MongoDB, and else in the spools."""
    away, spooled = simulate(NO_MONGODB), simulate(NO_RABBITMQ)
    assert away.queued == pytest.approx(240_000, rel=0.02)
    assert spooled.spooled == pytest.approx(240_000, rel=0.02)
    assert away.delay(1.0) > 600
    # One queue confirms 1,000 a second, the oldest first: 240 s.
    assert spooled.drained == pytest.approx(240, rel=0.02)


def test_the_seed_decides() -> None:
    assert simulate(PEAK, 1) == simulate(PEAK, 1)
    assert simulate(PEAK, 1) != simulate(PEAK, 2)


def test_a_plan_that_is_too_small_is_contradicted() -> None:
    good = plan(ONE, EASY)
    assert [c for each in check([good], EASY, 1) for c in each.complaints] == []
    slow = replace(EASY, flush=CostLine(fixed=2.0, each=0.0))
    complaints = [
        complaint
        for each in check([replace(good, counters=1)], slow, 1)
        for complaint in each.complaints
    ]
    assert any("steady: seconds to counted, 99 of 100" in complaint for complaint in complaints)
    few = check([replace(good, ingests=2)], EASY, 1)
    assert any("seconds in ingest" in c for each in few for c in each.complaints)


def test_the_page_shows_what_the_command_prints() -> None:
    tables, good = report(parse_costs(json.loads(MEASURED.read_text())), seed=1)
    assert good, tables.splitlines()[-1]
    assert tables.splitlines()[-1].startswith("the table holds: 16 scenarios of 4 portals")
    assert written(CAPACITY_PAGE.read_text(), tables) == CAPACITY_PAGE.read_text(), (
        "make capacity ARGS=--write"
    )


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks its marks"):
        written("text", "tables")
