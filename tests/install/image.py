"""`python -m tests.install.image`: does the image build beside an index that offers newer releases,
and start?

Needs root, Debian's `docker.io` and `mmdebstrap`. A Docker engine of its own, in a folder and on a
network of its own, builds the Dockerfile on a base that is made from Debian packages under the name
that the Dockerfile gives, with the pip of Debian 12. Nothing is pulled. Ends with status 1 when
anything went wrong.
"""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from luotdoc_events.version import VERSION
from luotdoc_subscriber.base.command import Command
from tests.install.__main__ import ROOT, download, extras, say
from tests.install.index import make_index

BRIDGE, GATEWAY = "luotdoc-check0", "172.31.253.1"
PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"
SERVICES = ("ingest", "render", "counter", "stats")
START_SECONDS = 60.0


def make_base(place: Path, index: str) -> Path:
    """A Debian root file system with Python and pip where the official image has them; pip asks
    `index` alone.
    """
    archive = place / "base.tar"
    told = f"[global]\nindex-url = {index}\ntrusted-host = {GATEWAY}\n"
    (place / "pip.conf").write_text(told)
    hooks = [
        f"copy-in {place}/pip.conf /etc",
        'chroot "$1" rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED',
        'chroot "$1" ln -s /usr/bin/python3 /usr/local/bin/python',
    ]
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}"]
    command += [f"--customize-hook={hook}" for hook in hooks]
    subprocess.run([*command, "bookworm", str(archive)], check=True, stdout=subprocess.DEVNULL)
    return archive


@contextmanager
def served(folder: Path, address: str) -> Iterator[int]:
    """Serve `folder` over HTTP; the port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = http.server.ThreadingHTTPServer(
        (address, 0), functools.partial(Quiet, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


@contextmanager
def bridge() -> Iterator[None]:
    """A network bridge for the engine alone."""
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "delete", BRIDGE], check=True)


@contextmanager
def engine(place: Path) -> Iterator[list[str]]:
    """A Docker engine in `place`; the command line that talks to it."""
    socket = f"unix://{place}/docker.sock"
    folders = [
        f"--data-root={place}/data",
        f"--exec-root={place}/exec",
        f"--pidfile={place}/docker.pid",
    ]
    with (place / "dockerd.log").open("wb") as output:
        running = subprocess.Popen(
            ["dockerd", *folders, f"--host={socket}", f"--bridge={BRIDGE}"],
            stdout=output,
            stderr=output,
        )
    docker = ["docker", f"--host={socket}"]
    deadline = time.monotonic() + START_SECONDS
    try:
        while subprocess.run([*docker, "version"], capture_output=True, check=False).returncode:
            if running.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"dockerd does not start:\n{(place / 'dockerd.log').read_text()[-2000:]}"
                )
            time.sleep(0.2)
        yield docker
    finally:
        running.terminate()
        running.wait(60)


def check(docker: list[str], clone: Path, archive: Path) -> list[str]:
    """Build the image from `clone` and start what it holds; what is wrong."""
    (name,) = set(re.findall(r"^FROM (\S+)", (clone / "Dockerfile").read_text(), re.MULTILINE))
    subprocess.run([*docker, "import", str(archive), name], check=True, stdout=subprocess.DEVNULL)
    built = subprocess.run(
        [*docker, "build", "--tag", "luotdoc", str(clone)],
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
        with bridge(), served(place / "index", GATEWAY) as port, engine(place) as docker:
            wrong = check(docker, clone, make_base(place, f"http://{GATEWAY}:{port}/"))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    say(
        "\n".join(wrong)
        or f"the image builds beside newer releases, and starts: {time.monotonic() - began:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
