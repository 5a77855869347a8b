"""The command line of every entry point."""

import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from luotdoc_events.version import VERSION
from luotdoc_subscriber.base.command import Command, describe
from services.counter.settings import CounterSettings
from services.ingest.settings import IngestSettings
from tests.support.system import ROOT

ENTRIES = [
    *(
        ["services.ingest", *more]
        for more in ([], ["republish"], ["adopt"], ["token"], ["replay"], ["reconcile"])
    ),
    *(["services.counter", *more] for more in (["gaps"], ["close-gap"], ["archive"])),
    ["services.stats", "projections"],
    ["services.render", "redo"],
    *([f"services.{name}"] for name in ("render", "counter", "stats")),
    ["shared.setup"],
    *(["shared.parked", *more] for more in ([], ["list"], ["show"], ["redrive"], ["discard"])),
    ["shared.replay"],
    ["luotdoc_subscriber"],
    *(
        ["luotdoc_subscriber", "parked", *more]
        for more in ([], ["list"], ["show"], ["redrive"], ["discard"])
    ),
    ["luotdoc_subscriber", "replay"],
    *(["shared.contract", *more] for more in ([], ["write"], ["check"], ["release"])),
    *([f"services.{name}.document"] for name in ("ingest", "stats")),
    ["deploy.local"],
    ["deploy.capacity"],
    ["deploy.grafana"],
    ["deploy.local.samples"],
    ["tests.chaos"],
    ["tests.fuzz"],
    ["tests.bench"],
    ["tests.oracle"],
    ["tests.readers"],
    ["tests.search"],
    ["tests.recount"],
    ["tests.search"],
    ["tests.siege"],
    ["tests.containers"],
    ["tests.install"],
    ["tests.manifests"],
    ["tests.mutants"],
    ["tests.watch"],
    ["tests.packages"],
    ["tests.trending"],
    ["tests.install.image"],
]
NAMES = ["-".join(entry) for entry in ENTRIES]


@dataclass
class Said:
    """What an entry point answered."""

    code: object
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run an entry point in this process, as `python -m` would, with no setting at all."""
    for name in [name for name in os.environ if name.upper().startswith("LUOTDOC_")]:
        monkeypatch.delenv(name)

    def act(entry: list[str], *arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["", *entry[1:], *arguments])
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", RuntimeWarning
            )  # runpy's: the module is imported already
            with pytest.raises(SystemExit) as stop:
                runpy.run_module(entry[0], run_name="__main__")
        said = capsys.readouterr()
        return Said(stop.value.code, said.out, said.err)

    return act


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_help_and_version_need_no_setting_and_an_unknown_argument_is_refused(
    entry: list[str], run: Run
) -> None:
    helped = run(entry, "--help")
    assert (helped.code, helped.err) == (0, "")
    assert helped.out.startswith(f"usage: python -m {' '.join(entry)} ")

    assert run(entry, "--version") == Said(0, f"luotdoc {VERSION}\n", "")

    refused = run(entry, "--colour")
    (line,) = refused.err.splitlines()
    assert (refused.code, refused.out) == (2, "")
    assert line.startswith(f"python -m {entry[0]}")
    assert line.endswith("; --help says what it takes")


@pytest.mark.parametrize(
    ("entry", "commands"),
    [
        (["shared.parked"], ["list", "show", "redrive", "discard"]),
        (["shared.replay"], ["python", "python", "python"]),
        (["luotdoc_subscriber"], ["parked", "replay"]),
        (["luotdoc_subscriber", "parked"], ["list", "show", "redrive", "discard"]),
        (["luotdoc_subscriber", "replay"], ["python", "python", "python"]),
    ],
)
def test_a_help_text_has_each_command_on_a_line_of_its_own(
    entry: list[str], commands: list[str], run: Run
) -> None:
    examples = run(entry, "--help").out.split("\n\n")[2]
    assert re.findall(r"(?m)^    ([a-z]+)", examples) == commands


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/adr/*.md")]
_COMMAND = re.compile(
    r"`(?:\.venv/bin/)?(python -m [a-z][^`\n<…]*|make [a-z-]+(?: [A-Z]+=[^`\n]*)?)`"
)
SPOKEN = sorted({command for path in PAGES for command in _COMMAND.findall(path.read_text())})
"""Commands within sentences; blocks of code are run as they are, see tests/support/guide.py."""


@pytest.mark.parametrize("command", [c for c in SPOKEN if c.startswith("python")])
def test_a_command_within_a_sentence_is_one_that_its_entry_point_takes(
    command: str, run: Run
) -> None:
    module, *arguments = shlex.split(command)[2:]
    helped = run([module], *arguments, "--help")  # it parses what stands before, and does nothing
    assert (helped.code, helped.err) == (0, "")
    for option in (word for word in arguments if word.startswith("--")):
        assert re.search(rf"{option}\b", helped.out), helped.out


@pytest.mark.parametrize("command", [c for c in SPOKEN if c.startswith("make")])
def test_a_target_within_a_sentence_is_there_and_reads_its_variables(command: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    _, target, *variables = shlex.split(command)
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for name in (word.partition("=")[0] for word in variables):
        assert (
            re.search(rf"\$\({name}\)|\$\([a-z-]+ [^)]*\b{name}\b", makefile) or name in _LOCAL
        ), name


_LOCAL = (ROOT / "deploy/local/__main__.py").read_text() + (
    ROOT / "deploy/local/plan.py"
).read_text()
"""`make demo` reads variables of the environment, such as COUNTER."""


def test_a_real_process_answers_alike() -> None:
    command = [sys.executable, "-m", "services.render", "--flush=1"]
    refused = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    told = (
        "python -m services.render: unrecognized arguments: --flush=1; --help says what it takes\n"
    )
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", told)


@pytest.mark.parametrize("name", ["ingest", "render", "counter", "stats"])
def test_a_service_takes_no_word_that_it_does_not_know(name: str, run: Run) -> None:
    refused = run([f"services.{name}"], "start")
    assert refused.code == 2
    (line,) = refused.err.splitlines()
    assert "start" in line


def test_every_entry_point_is_tried() -> None:
    packages = [
        path
        for room in ("services/*", "shared/*", "deploy/*", "tests/*", "luotdoc_*")
        for path in ROOT.glob(f"{room}/__main__.py")
    ]
    found = {".".join(path.relative_to(ROOT).parts[:-1]) for path in packages}
    alone = [
        *ROOT.glob("shared/*.py"),
        *ROOT.glob("deploy/local/[a-z]*.py"),
        ROOT / "tests/install/image.py",
    ]
    found |= {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in alone
        if "\nif __name__" in path.read_text()
    }
    found |= {
        f"services.{path.parent.name}.document" for path in ROOT.glob("services/*/document.py")
    }
    assert found == {entry[0] for entry in ENTRIES}


def test_settings_are_listed_with_default_meaning_and_bounds() -> None:
    text = "\n".join(describe(CounterSettings))
    assert "  LUOTDOC_MONGO_URL  (required)\n      MongoDB replica set: mongodb://" in text
    assert (
        "  LUOTDOC_FLUSH_INTERVAL=0.4\n      seconds after which a read is counted, while flushes "
        "keep up; more than 0, at most 60" in text
    )
    assert "  LUOTDOC_TOKENS  (empty unless set)\n" in "\n".join(describe(IngestSettings))


def test_a_fault_is_one_line_whatever_was_typed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        Command(prog="x").parse_args(["one\ntwo"])
    assert stop.value.code == 2
    assert (
        capsys.readouterr().err == "x: unrecognized arguments: one two; --help says what it takes\n"
    )


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "luotdoc_events.version.VERSION"
    }
    manifest = (ROOT / "deploy/k8s/base/kustomization.yaml").read_text()
    assert f'newTag: "{VERSION}"' in manifest
