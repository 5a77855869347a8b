"""The short form of `make siege`. How fast honest readers were is judged by the long one alone, on
a quiet machine.
"""

from tests.siege.run import Siege, Size
from tests.support.system import System


async def test_a_short_siege(system: System) -> None:
    await system.start_all(read_window=0, max_connections=100)
    verdicts = await Siege(
        system, 9, Size(endless=15, slow=120, fuzz=300, seconds=1.5), print
    ).run()
    for verdict in verdicts:
        # At the limit of connections, one on which no request has come is evicted. On a busy
        # machine an honest reader's process may be late with its own.
        evicted = [each for each in verdict.complaints if "ConnectionResetError" in each]
        assert len(evicted) <= verdict.asked // 100, verdict.line()
        assert [each for each in verdict.complaints if each not in evicted] == [], verdict.line()
        assert verdict.worst < 8, "a parser that copies again and again stalls for 10 s and more"
        assert verdict.statuses.get("431"), "the endless ones were told"
