"""Who is a program: a table of verdicts, which an upgrade of the public list must not change."""

import json
from functools import lru_cache
from pathlib import Path

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from shared.agents.crawler_list import by_word
from shared.agents.reduction import MAX_AGENT_LENGTH
from shared.agents.rules import is_bot

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


BROWSER = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 "
    "Safari/537.36"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 12; {}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 "
    "Mobile Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    "agent",
    [
        *(BROWSER, IPHONE, ANDROID.format("K")),
        # telephones and browsers of before Mozilla's name
        *("Pantech-C520/1.0", "Panasonic-GAD67/1.0.0", "NCSA Mosaic/2.0 (Windows x86)"),
        # an engine alone, and nothing else that a browser says
        *("Mozilla/5.0", "Mozilla/5.0 (-) Gecko/20100101", "Mozilla/5.0 (-) AppleWebKit/537.36"),
        # an app that the list names, and a device with a robot's name
        IPHONE.replace("Version/17.0 Mobile/15E148 Safari/604.1", "NewsBlur/12 CFNetwork/1474"),
        f"{ANDROID.format('M bot 60')} [FBAN/EMA;FBLC/vi_VN;FBDV/M bot 60;]",
        # patterns of the list that match people too
        f"{IPHONE} MetaIAB Facebook",
        "Dalvik/2.1.0 (Linux; U; Android 12; SM-A125F) okhttp/4.9.1",
    ],
)
def test_a_person_s_agents(agent: str) -> None:
    assert not is_bot(agent.encode())


@pytest.mark.parametrize(
    "agent",
    [
        *(
            f"{BROWSER} {name}"
            for name in (
                *("Mechanize/2.7", "HTTP Client/1.0", "Java/17.0.2", "PHP/8.2.1", "okhttp/4.9.3"),
                *("cat /etc/passwd", "<script>alert(1)</script>", "union select 1", "anthropic-ai"),
                *("(name at gmail dot com)", "(+http://example.org/about)"),
                *("Cludo", "DirBuster-1.0"),  # which only the list has
                "Scrapython/1.0",  # two names share a letter
            )
        ),
        # an app's, which is not looked up in the list
        *(f"Example/1.0 (iPhone; iOS 17.0) {name}" for name in ("Mechanize/2.7", "anthropic-ai")),
        # a program where a device's name would be, or right behind it
        *(ANDROID.format(name) for name in ("Crawler/1.0", "compatible; MJ 12 bot")),
        ANDROID.format("Pixel 6").replace(") App", ")Checker/1.0 Tizen App"),
        # a robot's task on a device
        f"{IPHONE} Checker/1.0",
        BROWSER.replace("Gecko)", "Gecko, Google Keyword Suggestion)"),
        BROWSER.replace("Gecko)", "Gecko; Google Web Preview)"),
    ],
)
def test_one_name_makes_an_agent_a_program_s(agent: str) -> None:
    assert is_bot(agent.encode())


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("Cludo", b"cludo"),
        (r"Foo\/1\.0 Reader", b"reader"),
        ("[wW]get", b"wget"),
        ("S[eE][mM]rushBot", b"semrushbot"),
        ("[ab]cd", b"cd"),
        (r"Bot[\s\S]*net", b"bot"),
        (r"a\db", b"a"),
        # words of nearly every browser
        ("Chrome YLT", b"ylt"),
        (r"splash Version\/", b"splash"),
        ("A Browser", b"a"),
        ("Chrome", None),
    ],
)
def test_a_pattern_of_the_list_is_found_by_a_word(pattern: str, word: bytes | None) -> None:
    found = by_word([pattern])
    assert list(found) == ([] if word is None else [word])


def test_patterns_with_one_word_stand_together_and_ignore_case() -> None:
    found = by_word(["Cludo a", "[cC]ludo b", "x"])
    assert list(found) == [b"cludo", b"x"]
    assert [each.search(b"CLUDO B") is not None for each in found[b"cludo"]] == [False, True]


@pytest.mark.parametrize(
    "agent", [b"\xff\xfe", b"\0", b"(((((", b"mozilla", b"Mozilla/5.0 (compatible; \xff", b" "]
)
def test_what_no_browser_sends_is_a_program_s(agent: bytes) -> None:
    assert is_bot(agent)


def test_only_the_first_part_of_an_endless_user_agent_is_looked_at() -> None:
    browser = GIVEN["people"]["chrome android"].encode().ljust(512)
    assert not is_bot(browser[: 513 - len(b"mechanize")] + b"mechanize")
    assert is_bot(browser[: 512 - len(b"mechanize")] + b"mechanize")


def test_endless_user_agents_are_not_remembered_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[bytes] = []

    @lru_cache
    def noting(agent: bytes) -> bytes:
        """What is kept of a browser."""
        judged.append(agent)
        return b"mozilla/5.0 (x11)"

    monkeypatch.setattr("shared.agents.rules._reduced", noting)
    start = b"An agent that no other test asks for ".ljust(MAX_AGENT_LENGTH, b"x")
    assert not any(is_bot(start + b"x" * number) for number in range(1, 100))
    assert judged == [start]
