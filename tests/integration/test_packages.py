"""What other teams install: built from this checkout, the same bytes each time, and usable."""

import json
import os
import sys
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from luotdoc_events.version import VERSION
from packages.build import headings
from tests.support.guide import block
from tests.support.system import ROOT
from tests.support.wheels import build, run


@pytest.mark.long
def test_two_builds_have_the_same_bytes(
    dist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the time zone nor the file permissions of the machine are in them."""

    def hashes(folder: Path) -> dict[str, str]:
        return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    monkeypatch.setenv("TZ", "Asia/Ho_Chi_Minh")
    before = os.umask(0o077)
    try:
        again = build(tmp_path / "again")
    finally:
        os.umask(before)
    assert hashes(dist) == hashes(again)
    assert len(hashes(dist)) == 5


def test_the_index_would_take_them(dist: Path) -> None:
    files = [str(path) for path in dist.iterdir() if path.suffix != ".tgz"]
    assert run(sys.executable, "-m", "twine", "check", "--strict", *files).count("PASSED") == 4


@pytest.mark.parametrize("module", ["luotdoc_events", "luotdoc_subscriber"])
def test_wheel_and_sdist_hold_the_module_whole(dist: Path, module: str) -> None:
    sources = {
        str(path.relative_to(ROOT))
        for path in (ROOT / module).rglob("*")
        if path.suffix in (".py", ".typed")
    }
    if module == "luotdoc_events":
        sources |= {f"{module}/schemas/{p.name}" for p in (ROOT / "docs/events/schemas").iterdir()}
    version = version_in(dist)
    with zipfile.ZipFile(dist / f"{module}-{version}-py3-none-any.whl") as wheel:
        assert {name for name in wheel.namelist() if name.startswith(f"{module}/")} == sources
        metadata = wheel.read(f"{module}-{version}.dist-info/METADATA").decode()
    assert f"Version: {version}\n" in metadata
    for word in ("pymongo", "motor", "fastapi", "uvicorn", "starlette"):
        assert word not in metadata
    with tarfile.open(dist / f"{module}-{version}.tar.gz") as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names >= sources | {"README.md", "CHANGELOG.md", "pyproject.toml"}


def test_the_packages_of_a_contract_that_is_not_released_say_so(dist: Path) -> None:
    """Version 1.2.0 has the schemas of the contract's release 1.2.0, and nothing else has it."""
    folder = ROOT / "docs/events"

    def schemas(place: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (place / "schemas").iterdir()}

    if schemas(folder) != schemas(folder / "released" / VERSION):
        assert "Unreleased" in headings()
    assert (".dev" in version_in(dist)) == ("Unreleased" in headings())
    (npm,) = dist.glob("luotdoc-events-*.tgz")
    assert npm.name == f"luotdoc-events-{version_in(dist).replace('.dev', '-dev.')}.tgz"


def version_in(dist: Path) -> str:
    (wheel,) = dist.glob("luotdoc_subscriber-*.whl")
    return wheel.name.split("-")[1]


def test_the_example_of_the_events_reads_an_event(kit_python: str, tmp_path: Path) -> None:
    event = (ROOT / "docs/events/examples/article.published.v1.json").read_bytes()
    code = block("packages/events/README.md", "import ArticlePublished")
    (tmp_path / "use.py").write_text(f"body = {event!r}\n{code}")
    said = run(kit_python, "use.py", folder=tmp_path).split()
    assert said[0] == json.loads(event)["id"]
    assert said[-1] == json.loads(event)["data"]["url"]


def test_the_kit_s_page_shows_the_program_of_the_guide() -> None:
    part = "from luotdoc_subscriber import"
    assert block("packages/subscriber/README.md", part) == block("docs/subscribers.md", part)


SCRIPT = """
import {{ faults, isEvent, parse, types }} from '@luotdoc/events'
import {{ readFileSync }} from 'node:fs'

const examples = {examples}
for (const file of examples) {{
  const text = readFileSync(file, 'utf8')
  const event = parse(text)
  const later = {{ ...JSON.parse(text), data: {{ ...event.data, laterField: 1 }} }}
  const {{ id, ...without }} = event
  if (!isEvent(later)) throw new Error(`${{file}}: a later field breaks it: ${{faults(later)}}`)
  if (isEvent(without)) throw new Error(`${{file}}: passes without an id`)
  if (!types.includes(event.type)) throw new Error(event.type)
}}
const other = '{{"type": "luotdoc.other.v1"}}'
for (const wrong of ['null', '[]', '{{}}', other, '{{"type": {{}}}}', '1']) {{
  let refused = false
  try {{ parse(wrong) }} catch (error) {{ refused = error instanceof TypeError }}
  if (!refused) throw new Error(`takes ${{wrong}}`)
}}
console.log(examples.length, types.length)
"""
TYPED = """
import { parse, type ArticlePublishedEvent, type LuotdocEvent } from '@luotdoc/events'

export function title(event: LuotdocEvent): string | undefined {
  if (event.type === 'luotdoc.article.published.v1') {
    const known: ArticlePublishedEvent = event
    return known.data.title
  }
  // @ts-expect-error: a withdrawal has no title
  if (event.type === 'luotdoc.article.withdrawn.v1') return event.data.title
  return undefined
}
// @ts-expect-error: the result is no text
export const wrong: string = parse('{}')
"""


def test_the_npm_package_has_types_and_judges_events(dist: Path, tmp_path: Path) -> None:
    home = tmp_path / "node_modules/@luotdoc/events"
    home.parent.mkdir(parents=True)
    (archive,) = dist.glob("luotdoc-events-*.tgz")
    with tarfile.open(archive) as package:
        package.extractall(tmp_path, filter="data")
    (tmp_path / "package").rename(home)
    for name in ("ajv", "ajv-formats", "fast-deep-equal", "fast-uri", "json-schema-traverse"):
        (tmp_path / "node_modules" / name).symlink_to(ROOT / "node_modules" / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    examples = [str(path) for path in sorted((ROOT / "docs/events/examples").iterdir())]
    (tmp_path / "use.js").write_text(SCRIPT.format(examples=json.dumps(examples)))
    (tmp_path / "typed.ts").write_text(TYPED)
    (tmp_path / "guide.ts").write_text(block("docs/subscribers.md", "import { isEvent }"))
    (tmp_path / "page.ts").write_text(block("packages/npm/README.md", "import { parse }"))
    assert run("node", "use.js", folder=tmp_path).split() == [str(len(examples))] * 2
    compiler = str(ROOT / "node_modules/typescript/bin/tsc")
    options = "--strict --noEmit --target es2022 --module nodenext --moduleResolution nodenext"
    run("node", compiler, *options.split(), "typed.ts", "guide.ts", "page.ts", folder=tmp_path)
