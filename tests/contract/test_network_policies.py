"""Which pod may connect to which: each arrow of the architecture is allowed, everything else is
refused.
"""

from itertools import product

import pytest

from tests.support.manifests import (
    COMBINATIONS,
    OPERATED,
    Object,
    build,
    containers,
    workloads,
)
from tests.support.policies import Peer, allowed

DNS = Peer("dns", "kube-system", {"k8s-app": "kube-dns"})
NODE_DNS = Peer("the node's DNS cache", address="169.254.20.10")
CLUSTER_GATEWAY = Peer("cluster gateway", "gateway")
PROMETHEUS = Peer("prometheus", "monitoring")
COLLECTOR = Peer("collector", "observability")
KEDA = Peer("keda", "keda")
OPERATORS = Peer("rabbitmq's operators", "rabbitmq-system")
BACKUP = Peer("a pod that makes backups", "luotdoc", {"app.kubernetes.io/name": "backup"})
STRANGER = Peer("a pod of another team", "shop", {"app.kubernetes.io/name": "render"})
PRETENDER = Peer("a pod of another part of the cluster", "kube-system")
INTERNET = Peer("an address in the internet", address="203.0.113.7")

SERVICES = ("render", "ingest", "counter", "stats")
SERVERS = {"rabbitmq": (5671, 5672), "mongodb": (27017,)}
PORTS = (53, 80, 443, 4318, 5671, 5672, 8000, 8404, 9216, 15671, 15672, 15692, 27017)
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


def operated(name: str) -> list[Peer]:
    """One pod of each server that an operator makes in our namespace."""
    if "operators" not in COMBINATIONS[name]:
        return []
    return [Peer(server, "luotdoc", labels) for server, labels in OPERATED.items()]


def around(name: str) -> list[Peer]:
    """What there is besides: the cluster's own parts and strangers."""
    there = {pod.name for pod in (*pods(build(name)), *operated(name))}
    elsewhere = [Peer(server, server) for server in SERVERS if server not in there]
    return [
        *elsewhere, DNS, NODE_DNS, CLUSTER_GATEWAY, PROMETHEUS, COLLECTOR, KEDA, OPERATORS,
        BACKUP, STRANGER, PRETENDER, INTERNET,
    ]  # fmt: skip


def wanted(name: str) -> set[Arrow]:
    """Every arrow that the architecture has."""
    inside = pods(build(name))
    ours = [pod.name for pod in inside if pod.name not in SERVERS]
    arrows: set[Arrow] = set()
    for pod, dns, protocol in product(ours, (DNS.name, NODE_DNS.name), ("TCP", "UDP")):
        arrows.add((pod, dns, 53, protocol))
    for pod, (server, numbers) in product((*SERVICES, "setup"), SERVERS.items()):
        local = any(each.name == server for each in inside)
        arrows |= {
            (pod, server, port, "TCP") for port in numbers if not local or port != 5671
        }  # the one in the namespace has no TLS
    arrows |= {(CLUSTER_GATEWAY.name, pod, 8000, "TCP") for pod in ("render", "ingest", "stats")}
    arrows |= {(PROMETHEUS.name, pod, 8000, "TCP") for pod in SERVICES}
    arrows |= {("ingest", pod, 8000, "TCP") for pod in ("render", "stats")}
    if "tracing" in COMBINATIONS[name]:
        arrows |= {(pod, COLLECTOR.name, 4318, "TCP") for pod in SERVICES}
    if "gateway" in ours:
        arrows.add((CLUSTER_GATEWAY.name, "gateway", 8000, "TCP"))
        arrows.add((PROMETHEUS.name, "gateway", 8404, "TCP"))
        arrows |= {("gateway", pod, 8000, "TCP") for pod in ("render", "ingest", "stats")}
    return arrows | (wanted_of_operated() if operated(name) else set())


def wanted_of_operated() -> set[Arrow]:
    """Every arrow to RabbitMQ and MongoDB by operators, but those from our own pods."""
    among = product(PORTS, ("TCP", "UDP"))
    return {
        *(("another rabbitmq", "rabbitmq", port, protocol) for port, protocol in among),
        *((KEDA.name, "rabbitmq", port, "TCP") for port in (5671, 5672)),
        *((OPERATORS.name, "rabbitmq", port, "TCP") for port in (15671, 15672)),
        (PROMETHEUS.name, "rabbitmq", 15692, "TCP"),
        ("another mongodb", "mongodb", 27017, "TCP"),
        (BACKUP.name, "mongodb", 27017, "TCP"),
        (PROMETHEUS.name, "mongodb", 9216, "TCP"),
    }


def possible(name: str, without: str = "") -> set[Arrow]:
    """Every arrow from one of our pods, or to it or to an operator's server, that the policies
    allow: all of a combination, or all but one.
    """
    held = [item for item in build(name) if item["kind"] == "NetworkPolicy"]
    policies = [policy for policy in held if policy["metadata"]["name"] != without]
    assert len(policies) == len(held) - bool(without)
    inside, servers, outside = pods(build(name)), operated(name), around(name)
    nodes = [Peer(f"another {pod.name}", pod.namespace, pod.labels) for pod in servers]
    pairs = [
        *product(inside, [*inside, *servers, *outside]),
        *product([*servers, *nodes, *outside], [*inside, *servers]),
    ]
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
    found = {arrow for arrow in possible(name) if not of_the_servers(arrow)}
    assert found == wanted(name)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_each_policy_is_needed(name: str) -> None:
    policies = [item["metadata"]["name"] for item in build(name) if item["kind"] == "NetworkPolicy"]
    assert len(policies) >= 8
    for without in policies:
        found = {arrow for arrow in possible(name, without) if not of_the_servers(arrow)}
        assert found != wanted(name), f"nobody would miss the policy {without}"
