"""The stand-in for MongoDB's exporter, which the alerts' faults use, beside a real member."""

import time
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import ports
from deploy.local.database import Database
from deploy.local.database_users import ADMINISTRATOR
from tests.watch.exporter import LABELS, Exporter

Samples = list[tuple[str, str, dict[str, str], float]]


def scraped(member: Database, password: str) -> Samples:
    """Name, type, labels and value of each sample."""
    exporter = Exporter(member, ADMINISTRATOR, password)
    exporter.start()
    try:
        text = httpx.get(f"http://{ports.HOST}:{exporter.port}/metrics").raise_for_status().text
    finally:
        exporter.stop()
    return [
        (sample.name, family.type, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def test_the_exporter_tells_what_a_member_answers(database: Database) -> None:
    up, health, optime = scraped(database, database.password)
    assert up == ("mongodb_up", "gauge", {"cluster_role": "mongod"}, 1.0)
    labels = {
        "member_idx": f"{ports.HOST}:{database.port}",
        "member_state": "PRIMARY",
        "rs_nm": "luotdoc",
    }
    assert list(labels) == LABELS
    assert health == ("mongodb_rs_members_health", "unknown", labels, 1.0)
    assert optime[:3] == ("mongodb_rs_members_optimeDate", "unknown", labels)
    # An idle primary writes a note every ten seconds.
    assert -60 < optime[3] / 1000 - time.time() < 1


def test_the_exporter_of_a_member_that_is_away_says_so_alone(tmp_path: Path) -> None:
    away = scraped(Database(tmp_path / "away"), "any")
    assert away == [("mongodb_up", "gauge", {"cluster_role": ""}, 0.0)]
