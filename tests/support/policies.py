"""A small evaluator of NetworkPolicies: may a pod connect to another one, or to an address?

It knows what the manifests use: selectors by labels and expressions, ip blocks without exceptions,
ports by number and by name. Anything else is an error, so that nothing is judged wrongly.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Peer:
    """A pod, or an address outside of the cluster (then without a namespace)."""

    name: str
    namespace: str = ""
    labels: Labels = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    """Its named ports."""
    address: str = "10.1.2.3"


def selected(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether a label selector takes something with these labels; an empty one takes everything."""
    assert selector.keys() <= {"matchLabels", "matchExpressions"}, selector
    if any(labels.get(k) != v for k, v in selector.get("matchLabels", {}).items()):
        return False
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In", expression
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def allowed(
    policies: Sequence[dict[str, Any]], source: Peer, target: Peer, port: int, protocol: str = "TCP"
) -> bool:
    """Whether `source` may open a connection: its egress and the target's ingress allow it. The
    cluster's nodes are not in it.
    """
    return _side(policies, "Egress", source, target, target, port, protocol) and _side(
        policies, "Ingress", target, source, target, port, protocol
    )


def _side(
    policies: Sequence[dict[str, Any]],
    way: str,
    owner: Peer,
    other: Peer,
    target: Peer,
    port: int,
    protocol: str,
) -> bool:
    """Whether the policies of `owner` allow this way. Without a policy everything is allowed."""
    held = [
        policy
        for policy in policies
        if owner.namespace == policy["metadata"]["namespace"]
        and way in policy["spec"]["policyTypes"]
        and selected(policy["spec"]["podSelector"], owner.labels)
    ]
    if not held:
        return True
    peers, rules = ("to", "egress") if way == "Egress" else ("from", "ingress")
    return any(
        _peer(rule.get(peers), policy["metadata"]["namespace"], other)
        and _port(rule.get("ports"), target, port, protocol)
        for policy in held
        for rule in policy["spec"].get(rules, ())
    )


def _peer(given: Sequence[dict[str, Any]] | None, namespace: str, other: Peer) -> bool:
    if given is None:
        return True
    for peer in given:
        assert peer.keys() <= {"ipBlock", "namespaceSelector", "podSelector"}, peer
        if block := peer.get("ipBlock"):
            assert block.keys() == {"cidr"}, block
            network = ipaddress.ip_network(block["cidr"])
            if not other.namespace and ipaddress.ip_address(other.address) in network:
                return True
            continue
        if not other.namespace:
            continue
        if "namespaceSelector" in peer:
            there = {"kubernetes.io/metadata.name": other.namespace}
            if not selected(peer["namespaceSelector"], there):
                continue
        elif other.namespace != namespace:
            continue
        if selected(peer.get("podSelector", {}), other.labels):
            return True
    return False


def _port(given: Sequence[dict[str, Any]] | None, target: Peer, port: int, protocol: str) -> bool:
    if given is None:
        return True
    for one in given:
        assert one.keys() == {"protocol", "port"}, one
        number = target.ports.get(one["port"]) if isinstance(one["port"], str) else one["port"]
        if (one["protocol"], number) == (protocol, port):
            return True
    return False
