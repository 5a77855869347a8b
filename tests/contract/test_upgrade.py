"""An upgrade by `kubectl apply -k`, Argo CD or Flux: the API server takes each change, no object
goes away by itself, and nothing differs from what the API server stores.
"""

import re
from typing import Any

import pytest

from luotdoc_events.version import VERSION
from tests.support.manifests import (
    COMBINATIONS,
    Object,
    build,
    containers,
    find,
    key,
    objects,
    pod_spec,
    workloads,
)
from tests.support.system import ROOT

NEXT = """
images: [{name: luotdoc, newName: registry.example.org/luotdoc, newTag: 99.0.0}]
configMapGenerator:
  - {name: luotdoc, behavior: merge, literals: [LUOTDOC_LOG_LEVEL=DEBUG]}
labels:
  - pairs: {app.kubernetes.io/version: 99.0.0}
    fields:
      - {path: metadata/labels, create: true}
      - {path: spec/template/metadata/labels, kind: Deployment, create: true}
      - {path: spec/template/metadata/labels, kind: StatefulSet, create: true}
patches:
  - target: {kind: Deployment|StatefulSet, name: setup|render|ingest|counter|stats|gateway}
    patch: |-
      - op: add
        path: /spec/template/spec/nodeSelector
        value: {kubernetes.io/arch: amd64}
"""
"""The next release, with other settings and other nodes."""

MUTABLE = {
    "Deployment": {"replicas", "template", "strategy", "minReadySeconds", "revisionHistoryLimit",
                   "progressDeadlineSeconds", "paused"},
    "StatefulSet": {"replicas", "template", "updateStrategy", "minReadySeconds",
                    "revisionHistoryLimit", "ordinals", "persistentVolumeClaimRetentionPolicy"},
    "Job": {"suspend", "activeDeadlineSeconds", "ttlSecondsAfterFinished", "backoffLimit"},
    "PersistentVolumeClaim": {"resources"},
}  # fmt: skip
"""What the API server lets one change in a spec. Every other kind of ours can be changed whole."""

RELEASED = {
    ("Deployment", "render"): {"app.kubernetes.io/name": "render"},
    ("Deployment", "counter"): {"app.kubernetes.io/name": "counter"},
    ("Deployment", "stats"): {"app.kubernetes.io/name": "stats"},
    ("Deployment", "gateway"): {"app.kubernetes.io/name": "gateway"},
    ("StatefulSet", "ingest"): {"app.kubernetes.io/name": "ingest"},
}
"""Selectors that clusters have. Another one would make every upgrade fail."""


def fixed(item: Object) -> Any:
    """What the API server refuses to change in an object."""
    if item["kind"] in ("ConfigMap", "Secret"):
        return item.get("immutable") and item["data"]
    spec = item.get("spec", {})
    if item["kind"] not in MUTABLE:
        return None
    return {name: value for name, value in spec.items() if name not in MUTABLE[item["kind"]]}


@pytest.mark.parametrize("name", COMBINATIONS)
def test_the_api_server_takes_the_next_release(name: str) -> None:
    first, *components = COMBINATIONS[name]
    now, after = build(name), objects(first, tuple(components), NEXT)
    held = {key(item): item for item in now}
    changed = {key(item) for item in after if held.get(key(item)) != item}
    assert {("Deployment", "setup"), ("StatefulSet", "ingest")} <= changed
    for item in after:
        if key(item) in held:
            assert fixed(held[key(item)]) == fixed(item), key(item)
    # But for settings, whose names end with a hash, no object comes or goes.
    assert {kind for kind, _ in held.keys() ^ {key(item) for item in after}} == {"ConfigMap"}
    for workload in after:
        if key(workload) in RELEASED or key(workload) == ("Deployment", "setup"):
            ours = [c["image"] for c in containers(workload) if "luotdoc" in c["image"]]
            assert set(ours) <= {"registry.example.org/luotdoc:99.0.0"}


def test_what_the_api_server_refuses_would_be_found() -> None:
    job = {"kind": "Job", "spec": {"template": {"image": "a"}, "backoffLimit": 1}}
    assert fixed(job) != fixed({"kind": "Job", "spec": {"template": {"image": "b"}}})
    ingest = find(build("prod"), "StatefulSet", "ingest")
    labelled = {**ingest, "spec": {**ingest["spec"], "volumeClaimTemplates": []}}
    assert fixed(ingest) != fixed(labelled)
    assert fixed(ingest) == fixed({**ingest, "spec": {**ingest["spec"], "replicas": 9}})


def test_selectors_and_claims_are_those_that_clusters_have() -> None:
    held = build("prod")
    for (kind, name), selector in RELEASED.items():
        assert find(held, kind, name)["spec"]["selector"] == {"matchLabels": selector}
    ingest = find(held, "StatefulSet", "ingest")["spec"]
    assert ingest["serviceName"] == "ingest-pods"
    assert ingest["podManagementPolicy"] == "Parallel"
    assert ingest["volumeClaimTemplates"] == [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "spool", "labels": {"app.kubernetes.io/part-of": "luotdoc"}},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "volumeMode": "Filesystem",
                "resources": {"requests": {"storage": "1Gi"}},
            },
        }
    ]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_no_object_runs_once_or_goes_away_by_itself(name: str) -> None:
    for item in build(name):
        assert item["kind"] not in ("Job", "CronJob", "Pod"), key(item)
        assert "ttlSecondsAfterFinished" not in str(item)
        assert "generateName" not in item["metadata"], "kubectl apply refuses it"


@pytest.mark.parametrize("name", COMBINATIONS)
def test_setup_runs_at_every_start_of_its_only_pod_and_before_it_counts_as_ready(name: str) -> None:
    setup = find(build(name), "Deployment", "setup")
    assert setup["spec"]["replicas"] == 1
    assert setup["spec"]["strategy"] == {"type": "Recreate"}
    *_, last = pod_spec(setup)["initContainers"]
    assert last["command"] == ["python", "-m", "shared.setup"]
    (idle,) = pod_spec(setup)["containers"]
    assert idle["command"] == ["sleep", "infinity"]
    assert "env" not in idle
    assert "envFrom" not in idle


QUANTITY = re.compile(r"[1-9][0-9]*(m|Ki|Mi|Gi|Ti)?")


def quantities(item: Any) -> list[str]:
    """Every quantity under `requests` and `limits`."""
    if isinstance(item, list):
        return [found for one in item for found in quantities(one)]
    if not isinstance(item, dict):
        return []
    here = [
        str(value)
        for name in ("requests", "limits")
        if isinstance(item.get(name), dict)
        for value in item[name].values()
    ]
    return here + [found for one in item.values() for found in quantities(one)]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_quantities_are_written_as_the_api_server_stores_them(name: str) -> None:
    """1000m is stored as 1 and 1024Mi as 1Gi, which Argo CD shows as a difference."""
    for text in quantities(build(name)):
        match = QUANTITY.fullmatch(text)
        assert match, text
        number, unit = int(text.removesuffix(match[1] or "")), match[1]
        assert not (unit == "m" and number % 1000 == 0), text
        assert not (unit and unit != "m" and number % 1024 == 0), text


@pytest.mark.parametrize("name", COMBINATIONS)
def test_every_object_says_what_it_is_and_of_which_release(name: str) -> None:
    wanted = {
        "app.kubernetes.io/instance": "luotdoc",
        "app.kubernetes.io/version": VERSION,
        "app.kubernetes.io/managed-by": "kustomize",
        "app.kubernetes.io/part-of": "luotdoc",
    }
    held = build(name)
    for item in held:
        assert wanted.items() <= item["metadata"]["labels"].items(), key(item)
    for workload in workloads(held):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert wanted.items() <= labels.items()
        if workload["metadata"]["name"] not in ("rabbitmq", "mongodb"):
            both = {"app.kubernetes.io/name", "app.kubernetes.io/component"}
            assert both <= labels.keys() & workload["metadata"]["labels"].keys()
        selector = workload["spec"]["selector"]["matchLabels"]
        assert selector == {"app.kubernetes.io/name": workload["metadata"]["name"]}


def test_the_example_of_a_cluster_names_this_release() -> None:
    images = {c["image"] for w in workloads(build("prod")) for c in containers(w)}
    assert f"luotdoc:{VERSION}" in images


def selection(held: list[Object], line: str) -> set[tuple[str, str]]:
    """What a line of the guide applies: `kubectl apply -k OVERLAY`, or with `--selector`."""
    match = re.search(r"--selector '(\S+) (notin|in) \((.*)\)'", line)
    if not match:
        return {key(item) for item in held}
    label, operator, names = match[1], match[2], match[3].split(", ")
    return {
        key(item)
        for item in held
        if (item["metadata"]["labels"].get(label) in names) == (operator == "in")
    }


@pytest.mark.parametrize("name", ["prod", "own Gateways", "everything"])
def test_the_steps_from_0_1_0_route_reads_to_the_gateway_when_it_can_find_an_ingest(
    name: str,
) -> None:
    section = (ROOT / "docs/operations.md").read_text().partition("**From 0.1.0 on Kubernetes**")[2]
    lines = section.partition("```sh\n")[2].partition("```")[0].splitlines()
    held = build(name)
    first, ingests, gateways, reads, whole = (
        selection(held, line) for line in lines if line.startswith("kubectl apply -k OVERLAY")
    )
    assert {("Deployment", n) for n in ("setup", "counter", "render", "stats")} <= first
    assert {"ConfigMap", "NetworkPolicy", "ServiceAccount"} <= {kind for kind, _ in first}
    assert {("StatefulSet", "ingest"), ("Service", "ingest-pods")} <= ingests
    assert {("Deployment", "gateway"), ("Service", "gateway")} <= gateways
    assert not first & (ingests | gateways)
    routes = {named for named in whole if named[0] == "HTTPRoute"}
    assert whole == {key(item) for item in held}
    # Both old and new routes have reads for a moment, and the older one wins.
    assert reads == {("HTTPRoute", "public-reads")} < routes
    assert not routes & (first | ingests | gateways)
    waits = [n for n, line in enumerate(lines) if "rollout status" in line]
    orphan = next(n for n, line in enumerate(lines) if "--cascade=orphan" in line)
    assert [lines[n].split()[6] for n in waits] == ["setup", "counter", "ingest", "gateway"]
    assert waits[1] < orphan < waits[2], "counters take batches of version 2 before ingests send"
