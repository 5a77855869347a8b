"""Runs the simulation of every planned portal and says where it contradicts the plan. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploy.capacity.measured import MeasuredCosts
from deploy.capacity.plan import Plan, batches_a_second
from deploy.capacity.portals import PORTALS
from deploy.capacity.scenarios import SCENARIOS, Scenario, Simulated
from deploy.capacity.simulation import Simulation

COUNTED_SECONDS = 5.0
"""In which 99 of 100 reads must be counted, at a peak too."""
WAITED_SECONDS = 1.0
"""That reads may wait in ingest at a peak, before they are in a batch."""
DRAINED_SECONDS = 1_200.0
"""After an outage, until nothing of it is left."""
STATS_SECONDS = 1.0
"""That stats remembers its figures."""
BENCH_ARTICLES = 5
"""That the bench reads within a flush: the next one after 2,000 reads."""
ROUNDING = 1.05
"""Arrivals are random, and the last step of an outage is whole."""


@dataclass(frozen=True)
class Checked:
    """A scenario of a planned portal, with what contradicts the plan."""

    plan: Plan
    scenario: Scenario
    outcome: Simulated
    complaints: tuple[str, ...]


def check(plans: Sequence[Plan], measured: MeasuredCosts, seed: int) -> list[Checked]:
    """Simulate every plan through every scenario."""
    return [_check(plan, scenario, measured, seed) for plan in plans for scenario in SCENARIOS]


def _check(plan: Plan, scenario: Scenario, measured: MeasuredCosts, seed: int) -> Checked:
    outcome = Simulation(plan, measured, scenario, seed).run()
    complaints = [
        f"{plan.portal.reads:,.0f} reads/s, {scenario.name}: {complaint}"
        for complaint in _complaints(plan, scenario, outcome)
    ]
    return Checked(plan, scenario, outcome, tuple(complaints))


def _complaints(plan: Plan, scenario: Scenario, outcome: Simulated) -> list[str]:
    planned = plan.batches * scenario.seconds * ROUNDING
    limits = [
        ("seconds in ingest", outcome.waited, WAITED_SECONDS),
        ("seconds until drained", outcome.drained, DRAINED_SECONDS),
    ]
    if scenario.rabbitmq and scenario.mongodb:
        limits.append(("seconds to counted, 99 of 100", outcome.delay(0.99), COUNTED_SECONDS))
    elif scenario.rabbitmq:
        limits.append(("batches in RabbitMQ", outcome.queued, planned))
    else:
        limits.append(("batches in spools", outcome.spooled, planned))
    found = [
        f"{what}: {value:,.1f}, not {most:,.1f}" for what, value, most in limits if value > most
    ]
    if outcome.total() < 0.999 * outcome.begun:
        found.append(f"{outcome.begun - outcome.total():,.0f} reads are not counted")
    return found


def check_bench(measured: MeasuredCosts, seed: int, like: Plan) -> tuple[float, str]:
    """Simulate the load of the bench's measure `freshness`: the median delay to the commit, and a
    complaint if the measured one, which includes stats' memory, contradicts it.
    """
    rate = measured.bench_rate
    one = replace(
        like,
        portal=replace(PORTALS[1], reads=rate, catalogue=BENCH_ARTICLES),
        ingests=1,
        counters=1,
        queues=1,
        batches=batches_a_second(rate, 1),
    )
    found = Simulation(one, measured, SCENARIOS[0], seed).run().delay(0.5)
    if found <= measured.bench_delay * ROUNDING <= (found + STATS_SECONDS) * ROUNDING**2:
        return found, ""
    return found, (
        f"the bench measured {measured.bench_delay:.2f} s from 204 to visible, and the simulation "
        f"says {found:.2f} to {found + STATS_SECONDS:.2f}"
    )
