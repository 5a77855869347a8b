"""What other teams install: built from this checkout, the same bytes each time, and usable."""

import json
import sys
import tarfile
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from luotdoc_events.version import VERSION
from tests.support.guide import block
from tests.support.system import ROOT
from tests.support.wheels import build, run


@pytest.mark.long
def test_two_builds_have_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    def hashes(folder: Path) -> dict[str, str]:
        return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    assert hashes(dist) == hashes(build(tmp_path / "again"))
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
    with zipfile.ZipFile(dist / f"{module}-{VERSION}-py3-none-any.whl") as wheel:
        assert {name for name in wheel.namelist() if name.startswith(f"{module}/")} == sources
        metadata = wheel.read(f"{module}-{VERSION}.dist-info/METADATA").decode()
    assert f"Version: {VERSION}\n" in metadata
    for word in ("pymongo", "motor", "fastapi", "uvicorn", "starlette"):
        assert word not in metadata
    with tarfile.open(dist / f"{module}-{VERSION}.tar.gz") as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names >= sources | {"README.md", "CHANGELOG.md", "pyproject.toml"}


def test_each_changelog_has_the_version() -> None:
    for path in (ROOT / "packages").glob("*/CHANGELOG.md"):
        assert f"\n## {VERSION}\n" in path.read_text(), path


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
    with tarfile.open(dist / f"luotdoc-events-{VERSION}.tgz") as package:
        package.extractall(tmp_path, filter="data")
    (tmp_path / "package").rename(home)
    for name in ("ajv", "ajv-formats", "fast-deep-equal", "fast-uri", "json-schema-traverse"):
        (tmp_path / "node_modules" / name).symlink_to(ROOT / "node_modules" / name)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    examples = [str(path) for path in sorted((ROOT / "docs/events/examples").iterdir())]
    (tmp_path / "use.js").write_text(SCRIPT.format(examples=json.dumps(examples)))
    (tmp_path / "typed.ts").write_text(TYPED)
    (tmp_path / "guide.ts").write_text(block("docs/subscribers.md", "import { isEvent }"))
    assert run("node", "use.js", folder=tmp_path).split() == [str(len(examples))] * 2
    compiler = str(ROOT / "node_modules/typescript/bin/tsc")
    options = "--strict --noEmit --target es2022 --module nodenext --moduleResolution nodenext"
    run("node", compiler, *options.split(), "typed.ts", "guide.ts", folder=tmp_path)
