"""A private HAProxy in front of this machine's replicas, with the same configuration as in compose
and Kubernetes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from deploy.local.ports import HOST
from deploy.local.server import Server

POLICY = Path(__file__).parents[1] / "k8s/components/gateway/haproxy.cfg"
PROGRAM = "/usr/sbin/haproxy"

Backends = Mapping[str, Sequence[tuple[str, str]]]
"""Each service's replicas as (name, host:port). The consistent hash uses the ingests' names."""


class Gateway(Server):
    """One origin for readers, at `url`. `trusted` has the networks of proxies in front of it,
    separated by spaces. With `editors` it serves the editors' API too, as on one machine; else that
    answers 404.
    """

    name = "gateway"

    def __init__(
        self,
        folder: Path,
        port: int,
        health_port: int,
        backends: Backends,
        trusted: str = "",
        *,
        editors: bool = True,
    ) -> None:
        super().__init__(folder)
        self.url = f"http://{HOST}:{port}"
        self.health = f"http://{HOST}:{health_port}"
        self._environment = {
            "GATEWAY_BIND": f"{HOST}:{port}",
            "GATEWAY_HEALTH_BIND": f"{HOST}:{health_port}",
        }
        if trusted:
            self._environment["GATEWAY_TRUSTED"] = trusted
        if editors:
            self._environment["GATEWAY_EDITORS"] = "1"
        self._servers = self.folder / "servers.cfg"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._servers.write_text(servers(backends))

    def command(self) -> list[str]:
        """HAProxy in the foreground."""
        return [PROGRAM, "-db", "-f", str(POLICY), "-f", str(self._servers)]

    def environment(self) -> dict[str, str]:
        """The addresses to listen on, and the proxies to trust."""
        return self._environment

    def answers(self) -> bool:
        """True once each service has a replica that is ready."""
        try:
            text = httpx.get(
                f"{self.health}/metrics?scope=backend", trust_env=False, timeout=2
            ).text
        except httpx.HTTPError:
            return False
        up = [
            line for line in text.splitlines() if line.startswith("haproxy_backend_active_servers")
        ]
        return len(up) >= len(BACKENDS) and all(float(line.split()[-1]) > 0 for line in up)


BACKENDS = {"reads": "ingest", "ingest": "ingest", "stats": "stats", "render": "render"}
"""HAProxy's backends, and the service that answers for each."""


def servers(backends: Backends) -> str:
    """The text of `servers.cfg`."""
    lines = []
    for backend, service in BACKENDS.items():
        lines.append(f"backend {backend} from {'reads' if backend == 'reads' else 'http'}")
        lines += [f"    server {name} {address}" for name, address in backends[service]]
    return "\n".join(lines) + "\n"
