"""The short form of `make chaos`: two rounds of the worst faults."""

from tests.chaos import plan
from tests.chaos.fleet import Fleet
from tests.chaos.run import Run
from tests.support.system import System


async def test_two_rounds_of_the_worst_faults(system: System) -> None:
    fleet = Fleet(system, forked=True)
    run = Run(fleet, 0, print)
    try:
        await fleet.up()
        await run.rounds(plan.short())
    finally:
        await fleet.down()
    assert await run.last_look() == []
    for outcome in run.outcomes:
        verdict = outcome.verdict
        assert verdict.complaints == []
        assert (verdict.lost, verdict.doubled) == (0, 0)
        assert min(verdict.acknowledged, verdict.batched, outcome.editions) > 5
