"""The short form of `make readers-check`, and that it notices what is wrong."""

from tests.readers.run import Run
from tests.readers.verdict import Verdict
from tests.support.system import System


async def test_unique_readers_are_those_of_plain_sets(system: System) -> None:
    run = Run(system, 4000, 11, articles=12)
    await run.go()
    print(f"\n{run.lines()}")
    assert run.verdict.wrong == []
    assert run.verdict.exact > 20
    assert run.verdict.sketches > 4
    # The site's number of a day is a third of these figures, and may be one of 20 that are off.
    assert run.verdict.share() >= 0.6
    assert all(run.killed[role] for role in ("stats", "counter", "ingest")), run.killed
    assert run.seen.private > 10
    assert run.replayed > 100


def test_a_wrong_number_of_readers_is_noticed() -> None:
    verdict = Verdict()
    expected: int
    number: int | None
    error: float | None
    for expected, number, error in (
        (5, 5, None),
        (1000, 1000, None),
        (5000, 5099, 0.02),
        (5000, 5101, 0.02),
    ):
        verdict.judge("site", "right", expected, {"number": number, "error": error})
    assert (verdict.wrong, verdict.exact, verdict.sketches, verdict.near) == ([], 2, 2, 1)
    for expected, number, error in (
        (5, 6, None),
        (1000, 1000, 0.02),
        (0, None, None),
        (5000, 5200, 0.02),
        (5000, 5000, None),
        (5000, None, 0.02),
    ):
        verdict.judge("article", "wrong", expected, {"number": number, "error": error})
    assert len(verdict.wrong) == 6
    assert verdict.worst == {"site": 101 / 5000, "article": 200 / 5000}
