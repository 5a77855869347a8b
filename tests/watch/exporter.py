"""A stand-in for percona/mongodb_exporter, which no Debian package has, beside one member of a
replica set.

It serves three metrics under the names, labels and types that the real one gives them, out of real
answers of the member:

- `mongodb_up`, a gauge: 1 if `ping` is answered, with `cluster_role="mongod"`. Else 0 without a
  role, and there is no other metric.
- `mongodb_rs_members_health`, untyped: of each of `members` in `replSetGetStatus`, 1 or 0.
- `mongodb_rs_members_optimeDate`, untyped: of each of `members`, milliseconds since 1970.

`member_idx` is the member's name (`host:port`), `member_state` its `stateStr`, `rs_nm` the set's.
The labels `cl_id`, `cl_role` and `rs_state` are left out. The real one needs
`--collector.diagnosticdata` for the two of the members: it finds `replSetGetStatus` inside the
answer to `getDiagnosticData`, where it may be a second old. It gives up a server after 5 s; this
one sooner, because the tests' Prometheus waits for one second.
"""

from collections.abc import Iterator
from typing import Any

import pymongo
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily, UntypedMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from pymongo import WriteConcern

from deploy.local import ports
from deploy.local.database import Database
from deploy.local.database_users import DatabaseClient
from tests.support.replica_set import ReplicaSet

ANSWER_MS = 400
LABELS = ["member_idx", "member_state", "rs_nm"]
USER = "exporter"


class Exporter(Collector):
    """Serves the metrics of `member` at `port` from `start` to `stop`, which may be repeated."""

    def __init__(self, member: Database, user: str, password: str) -> None:
        self.member, self.port = member, ports.choose_port()
        self._url = (
            f"mongodb://{user}:{password}@{ports.HOST}:{member.port}/?directConnection=true"
            f"&authSource=admin&serverSelectionTimeoutMS={ANSWER_MS}"
            f"&connectTimeoutMS={ANSWER_MS}&socketTimeoutMS={ANSWER_MS}"
        )

    def start(self) -> None:
        """Serve."""
        self._client: DatabaseClient = pymongo.MongoClient(self._url, tz_aware=True)
        registry = CollectorRegistry()
        registry.register(self)
        self._server, self._thread = start_http_server(self.port, ports.HOST, registry)

    def stop(self) -> None:
        """End at once."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()

    def collect(self) -> Iterator[Metric]:
        """Ask the member. Like the real one it takes an error for no answer."""
        up = self._answer("ping") is not None
        family = GaugeMetricFamily("mongodb_up", "Whether MongoDB is up.", labels=["cluster_role"])
        family.add_metric(["mongod" if up else ""], float(up))
        yield family
        if not up or (status := self._answer("replSetGetStatus")) is None:
            return
        health = UntypedMetricFamily("mongodb_rs_members_health", "1 or 0", labels=LABELS)
        at = UntypedMetricFamily("mongodb_rs_members_optimeDate", "ms since 1970", labels=LABELS)
        for member in status["members"]:
            labels = [member["name"], member["stateStr"], status["set"]]
            health.add_metric(labels, member["health"])
            at.add_metric(labels, member["optimeDate"].timestamp() * 1000)
        yield from (health, at)

    def _answer(self, command: str) -> dict[str, Any] | None:
        try:
            return self._client.admin.command(command)
        except pymongo.errors.PyMongoError:
            return None


def exporters(first: ReplicaSet) -> list[Exporter]:
    """One for each member, not started yet, with a user that may do what the real one must."""
    with pymongo.MongoClient[dict[str, Any]](first.url) as client:
        everywhere = WriteConcern(w=len(first.members)).document
        client.admin.command(
            "createUser",
            USER,
            pwd=first.password,
            roles=["clusterMonitor"],
            writeConcern=everywhere,
        )
    return [Exporter(member, USER, first.password) for member in first.members]
