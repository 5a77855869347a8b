"""Objects of custom kinds have only fields that their CRDs know, and say each default."""

from typing import Any

import pytest
import yaml

from tests.support.manifests import COMBINATIONS, Object, build, find, key
from tests.support.system import ROOT

SCHEMAS: dict[str, Any] = yaml.safe_load((ROOT / "tests/contract/crds.yaml").read_text())
TYPES = {"string": str, "integer": int, "boolean": bool}
GROUPS = {
    "gateway.networking.k8s.io/v1": {"HTTPRoute", "Gateway"},
    "gateway.envoyproxy.io/v1alpha1": {"BackendTrafficPolicy"},
    "gateway.nginx.org/v1alpha1": {"UpstreamSettingsPolicy"},
    "monitoring.coreos.com/v1": {"PodMonitor", "PrometheusRule"},
    "keda.sh/v1alpha1": {"ScaledObject", "TriggerAuthentication"},
    "rabbitmq.com/v1beta1": {"RabbitmqCluster", "User", "Permission", "TopicPermission", "Policy",
                             "Vhost"},
    "mongodbcommunity.mongodb.com/v1": {"MongoDBCommunity"},
    "external-secrets.io/v1": {"ExternalSecret"},
}  # fmt: skip
BUILT_IN = {"v1", "apps/v1", "policy/v1", "networking.k8s.io/v1", "autoscaling/v2"}


def faults(schema: Any, value: Any, where: str) -> list[str]:
    """What an API server would refuse or add, as text. `schema` is a part of crds.yaml."""
    if schema == "free":
        return []
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{where}: must be a list"]
        (each,) = schema
        return [f for n, item in enumerate(value) for f in faults(each, item, f"{where}[{n}]")]
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return [f"{where}: must be an object"]
        fields = {name.rstrip("*"): name for name in schema}
        found = [f"{where}.{name}: unknown" for name in value.keys() - fields.keys()]
        for name, written in fields.items():
            if name in value:
                found += faults(schema[written], value[name], f"{where}.{name}")
            elif written.endswith("*"):
                found.append(f"{where}.{name}: missing")
            elif isinstance(schema[written], str) and " =" in schema[written]:
                found.append(f"{where}.{name}: the default is not said")
        return found
    kind = schema.partition(" =")[0]
    if kind.startswith("enum "):
        allowed = kind.removeprefix("enum ").split("|")
        return [] if value in allowed else [f"{where}: {value} is none of {allowed}"]
    right = isinstance(value, TYPES[kind]) and not (kind == "integer" and value is True)
    return [] if right else [f"{where}: must be of the type {kind}"]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_custom_objects_fit_their_kinds(name: str) -> None:
    for item in build(name):
        if item["apiVersion"] in BUILT_IN:
            continue
        assert item["kind"] in GROUPS[item["apiVersion"]], key(item)
        assert item.keys() == {"apiVersion", "kind", "metadata", "spec"}
        assert faults(SCHEMAS[item["kind"]], item["spec"], "spec") == [], key(item)


def test_each_schema_is_of_a_kind_that_a_combination_has() -> None:
    used = {item["kind"] for name in COMBINATIONS for item in build(name)}
    assert SCHEMAS.keys() <= used
    assert SCHEMAS.keys() == {kind for kinds in GROUPS.values() for kind in kinds}


def test_what_an_api_server_refuses_is_found() -> None:
    spec: Object = find(build("prod"), "HTTPRoute", "public-reads")["spec"]
    rule = spec["rules"][0]
    for change, what in (
        ({"hostname": "a"}, "spec.hostname: unknown"),
        ({"hostnames": "a"}, "spec.hostnames: must be a list"),
        ({"rules": [{**rule, "backendRefs": [{"name": "a", "group": "", "kind": "Service"}]}]},
         "spec.rules[0].backendRefs[0].weight: the default is not said"),
        ({"rules": [{**rule, "matches": [{"method": "GIVE"}]}]}, "GIVE is none of"),
        ({"parentRefs": [{"group": "g", "kind": "Gateway"}]}, "spec.parentRefs[0].name: missing"),
    ):  # fmt: skip
        found = faults(SCHEMAS["HTTPRoute"], {**spec, **change}, "spec")
        assert any(what in fault for fault in found), (change, found)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_who_scales_a_workload_is_the_only_one_to_say_its_replicas(name: str) -> None:
    """A number beside an autoscaler's is set back by each apply, and differs in Argo CD."""
    held = build(name)
    scalers = [item for item in held if "scaleTargetRef" in item.get("spec", {})]
    scaled = [item["spec"]["scaleTargetRef"] for item in scalers]
    assert len(scaled) == len({ref["name"] for ref in scaled})
    for ref in scaled:
        assert "replicas" not in find(held, ref["kind"], ref["name"])["spec"]
    for item in held:
        if item["kind"] == "Deployment" and item["metadata"]["name"] not in {
            ref["name"] for ref in scaled
        }:
            assert item["spec"]["replicas"] >= 1


def test_counters_follow_their_queue_and_are_no_more_than_there_are_slots() -> None:
    held = build("prod, watched, with KEDA")
    spec = find(held, "ScaledObject", "counter")["spec"]
    (trigger,) = spec["triggers"]
    assert trigger["metadata"]["queueName"] == "counter.reads"
    assert trigger["authenticationRef"] == {"name": "counter"}
    # KEDA resolves the address of `luotdoc-amqp` in its own namespace.
    guide = (ROOT / "docs/operations.md").read_text().partition("#### Servers by operators")[2]
    assert "amqp://USER:PASSWORD@rabbitmq.luotdoc.svc:5672/" in guide
    assert spec["maxReplicaCount"] == 16
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    up, down = behavior["scaleUp"], behavior["scaleDown"]
    assert up["stabilizationWindowSeconds"] == 0 < down["stabilizationWindowSeconds"]
