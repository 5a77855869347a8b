"""docker-compose.yml: users, images, profiles, and what it mounts. No engine is asked."""

import re
import subprocess
from pathlib import Path

import yaml

from tests.contract.test_manifests import COMPOSE, SETTINGS
from tests.support.guide import block
from tests.support.system import ROOT


def test_both_counters_of_compose_are_the_same() -> None:
    assert COMPOSE["services"]["counter-2"] == {**COMPOSE["services"]["counter"], "ports": []}


def test_images_that_compose_pulls_have_a_full_version() -> None:
    pulled = {s["image"] for s in COMPOSE["services"].values() if "build" not in s}
    assert [name for name in pulled if not re.search(r":v?\d+\.\d+\.\d+$", name)] == []


def test_the_users_of_compose_are_made_before_setup_needs_them() -> None:
    services = COMPOSE["services"]
    for name in ("rabbitmq-init", "mongodb-init"):
        assert services["setup"]["depends_on"][name]["condition"] == (
            "service_completed_successfully"
        )
        told = set(services[name]["environment"])
        assert {f"{user.upper()}_PASSWORD" for user in SETTINGS} <= told
    script = (ROOT / "deploy/rabbitmq/users.sh").read_text()
    (users,) = re.findall(r"^for user in (.+); do$", script, re.MULTILINE)
    assert set(users.split()) == set(SETTINGS)


def test_a_demand_for_a_login_at_mongodb_is_part_of_its_command() -> None:
    mongodb = COMPOSE["services"]["mongodb"]
    (secret,) = mongodb["secrets"]
    assert mongodb["command"][-2:] == ["--keyFile", f"/run/secrets/{secret['target']}"]
    assert (secret["uid"], secret["mode"]) == ("999", 0o400)  # else mongod refuses the key
    assert COMPOSE["secrets"] == {secret["source"]: {"environment": "MONGODB_PASSWORD"}}


def test_prometheus_of_compose_scrapes_every_replica() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    scraped = {
        target
        for job in config["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    ours = {
        f"{name}:8000"
        for name, service in COMPOSE["services"].items()
        if service.get("command", [])[:2] == ["python", "-m"] and "ports" in service
    }
    assert scraped == ours | {"gateway:8404", "rabbitmq:15692"}
    assert not {"prometheus", "gateway"} - set(COMPOSE["services"])
    reached = set(COMPOSE["services"]["prometheus"]["networks"])
    for name in {target.partition(":")[0] for target in scraped}:
        assert reached & set(COMPOSE["services"][name]["networks"])
    mounts = COMPOSE["services"]["prometheus"]["volumes"]
    assert "./deploy/prometheus:/etc/prometheus:ro" in mounts


def test_grafana_of_compose_shows_the_dashboards_and_has_no_password() -> None:
    grafana = COMPOSE["services"]["grafana"]
    folder = ROOT / "deploy/grafana/provisioning"
    (provider,) = yaml.safe_load((folder / "dashboards/luotdoc.yml").read_text())["providers"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    sources = (folder / "datasources/luotdoc.yml").read_text()
    assert set(re.findall(r"\$\{(\w+)\}", sources)) <= set(grafana["environment"])
    assert grafana["environment"]["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert grafana["environment"]["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


def test_the_command_of_the_guide_fills_in_every_password(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    subprocess.run(
        ["sh", "-euc", block("docs/operations.md", ".env.example")], cwd=tmp_path, check=True
    )
    made = tmp_path / ".env"
    assert made.stat().st_mode & 0o777 == 0o600
    passwords = re.findall(r"^\w+_PASSWORD=([0-9a-f]{48})$", made.read_text(), re.MULTILINE)
    assert len(set(passwords)) == len(passwords) == 7
    kept = re.sub(r"(?<=_PASSWORD=)[0-9a-f]{48}$", "", made.read_text(), flags=re.MULTILINE)
    assert kept == (ROOT / ".env.example").read_text()
