"""Where a stranger's commands run: in a folder of this machine, or of a Debian in a folder.

Debian 12 has Python 3.11 and no 3.13. A machine without `python3.13` gets the one of Debian 13:
its packages are unpacked into a folder, and commands run there by `chroot`, as root.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SECONDS = 300.0
"""Timeout of one step; a machine that does nothing else needs a tenth of it."""
RELEASES = {"3.13": "trixie"}
"""The release of Debian whose Python is unpacked if this machine has none of that version."""
FROM_HERE = ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt")
"""Files of this machine that the unpacked Debian needs to reach an index."""
INDEX = ("PIP_INDEX_URL", "PIP_CERT", "PIP_PROXY", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
"""Variables that say how to reach an index. All other settings of pip stay out."""


class Missing(Exception):
    """Something that this machine must have; the text names it."""


@dataclass(frozen=True)
class Place:
    """A folder, as this machine sees it; `root` is that of the Debian around it, if any."""

    folder: Path
    root: Path | None = None

    def command(self, *arguments: str) -> list[str]:
        """The command line that runs `arguments` in the folder, which is their home too."""
        if self.root is None:
            return ["env", f"--chdir={self.folder}", f"HOME={self.folder}", *arguments]
        inside = Path("/") / self.folder.relative_to(self.root)
        around = ["chroot", str(self.root)]
        return [*around, "env", f"--chdir={inside}", f"HOME={inside}", *arguments]

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run a command to its end; its output. Raises AssertionError unless it succeeds; with
        `fails`, unless it fails.
        """
        done = subprocess.run(
            self.command(*arguments),
            env=environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        assert bool(done.returncode) == fails, f"{' '.join(arguments)}:\n{done.stdout[-3000:]}"
        return done.stdout

    @contextmanager
    def running(self, *arguments: str, **settings: str) -> Iterator["Running"]:
        """Run a program for as long as the block lasts, then end it by SIGTERM."""
        log = self.folder / f"{Path(arguments[-1]).name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(*arguments),
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            yield Running(process, log)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True)
class Running:
    """A program that runs, and the file with its output."""

    process: subprocess.Popen[bytes]
    log: Path

    def text(self) -> str:
        """Its output until now."""
        return self.log.read_text(errors="replace")

    def lines(self, *parts: str) -> list[str]:
        """The lines of its output that contain all `parts`."""
        return [line for line in self.text().splitlines() if all(part in line for part in parts)]

    def says(self, *parts: str) -> str:
        """Wait for a line that contains all `parts`; the first such line."""
        wait_for(lambda: self.lines(*parts) or not self._lives(), f"{self.log}: {parts}")
        assert self.lines(*parts), f"it has ended without {parts}:\n{self.text()[-3000:]}"
        return self.lines(*parts)[0]

    def _lives(self) -> bool:
        return self.process.poll() is None


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until `condition()` is true. Raises AssertionError after `SECONDS`."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {SECONDS:g} s: {what}"
        time.sleep(0.05)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """`settings`, and what a machine has on which nothing was installed or set up before."""
    ours = ("PIP_", "LUOTDOC_", "PYTHON", "PYTEST", "MAKE", "ARGS", "VIRTUAL_ENV", "npm_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    index = {name: os.environ[name] for name in INDEX if name in os.environ}
    fresh = {"LC_ALL": "C.UTF-8", "PIP_CONFIG_FILE": os.devnull, "PYTHONNOUSERSITE": "1"}
    return kept | _index_of_pip() | index | fresh | dict(settings)


@cache
def _index_of_pip() -> dict[str, str]:
    """The address of the index that this machine's pip asks, if it is set up with one."""
    command = (sys.executable, "-m", "pip", "config", "get", "global.index-url")
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return {"PIP_INDEX_URL": done.stdout.strip()} if done.returncode == 0 else {}


def python_place(version: str, folder: Path) -> Place:
    """A new folder in which the command `python<version>` works. Raises `Missing`."""
    name = f"python{version}"
    if _works(name):
        place = Place(folder / name)
    elif version not in RELEASES:
        raise Missing(f"no {name} with ensurepip is on this machine; Debian 12 has {name}-venv")
    else:
        place = Place(folder / "debian/srv", _debian(name, RELEASES[version], folder / "debian"))
    place.folder.mkdir(parents=True, exist_ok=True)
    return place


def _works(name: str) -> bool:
    """True if the command is there and can make environments. A name alone may be a shim."""
    command = (name, "-c", "import ensurepip")
    return (
        shutil.which(name) is not None
        and not subprocess.run(command, stderr=subprocess.DEVNULL).returncode
    )


def _debian(name: str, release: str, root: Path) -> Path:
    wanted = (
        f"no {name} with ensurepip is on this machine. To unpack Debian's ({release}) this needs"
    )
    if os.geteuid() != 0:
        raise Missing(f"{wanted} root")
    if not shutil.which("mmdebstrap"):
        raise Missing(f"{wanted} mmdebstrap")
    packages = f"--include=base-files,coreutils,{name}-venv"
    command = ("mmdebstrap", "--quiet", "--variant=extract", packages, release, str(root))
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Missing(f"{wanted} a mirror of Debian that has it:\n{done.stdout[-2000:]}")
    for file in FROM_HERE:
        if Path("/", file).exists():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path("/", file), root / file)
    return root
