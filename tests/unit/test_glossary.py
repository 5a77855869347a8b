"""docs/glossary.md: words that the project really uses, each with a Vietnamese word."""

import re
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs/glossary.md"
LINKS_TO_IT = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/subscribers.md",
    "docs/operations.md",
)
CODE = ("services", "shared", "luotdoc_events", "luotdoc_subscriber")
ALPHABET = "aăâbcdđeêghiklmnoôơpqrstuưvxy"
ROWS = re.findall(
    r"^\| (?!Word\b)([^|]+) \| ([^|]+) \| ([^|]+) \|$", GLOSSARY.read_text(), re.MULTILINE
)
WORDS = [word for word, _, _ in ROWS]


def in_use() -> str:
    """Code of the services and all documents but the glossary, in lower case, with single
    spaces.
    """
    code = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    text = " ".join(path.read_text() for path in (*code, *pages) if path != GLOSSARY)
    return " ".join(text.lower().split())


def test_it_has_25_to_40_words_in_order_each_once() -> None:
    assert 25 <= len(WORDS) <= 40
    assert sorted(set(WORDS)) == WORDS
    assert (
        len(ROWS) == GLOSSARY.read_text().count("\n| ") - 1
    )  # every line but the heading was read


def test_every_word_is_in_use() -> None:
    text = in_use()
    assert [word for word in WORDS if not re.search(rf"\b{re.escape(word)}", text)] == []


@pytest.mark.parametrize(("word", "vietnamese", "meaning"), ROWS, ids=WORDS)
def test_every_word_has_a_vietnamese_one_and_one_sentence(
    word: str, vietnamese: str, meaning: str
) -> None:
    assert unicodedata.is_normalized("NFC", vietnamese)
    plain = unicodedata.normalize("NFD", vietnamese)
    tones = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot below
    letters = unicodedata.normalize("NFC", "".join(mark for mark in plain if mark not in tones))
    assert set(letters) <= {*ALPHABET, " "}
    assert not vietnamese.isascii()
    assert meaning[0].isupper()
    assert re.findall(r"\.(?= |$)", meaning) == ["."]


@pytest.mark.parametrize("page", LINKS_TO_IT)
def test_the_pages_lead_to_it(page: str) -> None:
    assert re.search(r"\]\((docs/)?glossary\.md\)", (ROOT / page).read_text())
