"""A changed site file is taken, a faulty one is not, however it is put in place."""

import os
from pathlib import Path
from typing import Any

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.render.settings import RenderSettings
from services.render.site.model import WholeSite
from services.render.site.sites import site_of
from shared.base.metrics import SiteFileMetrics
from shared.base.site_basics import SiteBasics
from shared.base.site_following import SiteFollower

SERVERS = {"amqp_url": "amqp://h/", "mongo_url": "mongodb://h/d?replicaSet=r"}
MAP = "[map]\ntitle = 'Bản đồ'\nfile = 'map.svg'\n"
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{}</svg>'


def write(path: Path, text: str) -> None:
    path.write_text(text)


def write_unseen(path: Path, text: str) -> None:
    """Change a file in place and leave its time as it was."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def write_aside(path: Path, text: str) -> None:
    """Write a new file and rename it into place."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def mount(folder: Path, *names: str) -> Path:
    """A ConfigMap's volume as the kubelet makes it, with a version for each of the sites' names:
    `site.toml` → `..data/site.toml`, `..data` → the first version.
    """
    for name in names:
        (folder / f"..{name}").mkdir()
        (folder / f"..{name}" / "site.toml").write_text(f"name = '{name}'\n")
    (folder / "..data").symlink_to(f"..{names[0]}")
    (folder / "site.toml").symlink_to("..data/site.toml")
    return folder / "site.toml"


def swap(folder: Path, name: str) -> None:
    """Let the volume show another version, as the kubelet does."""
    (folder / "..data_tmp").symlink_to(f"..{name}")
    (folder / "..data_tmp").replace(folder / "..data")


def remove(path: Path) -> None:
    path.unlink()


class Followed:
    """A follower of `path` and what it has told."""

    def __init__(self, path: Path, **given: str) -> None:
        settings: dict[str, Any] = {**SERVERS, "site": path, **given}
        self.settings = RenderSettings(**settings)
        self.taken: list[SiteBasics] = []
        self.registry = new_registry()
        metrics = SiteFileMetrics(self.registry)
        self.follower = SiteFollower(self.settings, metrics, self.taken.append)

    def measured(self) -> tuple[float | None, float | None]:
        """How many changes were refused, and 1 while the file's present content is not used."""
        value = self.registry.get_sample_value
        return value("luotdoc_site_file_refused_total"), value("luotdoc_site_file_faulty")

    async def looks(self, number: int = 2) -> list[str]:
        """The names of the sites that so many looks have taken."""
        before = len(self.taken)
        for _ in range(number):
            await self.follower.look()
        return [str(site.name) for site in self.taken[before:]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "site.toml"
    file.write_text("name = 'A'\n")
    return file


async def test_a_changed_file_is_taken_once_it_stands_still(path: Path) -> None:
    one = Followed(path)
    assert await one.looks(3) == []
    write(path, "name = 'B'\n")
    assert await one.looks(1) == []
    write(path, "name = 'C'\n")
    assert await one.looks(1) == []
    assert await one.looks(1) == ["C"]
    assert await one.looks(3) == []


async def test_a_file_of_the_same_size_and_time_is_noticed(path: Path) -> None:
    one = Followed(path)
    write_unseen(path, "name = 'B'\n")
    assert await one.looks() == ["B"]


async def test_a_file_that_is_renamed_into_place_is_noticed(path: Path) -> None:
    one = Followed(path)
    write_aside(path, "name = 'B'\n")
    assert await one.looks() == ["B"]


async def test_a_config_map_whose_link_is_swapped_is_noticed(tmp_path: Path) -> None:
    one = Followed(mount(tmp_path, "A", "B"))
    assert await one.looks() == []
    swap(tmp_path, "B")
    assert await one.looks() == ["B"]


async def test_a_file_with_faults_is_told_and_counted_once_and_the_one_before_stays(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = Followed(path)
    write(path, "name = 'B'\ntagline = 7\n")
    assert one.measured() == (0, 0)
    assert await one.looks(5) == []
    assert one.measured() == (1, 1)
    fault = f"{path} is not usable:\nline 2, tagline: must be a text in quotes"
    assert one.follower.fault.startswith(fault)
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert fault in record.getMessage()
    write(path, "name = 'C'\n")
    assert await one.looks() == ["C"]
    assert (one.measured(), one.follower.fault) == ((1, 0), "")


async def test_a_file_that_is_gone_is_a_fault_until_it_is_back(path: Path) -> None:
    one = Followed(path)
    remove(path)
    assert await one.looks(3) == []
    assert one.measured() == (1, 1)
    assert one.follower.fault.endswith("can't be read: No such file or directory")
    write(path, "name = 'A'\n")
    assert await one.looks() == ["A"]
    assert (one.measured(), one.follower.fault) == ((1, 0), "")


async def test_the_files_beside_it_are_followed_too(path: Path) -> None:
    drawing = path.parent / "map.svg"
    write(drawing, SVG.format("<g id='a'/>"))
    write(path, "name = 'A'\n" + MAP)
    one = Followed(path)
    write(drawing, SVG.format("<script/>"))
    assert await one.looks(4) == []
    assert "line 4, map.file: map.svg, line 1: <script> is not allowed" in one.follower.fault
    write(drawing, SVG.format("<g id='b'/>"))
    assert await one.looks() == ["A"]
    (site,) = one.taken
    assert isinstance(site, WholeSite)
    assert site.map is not None
    assert site.map.file is not None
    assert site.map.file.areas == {"b"}


async def test_a_fault_of_a_file_that_the_new_one_names_is_mended_there(path: Path) -> None:
    one = Followed(path)
    write(path, "name = 'B'\n" + MAP)
    assert await one.looks(4) == []
    assert "map.svg can't be read" in one.follower.fault
    write(path.parent / "map.svg", SVG.format(""))
    assert await one.looks() == ["B"]
    assert one.measured() == (1, 0)


async def test_what_only_a_restart_can_change_is_refused(path: Path) -> None:
    one = Followed(path)
    write(path, "name = 'B'\ntime_zone = 'UTC'\n\nbase_url = 'https://b.vn'\nlanguages = ['en']\n")
    assert await one.looks() == []
    assert one.follower.fault.split("\n")[1:] == [
        "line 4, base_url: was changed: restart all services",
        "line 2, time_zone: was changed: restart all services",
        "line 5, languages: was changed: restart all services",
    ]


async def test_a_file_that_comes_to_contradict_a_setting_is_refused(path: Path) -> None:
    one = Followed(path, site_name="A")
    write(path, "\nname = 'B'\n")
    assert await one.looks() == []
    assert one.follower.fault.endswith(
        "line 2, name: contradicts LUOTDOC_SITE_NAME, which says 'A'"
    )
    write(path, "name = 'A'\ntagline = 'Mới'\n")
    assert await one.looks() == ["A"]


async def test_a_changed_site_keeps_the_address_and_zone_of_the_settings(path: Path) -> None:
    one = Followed(path, base_url="https://a.vn", time_zone="UTC")
    write(path, "name = 'B'\n")
    await one.looks()
    site = site_of(one.settings, one.taken[0])
    assert (site.name, site.url, site.time_zone) == ("B", "https://a.vn", "UTC")


async def test_without_a_file_there_is_nothing_to_follow() -> None:
    settings = RenderSettings(amqp_url=SERVERS["amqp_url"], mongo_url=SERVERS["mongo_url"])
    taken: list[SiteBasics] = []
    follower = SiteFollower(settings, SiteFileMetrics(new_registry()), taken.append)
    await follower.look()
    assert (taken, follower.fault) == ([], "")
