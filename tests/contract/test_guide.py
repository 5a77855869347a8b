"""Every command that the pages show is run by a test, or says why not."""

import importlib.util
import re
from pathlib import Path

import pytest

from tests.support import inline
from tests.support.guide import PAGES, RUN, every_block
from tests.support.system import ROOT


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_run_or_says_why_not(page: str) -> None:
    unclaimed = [
        block.text
        for block in every_block(page)
        if block.language
        and bool(block.reason) == (sum(p == page and part in block.text for p, part in RUN) == 1)
    ]
    assert unclaimed == []


def test_a_new_block_is_noticed_and_a_reason_is_read() -> None:
    text = "text\n\n```sh\nmake tea\n```\n\n<!-- not run: needs a kettle -->\n```sh\nboil\n```\n"
    text += "\n- a list:\n\n  ```js\n  x\n  ```\n"
    assert [(b.language, b.text, b.reason) for b in every_block("README.md", text)] == [
        ("sh", "make tea\n", ""),
        ("sh", "boil\n", "needs a kettle"),
        ("js", "x\n", ""),
    ]


def test_the_tests_that_run_them_are_there() -> None:
    for (page, part), test in RUN.items():
        assert len([b for b in every_block(page) if part in b.text]) == 1, (page, part)
        path, _, name = test.partition("::")
        assert re.search(rf"def {name}\w*\(", Path(ROOT / path).read_text()), test


@pytest.mark.parametrize("page", PAGES)
def test_the_modules_and_targets_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text() if (ROOT / page).exists() else ""
    modules = set(re.findall(r"python -m ((?:services|shared|docs|tests|deploy)[\w.]+)", text)) - {
        "services."
    }
    assert [
        module for module in modules if importlib.util.find_spec(module.rstrip(".")) is None
    ] == []
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^|; |&& )make ([a-z-]+)", text, re.MULTILINE)) <= targets


def test_every_command_in_a_sentence_is_run_or_says_why_not() -> None:
    assert inline.commands() == set(inline.COMMANDS)
    for command, test in inline.COMMANDS.items():
        if not test.startswith(inline.NOT_RUN):
            path, _, name = test.partition("::")
            assert re.search(rf"def {name}\w*\(", (ROOT / path).read_text()), command


def test_a_new_command_in_a_sentence_is_noticed() -> None:
    text = "Run `python -m services.ingest tea`, look at `rs.status()`, the module `make`.\n"
    text += "```sh\nkubectl brew tea\n```\n"
    assert inline.commands(text) == {"python -m services.ingest tea", "rs.status()"}
