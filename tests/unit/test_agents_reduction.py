"""What is kept of a user agent, by hand."""

import json
import re
from pathlib import Path

import pytest

from shared.agents.reduction import LONGEST_WORD, Reduction, words_with_digits
from shared.agents.rules import is_bot, is_bot_reduced, reduced

CASES = Path(__file__).parents[1] / "cases"
PHONE = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.7444.48 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        # versions
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/142.0.0.0 Safari/537.36",
            "mozilla/5.0 (windows nt 1; win64; x64) applewebkit/1 (khtml, like gecko) "
            "chrome/1 safari/1",
        ),
        # model, build and language of a telephone; that the page is within an app stays
        (
            "Mozilla/5.0 (Linux; U; Android 13; vi-vn; SM-A135F Build/TP1A.220624.014; wv) "
            + PHONE,
            "mozilla/5.0 (linux; u; android 1; wv) applewebkit/1 (khtml, like gecko) chrome/1 "
            "mobile safari/1",
        ),
        (
            "Mozilla/5.0 (iPhone15,2; CPU iPhone OS 18_5 like Mac OS X; vi_VN) Mobile/15E148 "
            "[FBAN/FBIOS;FBDV/iPhone15,2;FBLC/vi_VN;FBCR/Viettel]",
            "mozilla/5.0 (iphone,1; cpu iphone os 1 like mac os x; ) mobile/1 [fban/fbios]",
        ),
        # the size and number of a device
        (
            "Instagram 309.1.0.41.113 Android (33/13; 420dpi; 1080x2340; samsung; SM-A536E; a53x)",
            "instagram 1 android (1dpi;)",
        ),
        # ids, long words, addresses, mailboxes
        ("App/2 (3f2504e0-4f89-11d3)", "app/1 (1-1-1)"),
        ("App/2 (f47ac10b; qWe7rTz9; fade12)", "app/1 (1; 1; 1)"),
        ("Phone12ab/1 Phone12abc/1 Phone1a2/1 cafe12/1 12dpi a12dpi", "phone/1 1/1 1/1 1/1 1dpi 1"),
        ("App/2 (iOS 18; 420dpi; 1080x2340)", "app/1 (1dpi;)"),
        ("App/2 (Linux; Mine Android Box; Nexus)", "app/1 (linux; android)"),
        ("Mozilla/4.8 [en] (Windows NT 6.0; U)", "mozilla/1 [en] (windows nt 1; u)"),
        ("ab" * 25, "ab" * 16),
        ("x" * (LONGEST_WORD + 1), "x" * LONGEST_WORD),
        ("App/2 (U; vi-vn)", "app/1 (u; )"),
        ("App/2 (phone; highdpi; b)", "app/1 (dpi;)"),
        ("a1scrap2b/3", "a1scrap2b/1"),
        ("My-Bot/7.1 (+https://example.org/bot?key=123; an@example.org)",
         "my-bot/1 (+https://example.org; a@example.org)"),
        # words with digits that a rule looks for
        ("Mozilla/5.0 (compatible; MJ12bot/v1.4.8)", "mozilla/5.0 (compatible; mj12bot/v)"),
        ("xy77bot/2 W3C_Validator/1.3", "xy77bot/1 w3c_validator/1"),
        ("Mozilla/5.0 (000000000; 00000)", "mozilla/5.0 (00000; 00000)"),
        ("008/0.85", "008/1"),
    ],
)  # fmt: skip
def test_what_is_kept(agent: str, kept: str) -> None:
    assert reduced(agent.encode()) == kept.encode()


def test_a_comment_with_a_program_s_name_is_kept() -> None:
    agent = b"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X; compatible; Googlebot/2.1)"
    assert reduced(agent) == (b"mozilla/5.0 (linux; android 1; nexus 1; compatible; googlebot/1)")


def test_words_that_a_pattern_names_are_kept() -> None:
    words = words_with_digits([r"MJ12bot", r"\d2ip\.ru", "Cludo", "99"])
    assert words == {b"mj12bot", b"2ip"}
    assert Reduction(words).reduced(b"2ip/1.0 3ip/1.0") == b"2ip/1 1/1"


def test_what_was_reduced_is_judged_as_the_agent_was() -> None:
    given = json.loads((CASES / "user_agents.json").read_text())
    more = json.loads((CASES / "more_user_agents.json").read_text())
    agents = [
        *given["people"].values(), *given["programs"].values(),
        *given["undecided, say which and why"].values(), *more["people"], *more["programs"],
    ]  # fmt: skip
    kept = {agent: reduced(agent.encode("utf-8", "replace")) for agent in agents}
    assert [agent for agent in agents if reduced(kept[agent]) != kept[agent]] == []
    assert [
        agent
        for agent in agents
        if is_bot_reduced(kept[agent]) != is_bot(agent.encode("utf-8", "replace"))
    ] == []
    assert all(len(kept[agent]) <= len(agent.encode("utf-8", "replace")) for agent in agents)
    people = [kept[agent] for agent in (*given["people"].values(), *more["people"])]
    number = re.compile(rb"(?<![a-z\d])\d[\d._]*\d")
    numbers = {found for agent in people for found in number.findall(agent)}
    assert numbers <= {b"3.0", b"4.0", b"5.0", b"00000"}  # Mozilla's, and a privacy tool's
