"""No section of the site is called as a path of a service is: behind one gateway it would hide one
of the two.
"""

import json

import pytest

from services.ingest.articles.content import RESERVED_SECTIONS
from tests.support.system import ROOT


@pytest.mark.parametrize("service", ["ingest", "stats"])
def test_every_path_of_the_api_is_reserved(service: str) -> None:
    paths = json.loads((ROOT / f"docs/openapi/{service}.json").read_text())["paths"]
    first = {path.split("/")[1].partition(".")[0] for path in paths}
    assert {"livez", "readyz", "metrics"} <= first
    assert first <= RESERVED_SECTIONS
    assert "state" in first or service != "stats"


def test_every_path_of_the_pages_is_reserved() -> None:
    files = [ROOT / f"services/render/{name}.py" for name in ("server", "paths")]
    source = "".join(file.read_text() for file in files)
    fixed = {
        word for word in ("static", "media", "feed", "sitemap", "robots") if f"/{word}" in source
    }
    assert {"static", "media"} <= fixed <= RESERVED_SECTIONS
