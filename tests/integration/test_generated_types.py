"""Types that other teams generate from the committed contract compile, and hold the recorded
events.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from luotdoc_events import events
from shared.contract.__main__ import FOLDER
from tests.support.witness import ROOT, node

DOCUMENT = FOLDER / "asyncapi.json"
EXAMPLES = {
    path: json.loads(path.read_bytes())
    for path in (*FOLDER.glob("examples/*"), *FOLDER.glob("released/*/e*/*"))
}


def run(*command: str) -> str:
    """What it prints. Fails the test with what it says when it fails."""
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def type_name(event: dict[str, Any]) -> str:
    return f"{events.TYPES[event['type']].__name__}Event"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders `ts` and `java`, made by modelina."""
    folder = tmp_path_factory.mktemp("generated")
    named = json.loads(run(*node("models.mjs", str(DOCUMENT), str(folder))))
    for language in ("ts", "java"):
        assert "ArticleChange" in named[language]
        assert [name for name in named[language] if "Anonymous" in name or "Reserved" in name] == []
    return folder


def python_types(*source: str, to: Path) -> Any:
    """The module that datamodel-code-generator makes."""
    options = (
        "--output-model-type pydantic_v2.BaseModel --use-annotated "
        "--set-default-enum-member --formatters builtin"
    )
    run(
        sys.executable,
        "-m",
        "datamodel_code_generator",
        *source,
        *options.split(),
        "--output",
        str(to),
    )
    spec = importlib.util.spec_from_file_location(to.stem, to)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[to.stem] = module  # pydantic looks up what annotations name
    spec.loader.exec_module(module)
    return module


def test_python(tmp_path: Path) -> None:
    whole = python_types(
        "--input", str(DOCUMENT), "--input-file-type", "asyncapi", to=tmp_path / "whole.py"
    )
    assert {one.value for one in whole.ArticleChange} == {"major", "minor", "republish"}
    for event in EXAMPLES.values():
        held = getattr(whole, type_name(event)).model_validate(event)
        assert getattr(held, "subject", None) == event.get("subject")
    for stem in ("article.withdrawn.v1", "reads.counted.v1"):
        schema, path = FOLDER / f"schemas/{stem}.event.json", FOLDER / f"examples/{stem}.json"
        to = tmp_path / f"{stem.replace('.', '_')}.py"
        one = python_types("--input", str(schema), "--input-file-type", "jsonschema", to=to)
        getattr(one, type_name(EXAMPLES[path])).model_validate(EXAMPLES[path])
    run(
        sys.executable, "-m", "mypy", "--strict", "--config-file=", *map(str, tmp_path.glob("*.py"))
    )


def test_typescript(generated: Path) -> None:
    """The recorded events are written as literals, so that a field too many or too few is an error
    too.
    """
    lines = [
        f"import {{ {name} }} from './{name}'"
        for name in sorted({type_name(e) for e in EXAMPLES.values()})
    ]
    lines += [
        f"export const e{n}: {type_name(e)} = {json.dumps(e)}"
        for n, e in enumerate(EXAMPLES.values())
    ]
    (generated / "ts/recorded.ts").write_text("\n".join(lines))
    compiler = ["node", str(ROOT / "node_modules/typescript/bin/tsc")]
    options = [
        "--strict",
        "--noEmit",
        "--target",
        "es2022",
        "--module",
        "es2022",
        "--moduleResolution",
        "bundler",
    ]
    run(*compiler, *options, *map(str, generated.glob("ts/*.ts")))


@pytest.mark.long
def test_java(generated: Path) -> None:
    if not shutil.which("javac"):
        pytest.fail("javac is missing: `make long` installs it")
    run("javac", "-d", str(generated / "classes"), *map(str, generated.glob("java/*.java")))
