"""The texts of the site's file and of settings have one form, however an editor's system writes
them: each letter in each way makes the same site.
"""

import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest

from services.render.settings import RenderSettings
from services.render.site.model import WholeSite
from services.render.site.sites import site_of
from shared.base.site_file import read_site
from shared.base.words import SiteText
from tests.support.vietnamese import WAYS
from tests.support.vietnamese_site import composed, site_file, tags_in, written

WHOLE = written(composed)


def site_in(folder: Path, way: str) -> WholeSite:
    """The site whose file has every letter in a way."""
    site = read_site(site_file(folder, WAYS[way]), WholeSite).site
    assert isinstance(site, WholeSite)
    return site


@pytest.mark.parametrize("way", WAYS)
def test_every_text_of_the_site_has_one_form(tmp_path: Path, way: str) -> None:
    site = site_in(tmp_path, way)
    foot, section = site.footer, site.section("thoi-su")
    texts = {
        *(site.name, site.tagline, section.name, section.description, site.links[0].name),
        *(foot.body, foot.editor, foot.licence, foot.address, site.entries[1].name),
        site.blocks[0].text,
    }
    assert texts == {SiteText(WHOLE)}
    assert site.map is not None
    drawing = site.map.drawing("vi", "")
    assert unicodedata.normalize("NFC", drawing) == drawing
    assert drawing.count(WHOLE) == 5  # with the district's label
    tag = tags_in(composed)[0]
    (area,) = site.map.areas("vi", "").values()
    assert (area.name, area.url) == (WHOLE, f"/tu-khoa/{quote(tag.casefold())}/")


def test_the_same_site_has_the_same_templates_version(tmp_path: Path) -> None:
    """Else pages would be rendered again for nothing."""
    told = {repr(site_in(tmp_path, way).model_dump(exclude={"map"})) for way in WAYS}
    assert len(told) == 1


@pytest.mark.parametrize("way", WAYS)
def test_texts_of_settings_have_one_form(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    text = written(WAYS[way])
    given = {
        "SITE_NAME": text, "SITE_TAGLINE": text, "SITE_ADDRESS": text,
        "SECTIONS": f"thoi-su={text}", "LINKS": f"{text}=https://h.vn/",
        "AMQP_URL": "amqp://a@h", "MONGO_URL": "mongodb://h/d?replicaSet=r",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"LUOTDOC_{name}", value)
    site = site_of(RenderSettings())
    found = (site.name, site.tagline, site.address, site.section("thoi-su").name)
    assert {*found, site.links[0].name} == {SiteText(WHOLE)}
