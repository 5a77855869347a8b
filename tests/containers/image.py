"""What the image costs: its size, and the time until a container of it answers."""

import json
import subprocess
import time
from collections.abc import Mapping

import httpx

START_SECONDS = 60.0
NOWHERE = {
    "LUOTDOC_AMQP_URL": "amqp://u:p@127.0.0.1:9/",
    "LUOTDOC_MONGO_URL": "mongodb://127.0.0.1:9/luotdoc?replicaSet=luotdoc",
}
"""A service answers `/livez` before it has reached its servers."""


def figures(environment: Mapping[str, str], image: str = "luotdoc") -> str:
    """Size and start of the `image`, as text. `environment` says where the engine is."""
    found = json.loads(_docker(environment, "image", "inspect", image))[0]
    return f"{found['Size'] / 1e6:.0f} MB, /livez after {_start(environment, image):.1f} s"


def _start(environment: Mapping[str, str], image: str) -> float:
    """Seconds from `docker run` of render, without capabilities and on a read-only root, until
    `/livez` answers.
    """
    settings = [f"--env={name}={value}" for name, value in NOWHERE.items()]
    options = ["--detach", "--rm", "--read-only", "--cap-drop=ALL", "--publish=127.0.0.1::8000"]
    began = time.monotonic()
    name = _docker(
        environment, "run", *options, *settings, image, "python", "-m", "services.render"
    ).strip()
    try:
        address = _docker(environment, "port", name, "8000/tcp").split()[0]
        while True:
            try:
                if httpx.get(f"http://{address}/livez", timeout=2).status_code == httpx.codes.OK:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass  # it does not listen yet
            if time.monotonic() - began > START_SECONDS:
                raise RuntimeError(_docker(environment, "logs", name)[-2000:])
            time.sleep(0.02)
    finally:
        _docker(environment, "kill", name)


def _docker(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout
