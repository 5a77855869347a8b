"""The packages for other teams as these tests need them: built once, and installed by the line of
the guide.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.support.guide import block
from tests.support.system import ROOT


def run(*command: str, folder: Path = ROOT) -> str:
    """Run a command to its end; its output. Fails the test if the command fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def build(to: Path) -> Path:
    """Build all packages into the folder `to`."""
    run(sys.executable, "-m", "packages.build", str(to))
    return to


def install_kit(dist: Path, environment: Path) -> Path:
    """A virtual environment with the wheels of `dist`; answers the path of its Python.

    `make packages-check` installs the kit with its dependencies from an index. This test needs
    none: the dependencies are those that the tests run on, which the environment sees behind its
    own packages.
    """
    run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin/python"
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    line = block("docs/subscribers.md", "pip install").split()
    assert line[:2] == ["pip", "install"]
    assert dist.name == "dist"  # the guide's line names the folder so
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index")
    run(*pip, *line[2:], folder=dist.parent)
    for module in ("luotdoc_events", "luotdoc_subscriber"):
        found = run(str(python), "-c", f"print(__import__('{module}').__file__)", folder=packages)
        assert found.startswith(str(packages)), found
    return python
