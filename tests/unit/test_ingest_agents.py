"""Who is a program: a table of verdicts, which an upgrade of the public list must not change."""

import json
from pathlib import Path

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from services.ingest.reads.agents import MAX_LENGTH, is_bot

CASES = Path(__file__).parents[1] / "cases"
GIVEN = json.loads((CASES / "user_agents.json").read_text())
MORE = json.loads((CASES / "more_user_agents.json").read_text())
DECIDED = {
    # The agent of a library, as of Dart or Java: an app that is a reader's says what device it runs
    # on.
    "okhttp app": True,
    # A browser behind Google's proxy for translations: a person reads.
    "google translate? ": False,
    "Sogou browser": False,
    "headless": True,
    # Google's servers fetch the text that they read aloud; it names itself, with an address.
    "google read aloud": True,
}
VERDICTS = [
    *((f"person   {name}", agent, False) for name, agent in GIVEN["people"].items()),
    *((f"program  {name}", agent, True) for name, agent in GIVEN["programs"].items()),
    *(
        (f"decided  {name}", agent, DECIDED[name])
        for name, agent in GIVEN["undecided, say which and why"].items()
    ),
    *((f"person   {agent[:100]}", agent, False) for agent in MORE["people"]),
    *((f"program  {agent[:100]}", agent, True) for agent in MORE["programs"]),
]


def test_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    wrong, many = [], {*MORE["people"], *MORE["programs"]}
    with capsys.disabled():
        print()
        for name, agent, program in VERDICTS:
            right = is_bot(agent.encode()) == program
            if not right or agent not in many:
                print(f"{'right' if right else 'WRONG'}  {name}")
            wrong += [] if right else [name]
        print(f"{len(VERDICTS) - len(wrong)} of {len(VERDICTS)} verdicts on user agents are right")
    assert not wrong


def test_the_list_s_own_robots_are_programs() -> None:
    """All but the agents of people that the list takes for robots."""
    found = [
        a
        for entry in CRAWLER_USER_AGENTS_DATA
        for a in entry["instances"]
        if not is_bot(a.encode())
    ]
    assert all(
        any(
            name in agent
            for name in (
                "AP3A.240617.008",
                "MetaIAB Facebook",
                "Viber",
                "Fluid",
                " Code/1.",
                " Trae/",
            )
        )
        for agent in found
    ), found
    assert len(found) < 10


@pytest.mark.parametrize(
    "agent", [b"\xff\xfe", b"\0", b"(((((", b"mozilla", b"Mozilla/5.0 (compatible; \xff", b" "]
)
def test_what_no_browser_sends_is_a_program_s(agent: bytes) -> None:
    assert is_bot(agent)


def test_only_the_first_part_of_an_endless_user_agent_is_looked_at() -> None:
    browser = GIVEN["people"]["chrome android"].encode().ljust(MAX_LENGTH)
    assert not is_bot(browser + b" Googlebot/2.1")
    assert is_bot(browser[:-20] + b" Googlebot/2.1")


def test_endless_user_agents_are_not_remembered_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[bytes] = []

    class Noting:
        def fullmatch(self, agent: bytes) -> bool:
            """True, as for a plain browser's agent."""
            judged.append(agent)
            return True

    monkeypatch.setattr("services.ingest.reads.agents.PLAIN_AGENT", Noting())
    start = b"An agent that no other test asks for ".ljust(MAX_LENGTH, b"x")
    assert not any(is_bot(start + b"x" * number) for number in range(1, 100))
    assert judged == [start]
