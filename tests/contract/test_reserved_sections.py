"""No section of the site is called as a path of a service is: behind one gateway it would hide one
of the two.
"""

import json
import re
from unittest.mock import MagicMock

import pytest

from services.ingest.articles.content import ArticleInput
from services.render.kinds.search_routes import search_routes
from services.render.kinds.table import make_routes
from shared.base.path_names import PATH_NAMES, RESERVED_SECTIONS
from shared.web import state
from tests.support.system import ROOT

OF_EVERY_SERVICE = {"livez", "metrics", "readyz"}
"""What `shared.web.app` answers."""
SECTION = "([a-z0-9-]{1,100})"


@pytest.mark.parametrize("service", ["ingest", "stats"])
def test_every_path_of_the_api_is_reserved(service: str) -> None:
    paths = json.loads((ROOT / f"docs/openapi/{service}.json").read_text())["paths"]
    first = {path.split("/")[1].partition(".")[0] for path in paths}
    assert first >= OF_EVERY_SERVICE
    assert first <= PATH_NAMES[service]
    assert "state" in first or service != "stats"


def test_every_path_of_the_pages_is_reserved() -> None:
    """The routes' first segments that are followed by a slash, as a section's is."""
    parts = MagicMock()
    search = search_routes(parts, MagicMock(), MagicMock())
    routes = make_routes(parts, MagicMock(), MagicMock(), search)
    patterns = [each.pattern.pattern for each in routes.table]
    first = {found[1] for pattern in patterns if (found := re.match(r"/([^/]+)/", pattern))}
    assert SECTION in first
    named = (first - {SECTION}) | {state.PATH.strip("/")} | OF_EVERY_SERVICE
    assert {"static", "media", "luu-tru", "tu-khoa"} <= named
    assert {name.replace("\\", "") for name in named} <= PATH_NAMES["render"] | {".well-known"}


def test_a_reserved_name_is_reserved_for_a_service() -> None:
    assert set(PATH_NAMES) == {"ingest", "render", "stats", "counter", "later"}
    assert frozenset().union(*PATH_NAMES.values()) == RESERVED_SECTIONS
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in RESERVED_SECTIONS)
    schema = ArticleInput.model_json_schema()["properties"]["section"]
    assert set(schema["not"]["enum"]) == RESERVED_SECTIONS
