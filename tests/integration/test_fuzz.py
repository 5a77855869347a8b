"""The short form of `make fuzz`."""

from tests.fuzz.run import Run
from tests.support.system import System


async def test_random_bytes_stop_nothing(system: System) -> None:
    run = Run(system, 100, 9, print)
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
