"""`python -m tests.install`: does a fresh clone install and work, whatever pip there is and
whatever an index offers?

For each pip: a clone of what is committed, an index of local files that offers a newer release of
every package beside the locked one, empty caches; then `make demo` until it is up, and `make
check`. One line a pip says how it went. The files of the lock are downloaded once, from the index
that pip is set up with.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy.local import processes
from luotdoc_subscriber.base.command import Command
from tests.install.index import make_index, normalized, project_of

ROOT = Path(__file__).parents[2]
OLD = "23.0.1"  # Debian 12's
DEMO_SECONDS, CHECK_SECONDS = 900.0, 5400.0
UP = "Ctrl-C stops everything"
PYTHON = """#!/bin/sh
# The Python of the test, whose new environments get the pip of the test.
"{python}" "$@" || exit
[ "$1 $2" != "-m venv" ] && exit
exec "$3/bin/python" -m pip install --quiet --no-index --find-links="{files}" pip=={pip}
"""


def say(text: str) -> None:
    """A line at once."""
    print(text, flush=True)


def download(folder: Path, pips: list[str]) -> list[Path]:
    """The files of the whole lock, and the pips."""
    line = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    locked = ["--require-hashes", f"--requirement={ROOT / 'requirements-dev.txt'}"]
    subprocess.run([*line, f"--dest={folder}", *locked], check=True)
    for pip in pips:
        subprocess.run(
            [*line, f"--dest={folder}", "pip" if pip == "newest" else f"pip=={pip}"], check=True
        )
    return sorted(folder.iterdir())


def version_of(pip: str, files: list[Path]) -> str:
    """The version that is meant; the newest is the highest that was downloaded."""
    if pip != "newest":
        return pip
    found = [re.split(r"-", file.name)[1] for file in files if project_of(file) == "pip"]
    return max(found, key=lambda version: [int(part) for part in version.split(".")])


def extras(lock: str) -> dict[str, list[str]]:
    """Every project of the lock; a newer release claims whatever extras somebody may ask for."""
    names = re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)
    return {
        normalized(name): ["toml", "rabbit", "standard", "email", "crypto", "socks"]
        for name in names
    }


def environment(place: Path, index: str) -> dict[str, str]:
    """That of a machine on which nothing was installed before: no caches, no settings of pip."""
    ours = (
        "PIP_",
        "LUOTDOC_",
        "PYTEST",
        "MAKE",
        "ARGS",
        "VIRTUAL",
    )  # ARGS are this run's, not those of its `make`
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    home = place / "home"
    home.mkdir()
    fresh = {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "npm_config_cache": str(home / "npm"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index,
        "PIP_NO_CACHE_DIR": "1",
        "PYTHON": str(place / "python"),
    }
    marks = ("RABBITMQ_SERVER", "MONGOD")
    fresh |= {
        f"LUOTDOC_{name}": os.environ[f"LUOTDOC_{name}"]
        for name in marks
        if f"LUOTDOC_{name}" in os.environ
    }
    return kept | fresh


def demo(clone: Path, env: dict[str, str], log: Path) -> str:
    """Run `make demo` until it is up, and end it; answers "" or what went wrong."""
    with log.open("wb") as output:
        running = subprocess.Popen(
            ["make", "demo"], cwd=clone, env=env, stdout=output, stderr=output,
             stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + DEMO_SECONDS
    try:
        while UP not in log.read_text(errors="replace"):
            if running.poll() is not None:
                return f"make demo ended with {running.returncode}"
            if time.monotonic() > deadline:
                return f"make demo was not up after {DEMO_SECONDS:g} s"
            time.sleep(1)
        os.killpg(running.pid, signal.SIGINT)
        running.wait(60)
        extra = [
            name for name in ("pytest", "mypy", "ruff") if (clone / ".venv/bin" / name).exists()
        ]
        return f"make demo installed {', '.join(extra)}" if extra else ""
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        processes.sweep(clone)


def run(clone: Path, env: dict[str, str], log: Path, *target: str) -> str:
    """Run `make` with a target to its end; answers "" or what went wrong."""
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                ["make", *target], cwd=clone, env=env, stdout=output, stderr=output,
                 stdin=subprocess.DEVNULL,
                timeout=CHECK_SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"make {' '.join(target)} was not done after {CHECK_SECONDS:g} s"
    return f"make {' '.join(target)} ended with {done.returncode}" if done.returncode else ""


def tried(place: Path, pip: str, files: Path, index: str, steps: list[str]) -> bool:
    """Do the steps with one pip in a fresh clone; says the verdict in one line."""
    place.mkdir()
    clone = place / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), str(clone)], check=True)
    python = place / "python"
    python.write_text(PYTHON.format(python=sys._base_executable, files=files, pip=pip))  # type: ignore[attr-defined]
    python.chmod(0o755)
    env, went = environment(place, index), []
    for step in steps:
        began, log = time.monotonic(), place / f"{step}.log"
        wrong = demo(clone, env, log) if step == "demo" else run(clone, env, log, step)
        if wrong:
            say(
                "".join(
                    f"    {line}\n" for line in log.read_text(errors="replace").splitlines()[-30:]
                )
            )
            say(f"pip {pip}: FAILED, {wrong}; all of it is in {log}")
            return False
        went.append(f"make {step} in {time.monotonic() - began:.0f} s")
    say(f"pip {pip}: ok, " + ", ".join(went))
    return True


def main() -> int:
    """Try each pip; answers the exit status."""
    parser = Command(prog="python -m tests.install", description=__doc__)
    parser.add_argument(
        "--pip",
        action="append",
        metavar="VERSION",
        help=f"instead of {OLD} and the newest; or newest",
    )
    parser.add_argument(
        "--step",
        action="append",
        choices=["demo", "venv", "check"],
        help="instead of demo and check; again for more",
    )
    asked: argparse.Namespace = parser.parse_args()
    pips = asked.pip or [OLD, "newest"]
    place = Path(tempfile.mkdtemp(prefix="luotdoc-install-"))
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    ok = False
    try:
        files = place / "files"
        files.mkdir()
        held = download(files, pips)
        index = make_index(
            place / "index", held, extras((ROOT / "requirements-dev.txt").read_text())
        )
        say(f"an index of {len(held)} files, each beside a newer release")
        results = [
            tried(
                place / f"pip-{number}",
                version_of(pip, held),
                files,
                index,
                asked.step or ["demo", "check"],
            )
            for number, pip in enumerate(pips)
        ]
        ok = all(results)
    finally:
        processes.sweep(place)
        if ok:
            shutil.rmtree(place)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
