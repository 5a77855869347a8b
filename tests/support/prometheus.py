"""Debian's Prometheus, on a free port of the loopback address."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.local import ports
from deploy.local.server import Server
from tests.support.alerts import RULES


def tool(name: str) -> str:
    """The path of `prometheus` or `promtool`; without it the run fails."""
    found = shutil.which(name)
    assert found, f"{name} is not installed: deploy/local/bootstrap.sh watch"
    return found


def promtool(*arguments: str, text: str = "") -> str:
    """What promtool says, its faults and remarks too. Its exit status must be 0 or 3 (remarks)."""
    done = subprocess.run(
        [tool("promtool"), *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 3), f"{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


PART_OF = {"part_of": "luotdoc"}
"""The label that the scrape gives to each series of ours."""


@dataclass(frozen=True)
class Target:
    """What is scraped: `host:port`, and the labels that every rule and panel needs. Without an
    `instance` Prometheus takes the address.
    """

    address: str
    service: str
    instance: str = ""

    def labels(self) -> dict[str, str]:
        """The labels that the scrape adds."""
        return (
            PART_OF
            | {"service": self.service}
            | ({"instance": self.instance} if self.instance else {})
        )


class Prometheus(Server):
    """Scrapes `targets` every second and evaluates our rules, or other files, as often."""

    name = "prometheus"

    def __init__(
        self, folder: Path, targets: Sequence[Target], rules: Sequence[Path] = RULES
    ) -> None:
        super().__init__(folder)
        self.folder.mkdir(parents=True)
        self._port = ports.choose_port()
        self.url = f"http://{ports.HOST}:{self._port}"
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in rules],
            "scrape_configs": [
                {
                    "job_name": service,
                    "static_configs": [
                        {"targets": [target.address], "labels": target.labels()}
                        for target in targets
                        if target.service == service
                    ],
                }
                for service in sorted({target.service for target in targets})
            ],
        }
        # JSON is YAML.
        (self.folder / "prometheus.json").write_text(json.dumps(config))

    def command(self) -> list[str]:
        """In the foreground, with its data in the folder."""
        return [
            tool("prometheus"),
            f"--config.file={self.folder / 'prometheus.json'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={ports.HOST}:{self._port}",
        ]

    def environment(self) -> dict[str, str]:
        """This process's own."""
        return dict(os.environ)

    def answers(self) -> bool:
        """True once it is ready."""
        try:
            return httpx.get(f"{self.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters)
        answer.raise_for_status()
        return answer.json()["data"]

    def value(self, expression: str) -> list[float]:
        """The values of an expression now."""
        return [
            float(sample["value"][1]) for sample in self.ask("query", query=expression)["result"]
        ]
