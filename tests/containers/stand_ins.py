"""Stand-ins for images that can't be pulled, made from Debian packages under the images' names.

RabbitMQ is Debian's (3.10), MongoDB the tests' own with npm's `mongosh`, HAProxy and Prometheus
Debian's; there is none for Grafana. So a run shows that our files fit together; it does not show
the versions that the official images have.
"""

import shutil
import subprocess
from pathlib import Path

from deploy.local.database import find_mongod
from tests.containers.engine import GATEWAY

HERE = Path(__file__).parent
BASE = "luotdoc-python"
"""The name of the stand-in for the Dockerfile's base, whose digest no stand-in can have."""
PYTHON = "python3,python3-venv,python3-pip,ca-certificates"
SERVERS = "rabbitmq-server,haproxy,prometheus,nodejs,libcurl4,ca-certificates"
RABBITMQ = """#!/bin/sh
# Takes the settings that the official image takes from the environment.
printf '%s\\n' "default_user = $RABBITMQ_DEFAULT_USER" "default_pass = $RABBITMQ_DEFAULT_PASS" \\
  'loopback_users = none' >/var/lib/rabbitmq/rabbitmq.conf
exec env RABBITMQ_CONFIG_FILE=/var/lib/rabbitmq/rabbitmq.conf RABBITMQ_LOGS=- \\
  /usr/lib/rabbitmq/bin/rabbitmq-server
"""


def _debian(archive: Path, packages: str, hooks: list[str]) -> None:
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}"]
    command += [f"--customize-hook={hook}" for hook in hooks]
    subprocess.run([*command, "bookworm", str(archive)], check=True, stdout=subprocess.DEVNULL)


def make_python(place: Path, index: str) -> Path:
    """The archive of a Debian with Python and pip where the official image has them; pip asks
    `index` alone.
    """
    archive = place / "python.tar"
    told = f"[global]\nindex-url = {index}\ntrusted-host = {GATEWAY}\n"
    (place / "pip.conf").write_text(told)
    hooks = [
        f"copy-in {place}/pip.conf /etc",
        'chroot "$1" rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED',
        'chroot "$1" ln -s /usr/bin/python3 /usr/local/bin/python',
    ]
    _debian(archive, PYTHON, hooks)
    return archive


def make_servers(place: Path) -> Path:
    """The archive of a Debian with RabbitMQ, HAProxy, `mongod` and `mongosh`."""
    shell, programs, archive = place / "mongosh", place / "programs", place / "servers.tar"
    shell.mkdir()
    programs.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, shell)
    npm = ["npm", "ci", "--ignore-scripts", "--loglevel=error", "--omit=optional"]
    subprocess.run(npm, cwd=shell, check=True, stdout=subprocess.DEVNULL)
    shutil.copy(find_mongod(), programs / "mongod")
    (programs / "rabbitmq-container").write_text(RABBITMQ)
    for program in programs.iterdir():
        program.chmod(0o755)
    hooks = [
        f"copy-in {shell} /opt",
        f"copy-in {programs}/mongod {programs}/rabbitmq-container /usr/local/bin",
        'chroot "$1" ln -s /opt/mongosh/node_modules/.bin/mongosh /usr/local/bin/mongosh',
        'chroot "$1" mkdir -p /data/db',
        'chroot "$1" install --directory --owner nobody /prometheus',
    ]
    _debian(archive, SERVERS, hooks)
    return archive


CHANGES = {
    "rabbitmq": ["USER rabbitmq", 'CMD ["rabbitmq-container"]'],
    "mongo": ["USER root"],
    "haproxy": ["USER haproxy"],
    "prom/prometheus": [
        "USER nobody",
        'CMD ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", '
        '"--storage.tsdb.path=/prometheus"]',
    ],
}
"""What each server's image sets besides its files. An image that is not here has no stand-in."""


def load(docker: list[str], archive: Path, name: str, changes: list[str]) -> None:
    """Import `archive` as the image `name`."""
    path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    options = [f"--change={change}" for change in [path, *changes]]
    command = [*docker, "import", *options, str(archive), name]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
