"""Builds the packages for other teams into a folder: two wheels, two sdists, one npm package.

    python packages/build.py [FOLDER]

The same sources give the same bytes: the time in the archives is SOURCE_DATE_EPOCH, by default the
time of the last commit. Each package is staged first, because its sources are at the top of this
repository and its project file is not.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from luotdoc_events.version import VERSION  # noqa: E402  (found by the line above)

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


def stage(name: str, to: Path) -> None:
    """Copy the package's own files to `to`, with the version in place of 0.0.0."""
    shutil.copytree(ROOT / "packages" / name, to, ignore=shutil.ignore_patterns("*.mjs"))
    for project in (to / "pyproject.toml", to / "package.json"):
        if project.exists():
            project.write_text(project.read_text().replace("0.0.0", VERSION))
    for each in (to, *to.rglob("*")):  # not of the checkout: its modes depend on a umask
        each.chmod(0o755 if each.is_dir() else 0o644)


def python(name: str, module: str, work: Path, epoch: str, out: Path) -> None:
    """Build the sdist and the wheel of one Python package."""
    stage(name, work)
    ignored = shutil.ignore_patterns("__pycache__")
    # `luotdoc_events/schemas` is a link; the package gets the files.
    shutil.copytree(ROOT / module, work / module, ignore=ignored)
    for each in (work / module).rglob("*"):
        each.chmod(0o755 if each.is_dir() else 0o644)
    run(sys.executable, "-c", HOOKS.format(str(out)), folder=work, SOURCE_DATE_EPOCH=epoch)


def npm(work: Path, out: Path) -> None:
    """Build the npm package."""
    stage("npm", work)
    shutil.copytree(SCHEMAS, work / "schemas", ignore=shutil.ignore_patterns("*.v?.json"))
    script = ROOT / "packages/npm/types.mjs"
    run("node", str(script), str(DOCUMENT), str(work / "index.d.ts"), folder=ROOT)
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
    with tempfile.TemporaryDirectory() as folder:
        for name, module in PYTHON.items():
            python(name, module, Path(folder) / name, epoch, out)
        npm(Path(folder) / "npm", out)
    for path in sorted(out.iterdir()):
        print(path.name)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist").resolve())
