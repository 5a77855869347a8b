"""Each alert has a fault that makes it fire on a real stack; the copy of the rules in which time
passes faster changes times alone.
"""

import re
from pathlib import Path

import yaml

from tests.support.alerts import alerts
from tests.watch.__main__ import FAULTS as ROOMS
from tests.watch.exporter import LABELS
from tests.watch.rules import FACTOR, faster, faster_expression, shortened

FAULTS = [fault for faults in ROOMS.values() for fault in faults]


def test_each_alert_has_a_fault() -> None:
    known = {alert.name for alert in alerts()}
    assert {name for fault in FAULTS for name in fault.alerts} == known
    assert {name for fault in FAULTS for name in fault.consequences} <= known


def test_rules_ask_for_labels_that_mongodb_s_exporter_gives() -> None:
    found = {
        alert.name: {
            label
            for by, matched in re.findall(r'\bby \((\w+)\)|(\w+)=~?"', alert.expression)
            for label in (by, matched)
            if label
        }
        for alert in alerts()
        if "mongodb_" in alert.expression
    }
    assert found == {
        "LuotdocMongoDBDown": {"part_of", "service"},
        "LuotdocMongoDBMemberUnhealthy": {"part_of", "service", "member_idx"},
        "LuotdocMongoDBLags": {"part_of", "service", "member_state"},
    }
    assert set().union(*found.values()) - {"part_of", "service"} <= set(LABELS)


def test_times_of_the_copy_are_divided() -> None:
    assert FACTOR == 20
    assert [faster(text) for text in ("1m", "5m", "1h", "1d", "10s")] == [
        "3s", "15s", "180s", "4320s", "1s",
    ]  # fmt: skip
    assert (
        faster_expression("rate(x[5m]) > 60 and avg_over_time(y[1d] offset 1h) * 3600 > 10")
        == "rate(x[15s]) > 60 and avg_over_time(y[4320s] offset 180s) * 3600 > 10"
    )


def test_the_copy_has_every_rule(tmp_path: Path) -> None:
    files = shortened(tmp_path / "rules")
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    copied = {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}
    assert {alert.name: faster(alert.wait) for alert in alerts()} == {
        name: rule["for"] for name, rule in copied.items()
    }
    assert "> 45" in copied["LuotdocReconciliationStopped"]["expr"]
