"""`python -m shared.contract write | check | release VERSION`:
docs/events, made from `luotdoc_events.events`.

`write` generates the files; `check` names files that are out of date and changes that break
subscribers; `release` stores today's schemas and examples for ever, as VERSION, for later changes
to be compared with.
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import orjson

from luotdoc_events import events
from luotdoc_subscriber.base.command import Command
from shared.contract import asyncapi, http_gate
from shared.contract.errata import corrected
from shared.contract.gate import breaks
from shared.contract.page import html_page
from shared.contract.schemas import data_schema, event_schema, stem

FOLDER = Path(__file__).parents[2] / "docs" / "events"
UNRELEASED = "0.0.0"


def releases(folder: Path) -> list[str]:
    """The released versions, oldest first."""
    found = [path.name for path in (folder / "released").glob("*.*.*")]
    return sorted(found, key=lambda version: [int(part) for part in version.split(".")])


def make(folder: Path) -> dict[str, bytes]:
    """Every generated file by its path in `folder`.
    Raises `ValueError` for an example that is missing or bad.
    """
    version = (releases(folder) or [UNRELEASED])[-1]
    examples = {stem(kind): _example(folder, kind) for kind in events.KINDS}
    made = {
        "asyncapi.json": _json(asyncapi.asyncapi_document(events.KINDS, examples, version)),
        "index.html": html_page(events.KINDS, examples, version).encode(),
    }
    for kind in events.KINDS:
        made[f"schemas/{stem(kind)}.json"] = _json(data_schema(kind))
        made[f"schemas/{stem(kind)}.event.json"] = _json(event_schema(kind))
    return made


def _example(folder: Path, kind: type[events.Data]) -> Any:
    path = folder / "examples" / f"{stem(kind)}.json"
    if not path.exists():
        raise ValueError(f"{path.name}: record an example of this event in {path.parent}")
    try:
        _, data = events.decode(path.read_bytes())
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path}: {error}") from error
    if type(data) is not kind:
        raise ValueError(f"{path}: is an example of {events.type_of(type(data))}")
    return orjson.loads(path.read_bytes())


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write(folder: Path) -> None:
    """Write the generated files, and delete schemas that are no longer generated."""
    made = make(folder)
    for path in (folder / "schemas").glob("*.json"):
        path.unlink()
    for name, content in made.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def faults(folder: Path) -> list[str]:
    """The faults: files that are out of date, and changes that break subscribers."""
    made = make(folder)
    held = {f"schemas/{path.name}" for path in (folder / "schemas").glob("*")} | {
        "asyncapi.json",
        "index.html",
    }
    found = [
        f"{name} is not what luotdoc_events/events.py says: `make contract` writes it"
        for name in sorted(held | made.keys())
        if not (folder / name).exists() or made.get(name) != (folder / name).read_bytes()
    ]
    return found + broken(folder)


def broken(folder: Path) -> list[str]:
    """The changes that break subscribers of the last release."""
    known = releases(folder)
    if not known:
        return []
    last = folder / "released" / known[-1] / "schemas"
    old = {
        path.name.removesuffix(".event.json"): orjson.loads(path.read_bytes())
        for path in last.glob("*.event.json")
    }
    new = {stem(kind): event_schema(kind) for kind in events.KINDS}
    reasons = [
        *breaks(corrected(known[-1], old), new),
        *broken_http(folder.parent / "openapi", known[-1]),
    ]
    return [f"since {known[-1]}, {reason}" for reason in reasons]


def broken_http(folder: Path, version: str) -> list[str]:
    """The changes that break clients of a release's OpenAPI documents;
    none if the release has no documents.
    """
    found = []
    for path in sorted((folder / "released" / version).glob("*.json")):
        now = folder / path.name
        if not now.exists():
            found.append(f"{path.name}: the document is gone")
        else:
            reasons = http_gate.http_breaks(
                orjson.loads(path.read_bytes()), orjson.loads(now.read_bytes())
            )
            found += [f"{path.stem}: {reason}" for reason in reasons]
    return found


def release(folder: Path, version: str) -> list[str]:
    """Store today's contract as the release `version`.
    Answers the obstacles; empty if it was stored.
    """
    known = releases(folder)
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return [f"{version}: a version is three numbers, such as 1.2.0"]
    if [*known, version] != sorted(
        {*known, version}, key=lambda each: [int(part) for part in each.split(".")]
    ):
        return [f"{version}: the last release is {known[-1]}, the next one must be newer"]
    if found := faults(folder):
        return found
    for part in ("schemas", "examples"):
        shutil.copytree(folder / part, folder / "released" / version / part)
    kept = folder.parent / "openapi" / "released" / version
    for path in (folder.parent / "openapi").glob("*.json"):
        kept.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, kept / path.name)
    write(folder)
    return []


def main(arguments: list[str], folder: Path = FOLDER) -> int:
    """Parse the arguments and run the command. Answers the exit status."""
    parser = Command(prog="python -m shared.contract", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write", help="make docs/events from luotdoc_events/events.py")
    commands.add_parser("check", help="say what is out of date, and what breaks subscribers")
    commands.add_parser("release", help="keep today's contract for ever").add_argument("version")
    chosen = parser.parse_args(arguments)
    found: list[str] = []
    try:
        if chosen.command == "write":
            write(folder)
        else:
            found = faults(folder) if chosen.command == "check" else release(folder, chosen.version)
    except ValueError as error:
        found = [str(error)]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
