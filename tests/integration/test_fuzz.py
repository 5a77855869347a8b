"""The short form of `make fuzz`, which may share the machine with other tests."""

from tests.fuzz.run import GOOD_SECONDS, Run
from tests.support.system import PATIENCE, System


async def test_random_bytes_stop_nothing(system: System) -> None:
    run = Run(system, 100, 9, print, GOOD_SECONDS * PATIENCE)
    try:
        result = await run.go()
    finally:
        run.close()
    assert result.complaints == []
    assert sum(queue.taken for queue in result.queues.values()) > 300
    assert {reason.split()[1] for reason in result.reasons} >= {
        "unreadable",
        "bad_headers",
        "bad_event",
    }
