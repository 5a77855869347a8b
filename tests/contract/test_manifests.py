"""Image, compose file and Kubernetes manifests fit the code and one another. No server or cluster
is asked.
"""

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.gateway import BACKENDS, servers
from luotdoc_subscriber.base.settings import PREFIX
from services.counter.settings import CounterSettings
from services.ingest.settings import IngestSettings
from services.render.settings import RenderSettings
from services.render.site.model import WholeSite
from services.stats.settings import StatsSettings
from shared.base.settings import Settings, load_settings
from shared.base.site_file import read_site
from tests.support.manifests import (
    COMBINATIONS,
    K8S,
    build,
    containers,
    find,
    pod_spec,
    workloads,
)

ROOT = Path(__file__).parents[2]
BASE = K8S / "base"
OVERLAYS = sorted((K8S / "overlays").iterdir())
SETTINGS: dict[str, type[Settings]] = {
    "render": RenderSettings,
    "ingest": IngestSettings,
    "counter": CounterSettings,
    "stats": StatsSettings,
    "setup": Settings,
}
SERVICES = sorted(set(SETTINGS) - {"setup"})
MODULES = {**{name: f"services.{name}" for name in SERVICES}, "setup": "shared.setup"}
NAME = "app.kubernetes.io/name"
SECRETS = {
    "LUOTDOC_AMQP_URL": "amqp://luotdoc:secret@rabbitmq/",
    "LUOTDOC_MONGO_URL": "mongodb://mongodb/luotdoc?replicaSet=luotdoc",
    "LUOTDOC_TOKENS": f"cms:articles+reads:{'0' * 64}",
}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
IMAGE = dict(re.findall(r"(LUOTDOC_\w+)=(\S+)", DOCKERFILE))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def literals(folder: Path) -> dict[str, str]:
    """The ConfigMap of a base or overlay."""
    (generator,) = yaml.safe_load((folder / "kustomization.yaml").read_text())["configMapGenerator"]
    return dict(entry.split("=", 1) for entry in generator["literals"])


SITE_FOLDER = "${SITE_FOLDER:-./deploy/local/samples/site}:/etc/luotdoc/site:ro"
OBJECTS = build("base alone")
WORKLOADS = {o["metadata"]["name"]: o for o in workloads(OBJECTS)}


def pod(name: str) -> dict[str, Any]:
    return pod_spec(WORKLOADS[name])


def container(name: str) -> dict[str, Any]:
    """The container that runs our module; setup's other one only keeps the pod."""
    return containers(WORKLOADS[name])[0]


def told(name: str, overlay: Path) -> dict[str, str]:
    """The environment of a pod."""
    environment = {**IMAGE, **literals(BASE), **literals(overlay)}
    for entry in container(name)["env"]:
        source = entry["valueFrom"]
        secret = source.get("secretKeyRef", {})
        if secret.get("name") in ("luotdoc-amqp", "luotdoc-mongo"):
            assert secret["key"] == name  # each logs in as its own user
        environment[entry["name"]] = SECRETS[entry["name"]] if secret else f"{name}-0"
    return environment


def read_settings(
    monkeypatch: pytest.MonkeyPatch, name: str, environment: dict[str, str]
) -> Settings:
    for variable in [v for v in os.environ if v.startswith(PREFIX)]:
        monkeypatch.delenv(variable)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    return load_settings(SETTINGS[name])


def unknown(environment: dict[str, str]) -> set[str]:
    fields = {PREFIX + field.upper() for kind in SETTINGS.values() for field in kind.model_fields}
    return {variable for variable in environment if variable.startswith(PREFIX)} - fields


def test_every_file_is_in_a_kustomization() -> None:
    for kustomization in K8S.rglob("kustomization.yaml"):
        held = yaml.safe_load(kustomization.read_text())
        named = [
            *held.get("resources", ()),
            *(patch["path"] for patch in held.get("patches", ()) if "path" in patch),
            *(file for one in held.get("configMapGenerator", ()) for file in one.get("files", ())),
        ]
        there = {path.name for path in kustomization.parent.iterdir() if path.is_file()}
        assert there == {"kustomization.yaml", *(name for name in named if "/" not in name)}
    taken = {component for names in COMBINATIONS.values() for component in names[1:]}
    overlays = [yaml.safe_load((path / "kustomization.yaml").read_text()) for path in OVERLAYS]
    taken |= {Path(path).name for overlay in overlays for path in overlay["components"]}
    assert taken == {path.name for path in (K8S / "components").iterdir()}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_pod_runs_its_module_and_nothing_else(name: str) -> None:
    assert container(name)["command"] == ["python", "-m", MODULES[name]]
    assert find_spec(MODULES[name])


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: str(path.name))
def test_a_pod_is_told_usable_settings(
    monkeypatch: pytest.MonkeyPatch, name: str, overlay: Path
) -> None:
    environment = told(name, overlay)

    settings = read_settings(monkeypatch, name, environment)

    assert not unknown(environment)
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)
    assert ("LUOTDOC_TOKENS" in environment) == (name == "ingest")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_pod_may_do_no_more_than_it_must(name: str) -> None:
    spec, one = pod(name), container(name)
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["serviceAccountName"] == name
    assert find(OBJECTS, "ServiceAccount", name)["automountServiceAccountToken"] is False
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(one["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in one["resources"]["limits"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_asked_how_it_is_and_given_time_to_stop(name: str) -> None:
    one = container(name)
    assert one["ports"] == [{"name": "http", "containerPort": 8000, "protocol": "TCP"}]
    assert one["startupProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    assert one["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    assert one["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    before = int(one["lifecycle"]["preStop"]["exec"]["command"][1]) if "lifecycle" in one else 0
    assert pod(name)["terminationGracePeriodSeconds"] >= before + 10
    assert ("lifecycle" in one) == any(
        o["kind"] == "Service" and o["metadata"]["name"] == name for o in OBJECTS
    )


def test_selectors_find_what_they_name() -> None:
    for name, workload in WORKLOADS.items():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert labels == workload["metadata"]["labels"]
        assert labels[NAME] == name
    for item in OBJECTS:
        if item["kind"] in ("Service", "PodDisruptionBudget"):
            selector = item["spec"]["selector"]
            name = item["metadata"]["name"].removesuffix("-pods")
            assert selector.get("matchLabels", selector) == {NAME: name}
            assert name in WORKLOADS
    assert {o["metadata"]["name"] for o in OBJECTS if o["kind"] == "PodDisruptionBudget"} == set(
        SERVICES
    )


def test_the_spool_lies_on_a_volume_of_its_own() -> None:
    ingest = WORKLOADS["ingest"]
    assert ingest["kind"] == "StatefulSet"
    (mount,) = container("ingest")["volumeMounts"]
    (claim,) = ingest["spec"]["volumeClaimTemplates"]
    assert mount == {"name": claim["metadata"]["name"], "mountPath": IMAGE["LUOTDOC_SPOOL_DIR"]}
    assert COMPOSE["services"]["ingest"]["volumes"] == [
        SITE_FOLDER,
        f"spool:{IMAGE['LUOTDOC_SPOOL_DIR']}",
    ]
    assert f"{IMAGE['LUOTDOC_SPOOL_DIR']}\n" in DOCKERFILE  # the image makes it, with its owner


@pytest.mark.parametrize("name", SETTINGS)
def test_compose_tells_usable_settings(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    given = {f"{name.upper()}_PASSWORD": "secret", "LUOTDOC_TOKENS": SECRETS["LUOTDOC_TOKENS"]}
    service = COMPOSE["services"][name]
    environment = {
        **IMAGE,
        **{
            variable: re.sub(
                r"\$\{(\w+):([-?])([^}]*)\}", lambda m: given[m[1]] if m[2] == "?" else m[3], value
            )
            for variable, value in service["environment"].items()
            if value is not None  # without a value in .env compose doesn't set it
        },
    }

    settings = read_settings(monkeypatch, name, environment)

    assert not unknown(environment)
    for url in (settings.amqp_url, settings.mongo_url):
        assert url.partition("://")[2].startswith(f"{name}:secret@")
    assert service["command"] == ["python", "-m", MODULES[name]]
    if name != "setup":
        assert service["ports"] == [
            f"127.0.0.1:{SETTINGS[name].model_fields['port'].default}:{settings.port}"
        ]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_reads_the_site_s_file_where_it_is_mounted(name: str) -> None:
    assert COMPOSE["services"][name]["volumes"][0] == SITE_FOLDER
    assert COMPOSE["services"][name]["environment"]["LUOTDOC_SITE"] is None
    assert "#LUOTDOC_SITE=/etc/luotdoc/site/site.toml\n" in (ROOT / ".env.example").read_text()
    held = build("prod")
    workload = next(o for o in workloads(held) if o["metadata"]["name"] == name)
    (one,) = containers(workload)
    assert {"name": "LUOTDOC_SITE", "value": "/etc/luotdoc/site/site.toml"} in one["env"]
    mount = {"name": "site", "mountPath": "/etc/luotdoc/site", "readOnly": True}
    assert mount in one["volumeMounts"]
    assert pod_spec(workload)["volumes"][-1] == {
        "name": "site",
        "configMap": {"name": "luotdoc-site"},
    }
    assert "LUOTDOC_SITE" not in {each["name"] for each in container(name)["env"]}


def test_the_example_of_a_site_s_file_on_kubernetes_is_one(tmp_path: Path) -> None:
    data = find(build("prod"), "ConfigMap", "luotdoc-site")["data"]
    assert list(data) == ["site.toml"]
    path = tmp_path / "site.toml"
    path.write_text(data["site.toml"])
    site = read_site(path, WholeSite).site
    assert (site.name, site.base_url, site.time_zone) == ("Cổng thông tin điện tử", None, None)


GATEWAY = ROOT / "deploy/k8s/components/gateway"


def test_the_gateway_names_every_pod_that_ingest_may_have() -> None:
    text = (GATEWAY / "servers.cfg").read_text()
    domain = "ingest-pods.${NAMESPACE}.svc.${CLUSTER_DOMAIN-cluster.local}:8000"
    assert re.findall(r'server (ingest-\d+) "ingest-\d+\.(\S+)"', text) == [
        (f"ingest-{n}", domain) for n in range(20)
    ]
    assert re.findall(r'"(ingest-\d+)\.', text) == [f"ingest-{n}" for n in range(20)]
    assert WORKLOADS["ingest"]["spec"]["serviceName"] == "ingest-pods"
    (pods,) = [
        o for o in OBJECTS if o["kind"] == "Service" and o["metadata"]["name"] == "ingest-pods"
    ]
    assert pods["spec"]["clusterIP"] == "None"
    assert pods["spec"]["publishNotReadyAddresses"]


def test_gateways_have_the_same_backends_everywhere() -> None:
    k8s = (GATEWAY / "servers.cfg").read_text()
    compose = (ROOT / "deploy/compose/servers.cfg").read_text()
    mounted = "./deploy/compose/servers.cfg:/etc/gateway/servers.cfg:ro"
    assert mounted in COMPOSE["services"]["gateway"]["volumes"]
    assert "configs" not in COMPOSE, "compose writes no inline text into a read-only container"
    local = servers({service: [("one", "127.0.0.1:1")] for service in BACKENDS.values()})
    wanted = [("reads", "reads"), *((name, "http") for name in BACKENDS if name != "reads")]
    for text in (k8s, compose, local):
        assert re.findall(r"^backend (\w+) from (\w+)$", text, re.MULTILINE) == wanted
    assert set(re.findall(r"(\S+):8000", compose)) <= set(COMPOSE["services"])
    named = re.findall(
        r"use_backend (\w+)|default_backend (\w+)", (GATEWAY / "haproxy.cfg").read_text()
    )
    assert {one or other for one, other in named} == set(BACKENDS)


def test_the_gateway_may_do_no_more_than_it_must_and_is_what_compose_runs() -> None:
    workload = find(build("prod"), "Deployment", "gateway")
    spec = workload["spec"]["template"]["spec"]
    (one,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert one["securityContext"] == container("ingest")["securityContext"]
    (image,) = yaml.safe_load((GATEWAY / "kustomization.yaml").read_text())["images"]
    assert COMPOSE["services"]["gateway"]["image"] == f"{image['name']}:{image['newTag']}"
    assert COMPOSE["services"]["gateway"]["command"] == one["command"]
    ports = [str(port["containerPort"]) for port in one["ports"]]
    assert re.findall(r"BIND-:(\d+)", (GATEWAY / "haproxy.cfg").read_text()) == ports


def test_both_ingests_of_compose_differ_by_their_name() -> None:
    first, second = COMPOSE["services"]["ingest"], COMPOSE["services"]["ingest-2"]
    differ = {"LUOTDOC_INSTANCE": "ingest-2"}
    assert second == {**first, "ports": [], "environment": {**first["environment"], **differ}}
    assert first["environment"]["LUOTDOC_TRUSTED_PROXIES"]


def test_compose_waits_for_what_it_starts() -> None:
    services = COMPOSE["services"]
    assert set(services) == {
        *SETTINGS,
        "ingest-2",
        "counter-2",
        "gateway",
        "rabbitmq",
        "rabbitmq-init",
        "mongodb",
        "mongodb-init",
        "samples",
        "prometheus",
        "grafana",
    }
    for service in services.values():
        for other, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert "test" in services[other]["healthcheck"]
            else:
                assert wanted["condition"] == "service_completed_successfully"
                assert services[other].get("restart", "on-failure") == "on-failure"
        assert set(service.get("networks", ())) <= set(COMPOSE["networks"])
        assert ("networks" in service) != ("network_mode" in service)
        for volume in service.get("volumes", ()):
            default = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume)
            source = default.partition(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists()
    assert "ports" not in services["mongodb"]
    assert services["rabbitmq"]["ports"] == [
        "127.0.0.1:5672:5672"
    ]  # for subscribers on the machine
    profiled = {name: one["profiles"] for name, one in services.items() if "profiles" in one}
    assert profiled == {
        "samples": ["demo", "samples"],
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
    }


def test_definitions_are_for_the_users_that_the_manifests_name_and_hold_no_secret() -> None:
    folder = ROOT / "deploy/rabbitmq"
    held = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    granted = [
        {granting["user"] for granting in definitions["permissions"]}
        for definitions in held
        if "permissions" in definitions
    ]
    assert granted == [set(SETTINGS), {"NAME"}]
    assert all(
        set(definitions)
        <= {"permissions", "topic_permissions", "policies", "parameters", "queues", "bindings"}
        for definitions in held
    )


def test_secrets_are_asked_for_and_not_kept() -> None:
    wanted = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    example = (ROOT / ".env.example").read_text()
    users = {f"{name.upper()}_PASSWORD" for name in SETTINGS}
    assert wanted == users | {"RABBITMQ_PASSWORD", "MONGODB_PASSWORD", "LUOTDOC_TOKENS"}
    assert set(re.findall(r"^(\w+)=$", example, re.MULTILINE)) == wanted
    assert not re.findall(r"^\w+=.+$", example, re.MULTILINE)
    assert ".env" in (ROOT / ".gitignore").read_text().split()
    assert (ROOT / ".dockerignore").read_text().split("\n")[1] == "*"
    manifests = [
        document for path in (ROOT / "deploy/k8s").rglob("*.yaml") for document in documents(path)
    ]
    assert not [d for d in manifests if d["kind"] == "Secret" or "secretGenerator" in d]


def test_the_image_is_made_from_what_is_locked_and_runs_as_nobody() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(bases) == {"${PYTHON_IMAGE}"}
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)
    assert "--require-hashes" in DOCKERFILE
    assert "USER 10001:10001" in DOCKERFILE
    assert "/livez" in DOCKERFILE
    for name in SERVICES:
        assert f"services.{name}.app" in DOCKERFILE
