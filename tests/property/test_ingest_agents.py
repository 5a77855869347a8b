"""How fast a new user agent is reduced and judged, and that a verdict needs no more than what is
kept of an agent.
"""

import json
import time
from pathlib import Path

from crawleruseragents import is_crawler
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.agents.reduction import Reduction
from shared.agents.rules import is_bot, is_bot_reduced, reduced

CASES = Path(__file__).parents[1] / "cases"


GIVEN = json.loads((CASES / "user_agents.json").read_text())


def test_a_new_agent_is_judged_much_faster_than_by_the_list() -> None:
    people = GIVEN["people"].values()
    ours, theirs = [], []
    for turn in range(26):  # in turns, and the best of each: the machine may be busy
        # Of another name and version in each turn: neither the agent nor what is kept of it was
        # judged before.
        agents = [f"{agent} Turn{chr(65 + turn)}{turn}/{turn}".encode() for agent in people]
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
def test_a_plain_browser_is_a_person_s(system: str, webkit: str, browser: str) -> None:
    agent = f"Mozilla/5.0 ({system}) AppleWebKit/{webkit} (KHTML, like Gecko) {browser}"
    assert not is_bot(agent.encode())
    assert not is_bot(f"{agent} ".encode())


@given(systems, numbers, browsers)
def test_a_plain_browser_with_a_robot_s_name_is_a_bot(
    system: str, webkit: str, browser: str
) -> None:
    agent = f"Mozilla/5.0 ({system}) AppleWebKit/{webkit} (KHTML, like Gecko) {browser}"
    assert is_bot(f"{agent} (compatible; Googlebot/2.1)".encode())


WORDS = st.sampled_from(
    [
        *("Mozilla/5.0", "(", ")", ";", " ", "Android 13", "Linux", "wv", "iPhone", "SM-G998B"),
        *("compatible", "Googlebot/2.1", "bot", "spider", "https://example.org/x", "a@b.org"),
        *("vi-vn", "1080x2340", "420dpi", "Build/TP1A.220624.014", "[FBAN/FBIOS;FBLC/vi_VN]"),
        *("Chrome/142.0.0.0", "Version/4.0", "00000000", "008/1", "KHTML, like Gecko", "MJ12bot"),
    ]
)
AGENTS = st.one_of(
    st.lists(WORDS, max_size=15).map(" ".join),
    st.lists(WORDS, max_size=25).map("".join),
    st.text(max_size=80),
).map(lambda text: text.encode("utf-8", "surrogatepass"))


@settings(max_examples=500)
@given(AGENTS | st.binary(max_size=600))
def test_reducing_twice_changes_nothing_and_so_no_verdict(agent: bytes) -> None:
    kept = reduced(agent)
    assert reduced(kept) == kept
    assert len(kept) <= min(len(agent), 512)
    assert is_bot_reduced(kept) == is_bot(kept) == is_bot(agent)


@given(systems, numbers, numbers, browsers)
def test_nothing_of_a_version_is_kept(system: str, one: str, other: str, browser: str) -> None:
    agent = f"Mozilla/5.0 ({system}) AppleWebKit/{{}} (KHTML, like Gecko) {browser}"
    assert reduced(agent.format(one).encode()) == reduced(agent.format(other).encode())


def test_the_worst_agent_is_reduced_in_a_millisecond() -> None:
    worst = [b"a" * 512, b"1" * 512, b"a1" * 256, b"(" * 512, b"(android" * 64, b"a@" * 256]
    for agent in (*worst, b"https://" * 64, b"[fb;" * 128, b"x-" * 256, b"1." * 256, b";" * 512):
        took = []
        for turn in range(5):
            changed = agent[:-2] + b"%d" % turn
            started = time.thread_time()
            Reduction().reduced(changed)
            took.append(time.thread_time() - started)
        assert min(took) < 0.001, (agent[:20], min(took))
