"""Kubernetes objects that repeat facts of other files are what those files say today."""

import json

import pytest

from deploy.manifests import files
from luotdoc_events.version import VERSION
from shared.storage.rights import RIGHTS
from tests.contract.test_pods import faults
from tests.support.manifests import (
    COMBINATIONS,
    K8S,
    build,
    containers,
    find,
    key,
    objects,
    workloads,
    written_in,
)
from tests.support.system import ROOT


def test_the_written_files_are_what_their_sources_say() -> None:
    for path, text in files().items():
        assert path.read_text() == text, f"{path.name}: run `make manifests`"


def test_each_alert_of_the_rules_is_in_the_cluster() -> None:
    held = build("prod, watched, with KEDA")
    named = {
        rule["alert"]
        for item in held
        if item["kind"] == "PrometheusRule"
        for group in item["spec"]["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    sources = "".join(path.read_text() for path in (ROOT / "deploy/prometheus/rules").iterdir())
    assert len(named) == sources.count("- alert: ") > 10


def test_each_dashboard_is_in_the_cluster_for_grafana_s_sidecar() -> None:
    held = {
        name: (item["metadata"], text)
        for item in build("prod, watched, with KEDA")
        if item["metadata"]["labels"].get("grafana_dashboard") == "1"
        for name, text in item["data"].items()
    }
    files = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
    assert sorted(held) == [path.name for path in files]
    for path in files:
        metadata, text = held[path.name]
        assert text == path.read_text()
        assert metadata["annotations"] == {"grafana_folder": "Lượt Đọc"}
        # `kubectl apply` keeps the whole object in an annotation, of 256 KiB at most.
        assert len(text.encode()) < 200_000


def test_each_right_of_rabbitmq_is_in_the_cluster_and_no_other() -> None:
    facts = json.loads((ROOT / "deploy/rabbitmq/services.json").read_text())
    held = build("prod, operators")
    for kind, source in (("Permission", "permissions"), ("TopicPermission", "topic_permissions")):
        made = {
            (
                item["spec"]["userReference"]["name"],
                tuple(sorted(item["spec"]["permissions"].items())),
            )
            for item in held
            if item["kind"] == kind
        }
        wanted = {
            (
                fact["user"],
                tuple(sorted((k, v) for k, v in fact.items() if k not in ("user", "vhost"))),
            )
            for fact in facts[source]
        }
        assert made == wanted
    users = {item["metadata"]["name"] for item in held if item["kind"] == "User"}
    assert users == {fact["user"] for fact in facts["permissions"]}
    assert not [item for item in held if item["kind"] == "User" and "tags" in item["spec"]]
    (policy,) = [item["spec"] for item in held if item["kind"] == "Policy"]
    assert policy["pattern"] == facts["policies"][0]["pattern"]
    vhost = find(held, "Vhost", "default")["spec"]
    assert vhost["vhostLimits"]["queues"] == facts["parameters"][0]["value"]["max-queues"]
    assert find(held, "RabbitmqCluster", "rabbitmq")["spec"]["replicas"] == 3


def test_each_right_of_mongodb_is_in_the_cluster_and_no_other() -> None:
    facts = json.loads((ROOT / "deploy/mongodb/roles.json").read_text())
    cluster = find(build("prod, operators"), "MongoDBCommunity", "mongodb")["spec"]
    assert (cluster["members"], cluster["type"]) == (3, "ReplicaSet")
    assert cluster["security"]["roles"] == facts
    assert [fact["role"] for fact in facts] == list(RIGHTS)
    users = {user["name"]: user for user in cluster["users"]}
    assert users.keys() == {*RIGHTS, "administrator", "monitoring"}
    for service in RIGHTS:
        assert users[service]["roles"] == [{"name": service, "db": "luotdoc"}]
        assert users[service]["db"] == "luotdoc"
    for name, user in users.items():
        assert user["passwordSecretRef"] == {"name": f"mongodb-{name}", "key": "password"}


def test_the_operator_s_mongodb_fits_pod_security_restricted() -> None:
    cluster = find(build("prod, operators"), "MongoDBCommunity", "mongodb")["spec"]
    template = cluster["statefulSet"]["spec"]["template"]
    assert faults({"spec": {"template": template}}) == []
    named = {container["name"] for container in containers({"spec": {"template": template}})}
    # The containers that the operator makes, into which these are merged; and one of our own.
    made = {"mongod", "mongodb-agent", "mongod-posthook", "mongodb-agent-readinessprobe"}
    assert named == {*made, "exporter"}


def test_secrets_from_a_store_have_every_key_that_a_pod_reads() -> None:
    held = build("prod, operators")
    read = {
        (ref["name"], ref["key"])
        for workload in workloads(held)
        for container in containers(workload)
        for entry in container.get("env", ())
        if (ref := entry.get("valueFrom", {}).get("secretKeyRef"))
    }
    made = {
        (item["spec"]["target"]["name"], entry["secretKey"])
        for item in held
        if item["kind"] == "ExternalSecret"
        for entry in item["spec"]["data"]
    }
    assert read == made


REGISTRY = "images: [{name: luotdoc, newName: registry.example.org/luotdoc}]"


@pytest.mark.parametrize("more", ["", REGISTRY], ids=["as it is", "with a registry"])
def test_images_by_digest_are_all_by_digest_and_of_this_release(more: str) -> None:
    first, *components = COMBINATIONS["prod, operators"]
    for held in (
        objects(first, tuple(components), more),
        written_in(first, tuple(components), more),
    ):
        images = {c["image"] for w in workloads(held) for c in containers(w)}
        assert all("@sha256:" in image for image in images)
        named = "registry.example.org/luotdoc" if more else "luotdoc"
        assert any(image.startswith(f"{named}:{VERSION}@") for image in images)
        tag = (K8S / "components/gateway/kustomization.yaml").read_text().partition('newTag: "')[2]
        assert any(image.startswith(f"haproxy:{tag.partition(chr(34))[0]}@") for image in images)


@pytest.mark.parametrize("name", [n for n, parts in COMBINATIONS.items() if "overlays" in parts[0]])
def test_components_do_the_same_in_a_team_s_overlay(name: str) -> None:
    """Docs say: a line under `components:` of your overlay. The other tests wrap the overlay."""
    first, *components = COMBINATIONS[name]
    written = {key(item): item for item in written_in(first, tuple(components))}
    assert written == {key(item): item for item in build(name)}
