"""How fast a new user agent is judged; a plain browser's is judged alike by both looks, the quick
one and the one at every name.
"""

import json
import time
from pathlib import Path

from crawleruseragents import is_crawler
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.reads.agents import is_bot

CASES = Path(__file__).parents[1] / "cases"


GIVEN = json.loads((CASES / "user_agents.json").read_text())


def test_a_new_agent_is_judged_much_faster_than_by_the_list() -> None:
    people = GIVEN["people"].values()
    ours, theirs = [], []
    for turn in range(9):  # in turns, and the best of each: the machine may be busy
        # Of another version in each turn, so that none was judged before.
        agents = [f"{agent}{turn}".encode() for agent in people]
        started = time.thread_time()
        for agent in agents:
            is_bot(agent)
        ours.append(time.thread_time() - started)
        started = time.thread_time()
        for agent in agents:
            is_crawler(agent.decode())
        theirs.append(time.thread_time() - started)
    print(
        f"{min(ours) / len(people) * 1e6:.1f} µs a new agent; by the list "
        f"{min(theirs) / len(people) * 1e6:.1f} µs"
    )
    assert min(ours) < min(theirs) / 10


numbers = st.lists(st.integers(0, 99_999).map(str), min_size=1, max_size=4).map(".".join)
systems = st.one_of(
    st.sampled_from(["Windows NT 10.0; Win64; x64", "Windows NT 6.1; WOW64", "X11; Linux x86_64"]),
    st.builds("Macintosh; Intel Mac OS X {}".format, numbers),
    st.builds("Linux; Android {}; K".format, numbers),
)
browsers = st.one_of(
    st.builds("Chrome/{} Safari/537.36".format, numbers),
    st.builds("Chrome/{} Mobile Safari/537.36".format, numbers),
    st.builds("Version/{} Safari/605.1.15".format, numbers),
    st.builds("Chrome/{0} Safari/537.36 Edg/{0}".format, numbers),
)


@given(systems, numbers, browsers)
def test_a_plain_browser_is_a_person_to_both_looks(system: str, webkit: str, browser: str) -> None:
    agent = f"Mozilla/5.0 ({system}) AppleWebKit/{webkit} (KHTML, like Gecko) {browser}"
    assert not is_bot(agent.encode())
    assert not is_bot(f"{agent} ".encode())  # not plain: every name is looked for


@given(systems, numbers, browsers)
def test_a_plain_browser_with_a_robot_s_name_is_a_bot(
    system: str, webkit: str, browser: str
) -> None:
    agent = f"Mozilla/5.0 ({system}) AppleWebKit/{webkit} (KHTML, like Gecko) {browser}"
    assert is_bot(f"{agent} (compatible; Googlebot/2.1)".encode())
