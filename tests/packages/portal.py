"""The system that strangers subscribe to: the one of `make up`, in a folder of its own."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from deploy.local.broker import Node
from tests.packages.place import SECONDS, Running, wait_for

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Portal:
    """The running system; `folder` has its data."""

    folder: Path

    def subscriber(self, name: str) -> str:
        """Make a subscriber's user by `make subscriber`; the address of RabbitMQ with it."""
        command = (*_LOCAL, "subscriber", name, "--folder", str(self.folder))
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS)
        found = re.search(r"amqp://\S+", done.stdout)
        assert found, done.stderr
        return found[0]

    def publish(self, article: str, title: str) -> str:
        """Publish an article through ingest's API; the address of its page."""
        places = self._places()
        answer = httpx.put(
            f"{places['ingest']}/articles/{article}",
            json={"title": title, "section": "thoi-su", "body_html": "<p>Sáng nay.</p>"},
            headers={"authorization": f"Bearer {places['token']}"},
            timeout=60,
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        return str(answer.json()["url"])

    def await_binding(self, queue: str) -> None:
        """Wait until `queue` is bound to the exchange of events."""
        node = Node.running(self.folder / "rabbitmq")
        asked = ("list_bindings", "source_name", "destination_name")
        line = f"luotdoc.events\t{queue}"
        wait_for(lambda: line in node.control(*asked).splitlines(), f"{queue} is bound")

    def _places(self) -> dict[str, Any]:
        places: dict[str, Any] = json.loads((self.folder / "endpoints.json").read_text())
        return places


_LOCAL = (sys.executable, "-m", "deploy.local")


@contextmanager
def portal(folder: Path) -> Iterator[Portal]:
    """The system, from its start until the end of the block. It begins without articles."""
    folder.mkdir()
    log = folder / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            (*_LOCAL, "up", "--folder", str(folder)),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        up = Running(process, log)
        wait_for(lambda: "ready" in up.lines() or process.poll() is not None, "the system is up")
        assert process.poll() is None, f"make up has ended:\n{up.text()[-3000:]}"
        yield Portal(folder)
    finally:
        process.terminate()
        process.wait(120)


@contextmanager
def cache() -> Iterator[tuple[str, list[str]]]:
    """An HTTP cache for the example that purges: its address, and the pages purged until now."""
    purged: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PURGE(self) -> None:
            purged.append(f"http://{self.headers['host']}{self.path}")
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", purged
        server.shutdown()
