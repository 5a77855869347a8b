"""A short outage of RabbitMQ under load; `python -m tests.chaos outage` is the long one."""

import pytest

from tests.chaos import outage
from tests.support.system import System


@pytest.mark.long
async def test_reads_answered_204_during_an_outage_are_counted_and_the_rest_is_refused_at_once(
    system: System,
) -> None:
    result = await outage.run(system, seconds=5, say=print, limit=1 << 16, forked=True)
    assert result.complaints == []
    ample, small = result.reads["ample"], result.reads["small"]
    assert (ample.refused, ample.unanswered, ample.counted) == (0, 0, ample.acknowledged)
    assert small.acknowledged > 100
    assert small.refused > 10
    assert small.unanswered == 0
