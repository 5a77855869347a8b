"""Every scrape of ours gives each series the labels by which rules and panels find it."""

from typing import Any

import pytest
import yaml

from tests.support.manifests import COMBINATIONS, build
from tests.support.prometheus import PART_OF, Target
from tests.support.system import ROOT


def added(relabelings: list[dict[str, Any]]) -> dict[str, str]:
    """The labels that a PodMonitor adds, and from where, or what."""
    return {
        rule["targetLabel"]: rule.get("replacement") or ",".join(rule["sourceLabels"])
        for rule in relabelings
    }


@pytest.mark.parametrize("name", sorted(COMBINATIONS))
def test_each_pod_monitor_gives_our_label_a_service_and_the_pod_s_name(name: str) -> None:
    monitors = [item for item in build(name) if item["kind"] == "PodMonitor"]
    for endpoint in (each for item in monitors for each in item["spec"]["podMetricsEndpoints"]):
        labels = added(endpoint["relabelings"])
        assert labels.items() >= PART_OF.items()
        assert labels["service"]
        assert labels["instance"] == "__meta_kubernetes_pod_name"


def test_the_cluster_s_monitors_exist() -> None:
    kinds = [item["kind"] for item in build("prod, watched, with KEDA")]
    assert kinds.count("PodMonitor") >= 2


def test_prometheus_of_compose_gives_our_label_and_the_job_as_service() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    for job in config["scrape_configs"]:
        for group in job["static_configs"]:
            assert group["labels"] == PART_OF | {"service": job["job_name"]}


def test_prometheus_of_the_tests_gives_the_same_labels() -> None:
    assert Target("127.0.0.1:1", "render", "render-1").labels() == PART_OF | {
        "service": "render",
        "instance": "render-1",
    }
