"""`python -m tests.install.image`: does the image build beside an index that offers newer releases,
and start?

Needs root, Debian's `docker.io` and `mmdebstrap`. A Docker engine of its own, in a folder and on a
network of its own, builds the Dockerfile on a base that is made from Debian packages, with the pip
of Debian 12. Nothing is pulled. Ends with status 1 when anything went wrong.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from luotdoc_events.version import VERSION
from luotdoc_subscriber.base.command import Command
from tests.containers.engine import GATEWAY, engine, served
from tests.containers.stand_ins import BASE, load, make_python
from tests.install.__main__ import ROOT, download, extras, say
from tests.install.index import make_index

SERVICES = ("ingest", "render", "counter", "stats")


def check(docker: list[str], clone: Path, archive: Path) -> list[str]:
    """Build the image from `clone` and start what it holds; what is wrong."""
    load(docker, archive, BASE, [])
    built = subprocess.run(
        [*docker, "build", f"--build-arg=PYTHON_IMAGE={BASE}", "--tag", "luotdoc", str(clone)],
        env=os.environ | {"DOCKER_BUILDKIT": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        return [
            "docker build ended with "
            f"{built.returncode}:\n{built.stdout[-3000:]}{built.stderr[-3000:]}"
        ]
    wrong = []
    contained = [
        *docker,
        "run",
        "--rm",
        "--read-only",
        "--network=none",
        "--cap-drop=ALL",
        "luotdoc",
    ]
    for module in [*(f"services.{service}" for service in SERVICES), "shared.setup"]:
        told = subprocess.run(
            [*contained, "python", "-m", module, "--version"],
            capture_output=True,
            text=True,
            check=False,
        )
        if told.stdout != f"luotdoc {VERSION}\n":
            wrong.append(f"{module} --version: {told.stdout}{told.stderr[-1000:]}")
    held = subprocess.run(
        [*contained, "id", "-u"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return wrong if held == "10001" else [*wrong, f"it runs as user {held}"]


def main() -> int:
    """Check the image; the exit status."""
    Command(prog="python -m tests.install.image", description=__doc__).parse_args()
    began = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="luotdoc-image-"))
    try:
        clone, files = place / "clone", place / "files"
        subprocess.run(
            ["git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), str(clone)], check=True
        )
        files.mkdir()
        held = download(files, [])
        make_index(place / "index", held, extras((ROOT / "requirements.txt").read_text()))
        with engine(place) as host, served(place / "index", GATEWAY) as port:
            archive = make_python(place, f"http://{GATEWAY}:{port}/")
            wrong = check(["docker", f"--host={host}"], clone, archive)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    say(
        "\n".join(wrong)
        or f"the image builds beside newer releases, and starts: {time.monotonic() - began:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
