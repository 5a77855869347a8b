"""The plan of a run: the replicas of each service, their ports and their environments. Pure."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.ports import HOST

PORTS = {"render": 8000, "ingest": 8001, "counter": 8002, "stats": 8003}
"""The services and the default port of the first replica of each."""

SITE_FILE = Path(__file__).parent / "samples" / "site" / "site.toml"
"""The sample portal."""
_OF_SITE = frozenset(
    f"LUOTDOC_{name}"
    for name in "SITE_NAME SITE_TAGLINE SITE_ADDRESS SITE_BASELINE SECTIONS LINKS "
    "PICTURE_HOSTS".split()
)
"""Settings that contradict a site's file."""


def site_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The sample portal's file, unless the environment describes another site."""
    return {} if _OF_SITE & environ.keys() else {"LUOTDOC_SITE": str(SITE_FILE)}


GATEWAY_PORT = 8080
TRUSTED = "127.0.0.0/8"
"""Proxies that gateway, ingest and stats trust: those on this machine."""


@dataclass(frozen=True)
class Replica:
    """One process of a service; `number` counts from 1."""

    service: str
    number: int
    port: int

    @property
    def name(self) -> str:
        """The replica's name, such as `ingest-1`. Its log has the same name."""
        return f"{self.service}-{self.number}"

    @property
    def url(self) -> str:
        """The replica's base URL on this machine, without a trailing slash."""
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True)
class Shared:
    """What the replicas of a run share: the servers' URLs, and a token for both scopes.

    `amqp_of` and `mongo_of` have a server's URL for each service with a user of its own; `amqp` and
    `mongo` are for all others.
    `gateway` is the base URL for readers; empty if they reach the replicas directly.
    """

    amqp: str
    mongo: str
    token: str
    amqp_of: Mapping[str, str] = field(default_factory=dict)
    mongo_of: Mapping[str, str] = field(default_factory=dict)
    gateway: str = ""


def counts(environ: Mapping[str, str]) -> dict[str, int]:
    """The number of replicas of each service, from variables such as INGEST=2; the default is 1.
    Raises ValueError with the variable's name.
    """
    result = {}
    for service in PORTS:
        given = environ.get(service.upper(), "") or "1"
        if not given.isdecimal() or not 1 <= int(given) <= 16:
            raise ValueError(
                f"{service.upper()}={given}: must be a number of processes from 1 to 16"
            )
        result[service] = int(given)
    return result


def needs_gateway(wanted: Mapping[str, int]) -> bool:
    """True if readers need a gateway, because a service that they reach has several replicas."""
    return any(wanted[service] > 1 for service in ("render", "ingest", "stats"))


def lay_out(
    wanted: Mapping[str, int], choose_port: Callable[[int | None, Collection[int]], int]
) -> list[Replica]:
    """The replicas, sorted by number. `choose_port(preferred, taken)` must return a free port."""
    replicas: list[Replica] = []
    for number in range(1, max(wanted.values()) + 1):
        for service, count in wanted.items():
            if number <= count:
                preferred = PORTS[service] if number == 1 else None
                taken = {*PORTS.values(), *(replica.port for replica in replicas)} - {preferred}
                port = choose_port(preferred, taken)
                replicas.append(Replica(service, number, port))
    return replicas


def first(replicas: Collection[Replica], service: str) -> Replica:
    """The first replica of `service`, whose address is published."""
    return next(replica for replica in replicas if replica.service == service)


def token_entry(token: str) -> str:
    """The entry of LUOTDOC_TOKENS that allows `token` both scopes under the name `local`."""
    return f"local:articles+reads:{hashlib.sha256(token.encode()).hexdigest()}"


def environment(
    replica: Replica,
    replicas: Collection[Replica],
    shared: Shared,
    environ: Mapping[str, str],
    spool: Path,
) -> dict[str, str]:
    """The environment of `replica`: our defaults, overridden by `environ`, overridden by what
    belongs to this run (the servers' URLs, the port, the name, the token).
    """
    tokens = [
        entry for entry in (environ.get("LUOTDOC_TOKENS"), token_entry(shared.token)) if entry
    ]
    ingest = shared.gateway or first(replicas, "ingest").url
    pages = shared.gateway or first(replicas, "render").url
    stats = shared.gateway or next((r.url for r in replicas if r.service == "stats"), "")
    defaults = {
        "LUOTDOC_HOST": HOST,
        **site_settings(environ),
        "LUOTDOC_BASE_URL": pages,
        "LUOTDOC_CORS_ORIGINS": pages,  # without a gateway stats has another origin than pages
        "LUOTDOC_READS_URL": f"{ingest}/reads",
        "LUOTDOC_LIVE_URL": f"{shared.gateway or first(replicas, 'stats').url}/stats/live",
        "LUOTDOC_SCHEMAS_URL": f"{ingest}/schemas",
        **({"LUOTDOC_STATS_URL": f"{stats}/stats"} if stats else {}),
        **({"LUOTDOC_TRUSTED_PROXIES": TRUSTED} if shared.gateway else {}),
        "LUOTDOC_SPOOL_DIR": str(spool),  # each instance has its own folder in it
    }
    return {
        **defaults,
        **environ,
        "LUOTDOC_AMQP_URL": shared.amqp_of.get(replica.service, shared.amqp),
        "LUOTDOC_MONGO_URL": shared.mongo_of.get(replica.service, shared.mongo),
        "LUOTDOC_PORT": str(replica.port),
        "LUOTDOC_INSTANCE": replica.name,
        "LUOTDOC_TOKENS": ",".join(tokens),
    }
