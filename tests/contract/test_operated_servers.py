"""RabbitMQ and MongoDB by their operators: watched, drained one at a time, and with users for the
people and programs that look after them.
"""

import re
from typing import Any

import pytest

from tests.support.manifests import (
    COMBINATIONS,
    OPERATED,
    Object,
    build,
    containers,
    find,
    key,
    objects,
)
from tests.support.policies import selected
from tests.support.system import ROOT

WITH_OPERATORS = [name for name, parts in COMBINATIONS.items() if "operators" in parts]
PORTS = {"rabbitmq": {"prometheus": 15692}, "mongodb": {"metrics": 9216}}
"""RabbitMQ's port has this name from its operator; MongoDB's is that of our own sidecar."""


def template(held: list[Object]) -> Object:
    """The pods of MongoDB's members, as far as we say what is in them."""
    spec = find(held, "MongoDBCommunity", "mongodb")["spec"]["statefulSet"]["spec"]
    return {"spec": {"template": spec["template"]}}


def exporter(held: list[Object]) -> Any:
    """The container beside each member of MongoDB that Prometheus asks."""
    (found,) = [each for each in containers(template(held)) if each["name"] == "exporter"]
    return found


@pytest.mark.parametrize("name", WITH_OPERATORS)
def test_a_drain_takes_one_node_of_a_server_at_a_time(name: str) -> None:
    held = build(name)
    for server, labels in OPERATED.items():
        budget = find(held, "PodDisruptionBudget", server)["spec"]
        assert selected(budget["selector"], labels)
        assert budget["maxUnavailable"] == 1
        assert budget["unhealthyPodEvictionPolicy"] == "IfHealthyBudget"
    budgets = [item["spec"] for item in held if item["kind"] == "PodDisruptionBudget"]
    for labels in OPERATED.values():  # no eviction of a pod that two budgets select is allowed
        assert len([one for one in budgets if selected(one["selector"], labels)]) == 1


def test_each_server_is_scraped_as_the_alerts_expect() -> None:
    held = build("everything")
    for server, labels in OPERATED.items():
        monitor = find(held, "PodMonitor", f"luotdoc-{server}")["spec"]
        assert selected(monitor["selector"], labels)
        (endpoint,) = monitor["podMetricsEndpoints"]
        assert endpoint["port"] in PORTS[server]
        written = {each["targetLabel"]: each for each in endpoint["relabelings"]}
        assert written["service"]["replacement"] == server
        assert written["part_of"]["replacement"] == "luotdoc"
        assert written["instance"]["sourceLabels"] == ["__meta_kubernetes_pod_name"]
        policy = find(held, "NetworkPolicy", server)["spec"]
        assert PORTS[server][endpoint["port"]] in [
            port["port"] for rule in policy["ingress"] for port in rule.get("ports", ())
        ]
    selecting = [
        key(item)[1]
        for item in held
        if item["kind"] == "PodMonitor"
        and any(selected(item["spec"]["selector"], labels) for labels in OPERATED.values())
    ]
    assert sorted(selecting) == ["luotdoc-mongodb", "luotdoc-rabbitmq"]


@pytest.mark.parametrize("name", WITH_OPERATORS)
def test_the_exporter_logs_in_as_a_user_that_may_look_and_no_more(name: str) -> None:
    held = build(name)
    one = exporter(held)
    (port,) = one["ports"]
    assert {port["name"]: port["containerPort"]} == PORTS["mongodb"]
    assert "--collector.diagnosticdata" in one["args"], "the alerts' metrics of members are in it"
    assert "--mongodb.uri=mongodb://127.0.0.1:27017/admin" in one["args"], "its own member alone"
    environment = {entry["name"]: entry for entry in one["env"]}
    users = {u["name"]: u for u in find(held, "MongoDBCommunity", "mongodb")["spec"]["users"]}
    user = users[environment["MONGODB_USER"]["value"]]
    assert user["db"] == "admin"
    assert user["roles"] == [
        {"name": "clusterMonitor", "db": "admin"},
        {"name": "read", "db": "local"},
    ]
    secret = environment["MONGODB_PASSWORD"]["valueFrom"]["secretKeyRef"]
    assert secret == user["passwordSecretRef"]
    assert one["resources"]["requests"].keys() == {"cpu", "memory"}
    assert one["resources"]["limits"].keys() == {"memory"}


def test_there_is_an_administrator_for_backups_and_repairs() -> None:
    users = find(build("prod, operators"), "MongoDBCommunity", "mongodb")["spec"]["users"]
    (one,) = [user for user in users if user["name"] == "administrator"]
    assert (one["db"], one["roles"]) == ("admin", [{"name": "root", "db": "admin"}])


def test_the_exporter_has_the_tag_of_the_component_and_a_digest() -> None:
    tagged = exporter(objects("base", ("operators",)))["image"]
    assert exporter(build("prod, operators"))["image"].partition("@sha256:")[0] == tagged
    assert ":" in tagged


def test_the_guide_makes_each_secret_that_the_operators_read() -> None:
    text = (ROOT / "docs/operations.md").read_text().partition("#### Servers by operators")[2]
    loops = re.findall(r"for user in (.*?); do(.*?)done", text, re.DOTALL)[:2]
    made = [
        {f"{server}-{user}" for user in users.split()}
        for server, (users, _) in zip(("rabbitmq", "mongodb"), loops, strict=True)
    ]
    assert "secret generic rabbitmq-$user" in loops[0][1]
    assert "secret generic mongodb-$user" in loops[1][1]
    assert "rabbitmq.com/topology-operator=true" in loops[0][1], "else the operator refuses it"
    held = build("prod, operators")
    imported = [i["spec"]["importCredentialsSecret"] for i in held if i["kind"] == "User"]
    users = find(held, "MongoDBCommunity", "mongodb")["spec"]["users"]
    read = [secret["name"] for secret in imported]
    assert made == [set(read), {user["passwordSecretRef"]["name"] for user in users}]
