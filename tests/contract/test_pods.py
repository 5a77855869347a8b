"""Each pod of each combination: Pod Security `restricted`, probes, spread, resources, drains."""

from typing import Any

import pytest

from tests.support.manifests import (
    COMBINATIONS,
    Object,
    build,
    containers,
    find,
    key,
    pod_spec,
    workloads,
)

RESTRICTED_VOLUMES = {"configMap", "emptyDir", "secret", "projected", "persistentVolumeClaim",
                      "downwardAPI", "csi", "ephemeral"}  # fmt: skip
SERVERS = ("rabbitmq", "mongodb")
"""The broker and database of `overlays/local`; their images write into their root."""


def faults(workload: Object) -> list[str]:
    """What Pod Security `restricted` refuses in a workload's pods."""
    spec = pod_spec(workload)
    context: Any = spec.get("securityContext", {})
    found = [name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") in (0, None):
        found.append("may run as root")
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        found.append("no seccomp profile")
    for volume in spec.get("volumes", ()):
        found += [kind for kind in volume if kind not in {"name", *RESTRICTED_VOLUMES}]
    for container in containers(workload):
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False:
            found.append(f"{container['name']} may gain rights")
        if own.get("capabilities") != {"drop": ["ALL"]}:
            found.append(f"{container['name']} has capabilities")
        if any("hostPort" in port for port in container.get("ports", ())):
            found.append(f"{container['name']} takes a port of the node")
    return found


@pytest.mark.parametrize("name", COMBINATIONS)
def test_pods_fit_pod_security_restricted_which_the_namespace_asks_for(name: str) -> None:
    held = build(name)
    labels = find(held, "Namespace", "luotdoc")["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
    assert {key(workload): faults(workload) for workload in workloads(held)} == {
        key(workload): [] for workload in workloads(held)
    }


def test_a_pod_that_pod_security_refuses_would_be_found() -> None:
    spec = {
        "hostNetwork": True,
        "containers": [{"name": "a", "ports": [{"hostPort": 1}]}],
        "volumes": [{"name": "v", "hostPath": {}}],
    }
    loose: Object = {"spec": {"template": {"spec": spec}}}
    assert len(faults(loose)) == 7


@pytest.mark.parametrize("name", COMBINATIONS)
def test_no_pod_has_a_token_or_a_root_that_it_can_write(name: str) -> None:
    held = build(name)
    for workload in workloads(held):
        spec, of = pod_spec(workload), workload["metadata"]["name"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        if of not in SERVERS:
            assert spec["serviceAccountName"] == of
            account = find(held, "ServiceAccount", of)
            assert account["automountServiceAccountToken"] is False
            for container in containers(workload):
                assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("name", COMBINATIONS)
def test_containers_ask_for_what_they_need_and_are_bounded(name: str) -> None:
    for workload in workloads(build(name)):
        for container in containers(workload):
            resources = container["resources"]
            assert resources["requests"].keys() == {"cpu", "memory"}
            # No limit on CPU: a throttled process answers late, and CPU is shared by the requests.
            assert resources["limits"].keys() == {"memory"}


@pytest.mark.parametrize("name", COMBINATIONS)
def test_what_serves_is_started_spread_and_drained_with_care(name: str) -> None:
    held = build(name)
    for workload in workloads(held):
        of = workload["metadata"]["name"]
        if of in (*SERVERS, "setup"):
            continue
        (container,) = pod_spec(workload)["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["path"] in ("/livez", "/readyz")
        assert "readyz" not in str(container["livenessProbe"]), "MongoDB's fault, not its own"
        assert workload["spec"]["minReadySeconds"] > 0
        keys = [c["topologyKey"] for c in pod_spec(workload)["topologySpreadConstraints"]]
        assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        budget = find(held, "PodDisruptionBudget", of)["spec"]
        assert budget["maxUnavailable"] == 1
        # Without it no node can be drained while all pods are unready because MongoDB is away.
        assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_statefulset_has_the_headless_service_that_it_names(name: str) -> None:
    held = build(name)
    for workload in workloads(held):
        if workload["kind"] == "StatefulSet" and workload["metadata"]["name"] != "rabbitmq":
            service = find(held, "Service", workload["spec"]["serviceName"])
            assert service["spec"]["clusterIP"] == "None"


@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_namespace_with_the_volumes_of_the_spools_is_never_deleted_by_a_tool(name: str) -> None:
    annotations = find(build(name), "Namespace", "luotdoc")["metadata"]["annotations"]
    assert annotations == {
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
    }
