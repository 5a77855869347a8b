"""Kubernetes objects as a team would apply them: `kubectl kustomize` of an overlay or of the base
with components.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support.system import ROOT

K8S = ROOT / "deploy/k8s"
KUBECTL = shutil.which("kubectl", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
"""The environment's own; else one of the machine, of which 1.27 or newer will do."""

Object = dict[str, Any]

COMBINATIONS: dict[str, tuple[str, ...]] = {
    "prod": ("overlays/prod",),
    "local": ("overlays/local",),
    "base alone": ("base",),
    "own Gateways": ("base", "gateway", "gateway-api"),
    "Envoy Gateway": ("base", "routes", "affinity-envoy"),
    "Envoy Gateway, own Gateways": ("base", "gateway-api", "affinity-envoy"),
    "NGINX Gateway Fabric": ("base", "routes", "affinity-nginx"),
    "NGINX Gateway Fabric, own Gateways": ("base", "gateway-api", "affinity-nginx"),
    "prod, watched, with KEDA": ("overlays/prod", "monitoring", "tracing", "keda"),
    "prod, with an autoscaler": ("overlays/prod", "hpa"),
    "prod, operators": ("overlays/prod", "operators", "external-secrets", "digest"),
    "everything": ("base", "gateway", "gateway-api", "site", "monitoring", "tracing", "keda",
                   "operators", "external-secrets", "digest"),
}  # fmt: skip
"""What a team may take: an overlay or the base, then components."""

OPERATED = {
    "rabbitmq": {
        "app.kubernetes.io/name": "rabbitmq",
        "app.kubernetes.io/component": "rabbitmq",
        "app.kubernetes.io/part-of": "rabbitmq",
    },
    "mongodb": {"app": "mongodb-svc"},
}
"""The labels that the operators of `operators` give to the pods of a server, from their sources
(cluster-operator's internal/metadata, mongodb-kubernetes' mongodbstatefulset.go).
"""

WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}


def build(name: str) -> list[Object]:
    """Every object of a combination."""
    first, *components = COMBINATIONS[name]
    return objects(first, tuple(components))


@cache
def objects(first: str, components: tuple[str, ...] = (), more: str = "") -> list[Object]:
    """`kubectl kustomize` of `first` with `components`; `more` is YAML for the kustomization.
    The same list each time: don't change it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.relpath(K8S, folder)
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "namespace": "luotdoc",
            "resources": [f"{path}/{first}"],
            "components": [f"{path}/components/{component}" for component in components],
            **(yaml.safe_load(more) or {}),
        }
        (Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return kustomize(folder)


def written_in(overlay: str, components: tuple[str, ...], more: str = "") -> list[Object]:
    """`kubectl kustomize` of a copy of an overlay, with `components` under its own `components:`
    as docs/operations.md asks for. `more` is YAML for its kustomization.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "overlay"
        shutil.copytree(K8S / overlay, folder)
        path = os.path.relpath(K8S, folder.resolve())
        file = folder / "kustomization.yaml"
        kustomization = yaml.safe_load(file.read_text().replace("../..", path))
        kustomization["components"] += [f"{path}/components/{each}" for each in components]
        file.write_text(yaml.safe_dump(kustomization | (yaml.safe_load(more) or {})))
        return kustomize(str(folder))


def kustomize(folder: str) -> list[Object]:
    """What `kubectl kustomize` makes of a folder. A warning is an error."""
    assert KUBECTL, "no kubectl: `make venv`"
    done = subprocess.run(
        [KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "kustomize warns"
    return list(yaml.load_all(done.stdout, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def key(item: Object) -> tuple[str, str]:
    """Kind and name."""
    return item["kind"], item["metadata"]["name"]


def find(held: list[Object], kind: str, name: str) -> Object:
    """The object of that kind and name. Raises LookupError without it."""
    for item in held:
        if key(item) == (kind, name):
            return item
    raise LookupError(f"{kind} {name}")


def workloads(held: list[Object]) -> list[Object]:
    """Everything that makes pods."""
    return [item for item in held if item["kind"] in WORKLOADS]


def pod_spec(workload: Object) -> Object:
    """The spec of a workload's pods."""
    spec: Object = workload["spec"]["template"]["spec"]
    return spec


def containers(workload: Object) -> list[Object]:
    """Every container of a workload's pods, those of the start included."""
    spec = pod_spec(workload)
    return [*spec.get("initContainers", ()), *spec["containers"]]
