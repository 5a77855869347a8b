"""Builds the packages for other teams into a folder: two wheels, two sdists, one npm package.

    python -m packages.build [FOLDER]

The same sources give the same bytes: the time in the archives is SOURCE_DATE_EPOCH, by default the
time of the last commit. Each package is staged first, because its sources are at the top of this
repository and its project file is not.

The version is that of the contract's release. While a package's changelog begins with "Unreleased",
it is a development version after that release, dated by the same time, so that two commits never
give one version.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from luotdoc_events.version import VERSION

ROOT = Path(__file__).parents[1]
PYTHON = {"events": "luotdoc_events", "subscriber": "luotdoc_subscriber"}
SCHEMAS = ROOT / "docs/events/schemas"
DOCUMENT = ROOT / "docs/events/asyncapi.json"
HOOKS = "from flit_core import buildapi as b; b.build_sdist({0!r}); b.build_wheel({0!r})"


def run(*command: str, folder: Path, **environment: str) -> None:
    """Run a command. Raises `CalledProcessError`; what it prints is seen only then."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()


def headings() -> set[str]:
    """The first section of each package's changelog: a version, or Unreleased."""
    texts = [path.read_text() for path in (ROOT / "packages").glob("*/CHANGELOG.md")]
    return {text.partition("\n## ")[2].partition("\n")[0] for text in texts}


def choose_version(released: str, sections: Collection[str], epoch: int) -> str:
    """The packages' version for Python; `epoch` is the time of the build's sources in seconds.

    Raises `ValueError` if a changelog begins with neither Unreleased nor the released version.
    """
    if "Unreleased" in sections:
        major, minor, patch = (int(part) for part in released.split("."))
        moment = datetime.fromtimestamp(epoch, UTC)
        return f"{major}.{minor}.{patch + 1}.dev{moment:%Y%m%d%H%M%S}"
    if set(sections) != {released}:
        raise ValueError(
            f"the changelogs in packages/ begin with {', '.join(sorted(sections))}: "
            f"write Unreleased, or {released}, the version in luotdoc_events/version.py"
        )
    return released


def stage(name: str, to: Path, version: str) -> None:
    """Copy the package's own files to `to`, with the version in place of 0.0.0."""
    shutil.copytree(ROOT / "packages" / name, to, ignore=shutil.ignore_patterns("*.mjs"))
    for project in (to / "pyproject.toml", to / "package.json"):
        if project.exists():
            project.write_text(project.read_text().replace("0.0.0", version))


def set_modes(folder: Path) -> None:
    """Give all files the same permissions. Those of a checkout, and of what is written here,
    depend on the umask and would be in the archives.
    """
    for each in (folder, *folder.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)


def python(name: str, work: Path, version: str, epoch: str, out: Path) -> None:
    """Build the sdist and the wheel of one Python package."""
    module = PYTHON[name]
    stage(name, work, version)
    ignored = shutil.ignore_patterns("__pycache__")
    # `luotdoc_events/schemas` is a link; the package gets the files.
    shutil.copytree(ROOT / module, work / module, ignore=ignored)
    set_modes(work)
    run(sys.executable, "-c", HOOKS.format(str(out)), folder=work, SOURCE_DATE_EPOCH=epoch)


def npm(work: Path, version: str, out: Path) -> None:
    """Build the npm package. npm's versions have a hyphen before `dev`."""
    stage("npm", work, version.replace(".dev", "-dev."))
    shutil.copytree(SCHEMAS, work / "schemas", ignore=shutil.ignore_patterns("*.v?.json"))
    script = ROOT / "packages/npm/types.mjs"
    run("node", str(script), str(DOCUMENT), str(work / "index.d.ts"), folder=ROOT)
    set_modes(work)
    run("npm", "pack", "--ignore-scripts", "--pack-destination", str(out), folder=work)


def main(out: Path) -> None:
    """Build all packages into `out`, which is made."""
    out.mkdir(parents=True, exist_ok=True)
    epoch = (
        os.environ.get("SOURCE_DATE_EPOCH")
        or subprocess.run(
            ("git", "log", "-1", "--format=%ct"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    version = choose_version(VERSION, headings(), int(epoch))
    with tempfile.TemporaryDirectory() as folder:
        for name in PYTHON:
            python(name, Path(folder) / name, version, epoch, out)
        npm(Path(folder) / "npm", version, out)
    for path in sorted(out.iterdir()):
        print(path.name)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist").resolve())
