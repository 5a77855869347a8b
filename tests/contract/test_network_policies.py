"""Which pod may connect to which: each arrow of the architecture is allowed, everything else is
refused.
"""

from itertools import product

import pytest

from tests.support.manifests import COMBINATIONS, Object, build, containers, workloads
from tests.support.policies import Peer, allowed

DNS = Peer("dns", "kube-system", {"k8s-app": "kube-dns"})
NODE_DNS = Peer("the node's DNS cache", address="169.254.20.10")
CLUSTER_GATEWAY = Peer("cluster gateway", "gateway")
PROMETHEUS = Peer("prometheus", "monitoring")
COLLECTOR = Peer("collector", "observability")
STRANGER = Peer("a pod of another team", "shop", {"app.kubernetes.io/name": "render"})
PRETENDER = Peer("a pod of another part of the cluster", "kube-system")
INTERNET = Peer("an address in the internet", address="203.0.113.7")

SERVICES = ("render", "ingest", "counter", "stats")
SERVERS = {"rabbitmq": (5671, 5672), "mongodb": (27017,)}
OPERATED = {
    "rabbitmq": ("RabbitmqCluster", {"app.kubernetes.io/name": "rabbitmq"}),
    "mongodb": ("MongoDBCommunity", {"app": "mongodb-svc"}),
}
"""The kind that an operator makes a server from, and the labels that it gives to the pods."""
PORTS = (53, 80, 443, 4318, 5671, 5672, 8000, 8404, 15672, 27017)
"""What is tried: every port of the system and some that are none of its."""

Arrow = tuple[str, str, int, str]


def pods(held: list[Object]) -> list[Peer]:
    """One pod of each workload."""
    return [
        Peer(
            workload["metadata"]["name"],
            workload["metadata"]["namespace"],
            workload["spec"]["template"]["metadata"]["labels"],
            {
                port["name"]: port["containerPort"]
                for container in containers(workload)
                for port in container.get("ports", ())
            },
        )
        for workload in workloads(held)
    ]


def around(held: list[Object]) -> list[Peer]:
    """What there is besides: the cluster's own parts and strangers."""
    there = {pod.name for pod in pods(held)}
    kinds = {item["kind"] for item in held}
    servers = [
        # An operator's pods are in our namespace, and only labelled as this.
        Peer(name, "luotdoc", OPERATED[name][1]) if OPERATED[name][0] in kinds else Peer(name, name)
        for name in SERVERS
        if name not in there
    ]
    return [
        *servers, DNS, NODE_DNS, CLUSTER_GATEWAY, PROMETHEUS, COLLECTOR, STRANGER, PRETENDER,
        INTERNET,
    ]  # fmt: skip


def wanted(held: list[Object]) -> set[Arrow]:
    """Every arrow that the architecture has."""
    ours = [pod.name for pod in pods(held) if pod.name not in SERVERS]
    arrows: set[Arrow] = set()
    for name, dns, protocol in product(ours, (DNS.name, NODE_DNS.name), ("TCP", "UDP")):
        arrows.add((name, dns, 53, protocol))
    for name, (server, numbers) in product((*SERVICES, "setup"), SERVERS.items()):
        local = any(pod.name == server for pod in pods(held))
        arrows |= {
            (name, server, port, "TCP") for port in numbers if not local or port != 5671
        }  # the one in the namespace has no TLS
    arrows |= {(CLUSTER_GATEWAY.name, name, 8000, "TCP") for name in ("render", "ingest", "stats")}
    arrows |= {(PROMETHEUS.name, name, 8000, "TCP") for name in SERVICES}
    arrows |= {("ingest", name, 8000, "TCP") for name in ("render", "stats")}
    if any(item["metadata"]["name"] == "luotdoc-traces" for item in held):
        arrows |= {(name, COLLECTOR.name, 4318, "TCP") for name in SERVICES}
    if "gateway" in ours:
        arrows.add((CLUSTER_GATEWAY.name, "gateway", 8000, "TCP"))
        arrows.add((PROMETHEUS.name, "gateway", 8404, "TCP"))
        arrows |= {("gateway", name, 8000, "TCP") for name in ("render", "ingest", "stats")}
    return arrows


def possible(held: list[Object]) -> set[Arrow]:
    """Every arrow from or to one of our pods that the policies allow."""
    policies = [item for item in held if item["kind"] == "NetworkPolicy"]
    inside, outside = pods(held), around(held)
    pairs = [*product(inside, [*inside, *outside]), *product(outside, inside)]
    return {
        (source.name, target.name, port, protocol)
        for source, target in pairs
        if source != target
        for port, protocol in product(PORTS, ("TCP", "UDP"))
        if allowed(policies, source, target, port, protocol)
    }


def of_the_servers(arrow: Arrow) -> bool:
    """What the servers of `overlays/local` do among themselves: names."""
    return arrow[0] in SERVERS and arrow[1] in (DNS.name, NODE_DNS.name)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_each_arrow_is_allowed_and_nothing_else(name: str) -> None:
    held = build(name)
    found = {arrow for arrow in possible(held) if not of_the_servers(arrow)}
    assert found == wanted(held)


@pytest.mark.parametrize("without", ["luotdoc-nothing", "luotdoc-dns", "luotdoc-rabbitmq",
    "luotdoc-mongodb", "luotdoc-requests", "luotdoc-metrics", "luotdoc-reconciliation-asks",
    "luotdoc-reconciliation-answers"])  # fmt: skip
def test_each_policy_is_needed(without: str) -> None:
    held = [item for item in build("base alone") if item["metadata"]["name"] != without]
    assert possible(held) != wanted(held)
