"""Articles into HTML: every field in its place, nothing that an editor types taken for markup."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import html as lxml_html

from services.ingest.content import sanitise
from services.render.pages import ASIDE, READS, Named, Renderer, number, path_of, scrollable_tables, site_of
from services.render.settings import RenderSettings
from shared.events import ArticlePublished, Image

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
