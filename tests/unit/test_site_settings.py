"""The site's file and the settings: it stands in their place, and they don't contradict it."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.counter.settings import CounterSettings
from services.ingest.settings import IngestSettings
from services.render.settings import RenderSettings
from services.render.site.sites import site_of
from services.stats.settings import StatsSettings
from shared.base.settings import Settings, load_settings
from shared.base.words import SiteText
from tests.support.system import ROOT

ENGLISH = ROOT / "tests/cases/site-en/site.toml"
SERVERS = {"amqp_url": "amqp://h/", "mongo_url": "mongodb://h/d?replicaSet=r"}
SECTIONS = (
    ("news", "News"),
    ("politics", "Politics"),
    ("council", "Council"),
    ("sport", "Sport"),
)


def make(kind: type[Settings], **given: Any) -> Any:
    servers: dict[str, Any] = {**SERVERS, **given}
    return kind(**servers)


@pytest.mark.parametrize("kind", [RenderSettings, IngestSettings, CounterSettings, StatsSettings])
def test_every_service_takes_address_and_zone_from_the_file(kind: type[Settings]) -> None:
    one = make(kind, site=str(ENGLISH))
    assert (one.base_url, one.time_zone) == ("https://courier.example.org", "Europe/London")
    assert getattr(one, "sections", SECTIONS) == SECTIONS
    assert getattr(one, "site_name", "The Vinh Ngan Courier") == "The Vinh Ngan Courier"


def test_render_takes_all_of_it() -> None:
    one = make(RenderSettings, site=ENGLISH)
    assert (one.site_tagline, one.site_address) == ("News from the river", "1 Bridge Street")
    assert one.site_baseline == 1_250_000
    assert one.links == (("Weather", "https://weather.example.org/?q=river"),)
    assert one.picture_hosts == ("cdn.example.org", "*.pictures.example.org:8443")
    assert site_of(one).footer.licence == "No. 7/GP of 2 January 2026"


def test_what_the_file_leaves_open_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("name = 'Báo'\n")
    one = make(RenderSettings, site=path, base_url="https://a.vn/", site_name=" Báo ")
    assert (one.base_url, one.time_zone) == ("https://a.vn", "Asia/Ho_Chi_Minh")
    assert (site_of(one).url, site_of(one).time_zone) == ("https://a.vn", "Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("kind", "name", "value", "told"),
    [
        (RenderSettings, "base_url", "https://a.vn", "'https://courier.example.org'"),
        (CounterSettings, "time_zone", "UTC", "'Europe/London'"),
        (StatsSettings, "site_name", "Báo", "'The Vinh Ngan Courier'"),
        (IngestSettings, "sections", "news=News", repr(SECTIONS)),
        (RenderSettings, "site_tagline", "x", "'News from the river'"),
        (RenderSettings, "picture_hosts", "a.vn",
         "('cdn.example.org', '*.pictures.example.org:8443')"),
    ],
)  # fmt: skip
def test_a_setting_that_contradicts_the_file_stops_the_start(
    kind: type[Settings], name: str, value: str, told: str
) -> None:
    with pytest.raises(ValidationError) as error:
        make(kind, site=ENGLISH, **{name: value})
    (fault,) = error.value.errors()
    assert fault["loc"] == (name,)
    assert fault["msg"] == (f"Value error, contradicts {ENGLISH}, which says {told}: leave one out")


def test_a_setting_that_says_the_same_does_not() -> None:
    assert make(RenderSettings, site=ENGLISH, time_zone="Europe/London").time_zone
    assert make(StatsSettings, site="", site_name="Báo").site is None


def test_the_start_tells_each_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text("nam = 'Báo'\n[colours]\nlink = '#aaa'\n")
    for variable, value in {**SERVERS, "site": str(path)}.items():
        monkeypatch.setenv(f"LUOTDOC_{variable.upper()}", value)
    with pytest.raises(SystemExit) as end:
        load_settings(RenderSettings)
    assert end.value.code == 2
    assert capsys.readouterr().err.split("\n")[:4] == [
        "The settings are not usable:",
        f"  LUOTDOC_SITE: {path} is not usable: (the site's file, site.toml; its keys stand in "
        "place of LUOTDOC_BASE_URL, LUOTDOC_TIME_ZONE, LUOTDOC_SITE_NAME, LUOTDOC_SECTIONS and "
        "other settings of the site)",
        "    line 1, name: is missing",
        "    line 1, nam: is no key here: is name meant?",
    ]


def test_a_section_that_is_called_as_a_path_is_stops_the_start() -> None:
    with pytest.raises(ValidationError, match="search is a path name of the system's own"):
        make(IngestSettings, sections="tin=Tin,search=Tìm")


def test_settings_alone_make_a_small_site() -> None:
    one = make(
        RenderSettings,
        site_name="Báo",
        site_tagline="Tin",
        site_address="1 Lê Lợi",
        sections="tin=Tin,the-thao=Thể thao",
        links="Cổng=https://e.vn/",
        picture_hosts="cdn.e.vn",
        site_baseline=7,
    )
    site = site_of(one)
    assert (site.name, site.name.said_in("en"), site.tagline) == ("Báo", "Báo", SiteText("Tin"))
    assert (site.languages, site.address, site.baseline) == (("vi",), "1 Lê Lợi", 7)
    assert [(each.slug, each.name) for each in site.sections] == [
        ("tin", "Tin"),
        ("the-thao", "Thể thao"),
    ]
    assert [(each.name, each.url) for each in site.links] == [("Cổng", "https://e.vn/")]
    assert (site.picture_hosts, site.map) == (("cdn.e.vn",), None)
