"""What the documents name exists: settings, metrics, files, parked reasons and queues."""

import re
from pathlib import Path

import pytest

from services.counter.settings import CounterSettings
from services.ingest.settings import IngestSettings
from services.render.settings import RenderSettings
from services.stats.settings import StatsSettings
from shared.rabbit import topology
from tests.support.alerts import exposed

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DESK = {"LUOTDOC_RABBITMQ_SERVER", "LUOTDOC_MONGOD"}
"""Variables of the local stack; all others are settings of a service."""


def known_settings() -> set[str]:
    kinds = (RenderSettings, IngestSettings, CounterSettings, StatsSettings)
    return {f"LUOTDOC_{field.upper()}" for kind in kinds for field in kind.model_fields} | DESK


def known_metrics() -> set[str]:
    return set().union(*exposed().values())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_metrics_and_links_lead_somewhere(document: Path) -> None:
    text = document.read_text()

    assert set(re.findall(r"\bLUOTDOC_[A-Z_]*[A-Z]\b", text)) <= known_settings()
    named = set(re.findall(r"\bluotdoc_[a-z_]*[a-z]\b", text)) - {
        "luotdoc_events",
        "luotdoc_subscriber",
    }  # packages
    assert {name.removesuffix("_bucket") for name in named} <= known_metrics()
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in link and not link.endswith(".png"):
            assert (document.parent / link).exists(), link


def test_the_readme_names_every_port() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, kind in (
        ("render", RenderSettings),
        ("ingest", IngestSettings),
        ("counter", CounterSettings),
    ):
        assert f"| `{name}` | {kind.model_fields['port'].default} |" in readme


def test_the_guide_for_operators_names_every_parked_queue_and_reason() -> None:
    guide = (ROOT / "docs/operations.md").read_text()
    for work in topology.WORK_QUEUES:
        assert f"`{work.parked.name}`" in guide
    raised = {
        reason
        for folder in ("luotdoc_events", "luotdoc_subscriber", "services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for reason in re.findall(r'\bPermanent\("(\w+)"', path.read_text())
    }
    for reason in {*raised, "bug"}:
        assert f"`{reason}`" in guide
