"""The operators' guide lists every key of the site's file."""

import re
from pathlib import Path

from services.render.site.model import WholeSite
from shared.base.site_file import read_site
from tests.support.site_keys import key_table, site_keys
from tests.support.system import ROOT

GUIDE = (ROOT / "docs/operations.md").read_text()


def test_the_guide_has_a_row_for_each_key_with_its_meaning() -> None:
    assert f"\n{key_table(WholeSite)}\n" in GUIDE


def test_every_key_has_a_meaning_of_its_own() -> None:
    keys = dict(site_keys(WholeSite))
    assert len(keys) > 50
    assert not [key for key, meaning in keys.items() if len(meaning) < 5 or meaning == "None"]
    assert {"sections.SLUG.within", "map.districts.ID.tag", "front[].block", "menu[].url"} <= {
        *keys
    }


def test_the_guide_s_example_is_a_site_s_file(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(name = .*?)```", GUIDE, re.DOTALL)
    path = tmp_path / "site.toml"
    path.write_text(example)
    site = read_site(path, WholeSite).site
    assert isinstance(site, WholeSite)
    assert site.section("kinh-te").name.said_in("en") == "Economy"
    assert [entry.slug for entry in site.entries] == ["thoi-su", "kinh-te"]
