"""What a process that is forked has from its starter."""

import os
from pathlib import Path

from tests.bench.machine import pinned
from tests.support.starter import run


def test_a_started_process_runs_on_the_cores_of_its_starter(tmp_path: Path) -> None:
    statement = "import os; print(sorted(os.sched_getaffinity(0)))"
    every = os.sched_getaffinity(0)
    assert len(every) > 1, "this test needs two cores"
    for cores in ({min(every)}, {max(every)}, every):
        with pinned(frozenset(cores)):
            told = run(
                "timeit", "-n1", "-r1", statement, environment={}, folder=tmp_path, seconds=30
            )
        assert told.stdout.startswith(f"{sorted(cores)}\n"), told
