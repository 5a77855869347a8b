"""A site's file of real services: its pages, and a change without a restart."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from tests.support.system import ROOT, Process, System, until

SITE = """
name = "{name}"
languages = ["vi", "en"]

[sections]
thoi-su = {{ name = "Thời sự" }}
{section}
"""


def write_site(path: Path, name: str, section: str = "") -> None:
    new = path.with_suffix(".new")
    new.write_text(SITE.format(name=name, section=section))
    new.replace(path)


def template_of(page: dict[str, Any] | None) -> str:
    return str(page["template"]) if page else ""


async def test_a_changed_site_is_on_every_page_without_a_restart(
    system: System, tmp_path: Path
) -> None:
    path = tmp_path / "site.toml"
    write_site(path, "Báo A")
    await system.start_all(site=path)
    assert (await system.put("a1", section="thoi-su")).json()["warnings"] == []
    answer = await system.put("a2", section="dan-van")
    assert [each["path"] for each in answer.json()["warnings"]] == ["section"]
    first = await until(lambda: system.page("a1"), 10, "a page")
    assert "| Báo A</title>" in first.text
    second = await until(lambda: system.page("a2"), 10, "a page in a section without a name")
    assert ">Tin khác</a>" in second.text
    assert (await system.http.get(f"{system.url('render')}/en/thoi-su/")).status_code == 200

    write_site(path, "Báo B", 'dan-van = { name = "Dân vận" }')

    async def all_again() -> bool:
        pages = [await system.page(name) for name in ("a1", "a2")]
        return all(page is not None and "| Báo B</title>" in page.text for page in pages)

    await until(all_again, 15, "both pages of the changed site")
    changed = await system.page("a2")
    assert changed is not None
    assert ">Dân vận</a>" in changed.text
    assert "Báo B" in (await system.http.get(f"{system.url('render')}/")).text
    assert "Báo B" in (await system.http.get(f"{system.url('render')}/khong-co")).text
    stored = [template_of(each) async for each in system.db.pages.find({})]
    assert len(stored) == 2
    assert len(set(stored)) == 1

    async def named_everywhere() -> bool:
        answer = await system.put("a3", section="dan-van")
        page = await system.http.get(f"{system.url('stats')}/stats/")
        return answer.json()["warnings"] == [] and "Báo B" in page.text

    await until(named_everywhere, 10, "the changed site in ingest and stats")


async def test_a_site_with_faults_is_told_and_the_one_before_is_shown(
    system: System, tmp_path: Path
) -> None:
    path = tmp_path / "site.toml"
    write_site(path, "Báo A")
    render = await system.start("render", site=path)

    write_site(path, "Báo B", "search = 7")

    async def told() -> str:
        return str((await system.http.get(f"{render.url}/readyz")).json().get("degraded") or "")

    text = await until(told, 10, "the fault in /readyz")
    assert text.split("\n")[1:] == ["line 7, sections.search: must be a table"]
    assert "Báo A" in (await system.http.get(f"{render.url}/")).text
    metrics = (await system.http.get(f"{render.url}/metrics")).text
    assert "luotdoc_site_file_refused_total 1.0" in metrics
    assert "luotdoc_site_file_faulty 1.0" in metrics
    write_site(path, "Báo C")

    async def shown() -> bool:
        return "Báo C" in (await system.http.get(f"{render.url}/")).text

    await until(shown, 10, "the mended site")
    assert await told() == ""
    metrics = (await system.http.get(f"{render.url}/metrics")).text
    assert "luotdoc_site_file_faulty 0.0" in metrics


async def test_a_faulty_site_stops_the_start_with_a_line_for_each_fault(
    system: System, tmp_path: Path
) -> None:
    path = tmp_path / "site.toml"
    write_site(path, "Báo A", "search = { name = 'Tìm' }\ntin = { nam = 'Tin' }")
    render: Process = await system.start("render", site=path, wait=False)
    assert await render.ended() == 2
    lines = render.text().split("\n")
    assert lines[1].startswith(f"  LUOTDOC_SITE: {path} is not usable: (")
    assert lines[2:4] == [
        "    line 8, sections.tin.name: is missing",
        "    line 8, sections.tin.nam: is no key here: is name meant?",
    ]


async def test_the_sample_portal_is_a_site_of_its_own(system: System, tmp_path: Path) -> None:
    folder = await asyncio.to_thread(
        shutil.copytree, ROOT / "deploy/local/samples/site", tmp_path / "site"
    )
    render = await system.start("render", site=folder / "site.toml")
    page = (await system.http.get(f"{render.url}/")).text
    assert "Ủy ban nhân dân tỉnh Lam Sơn" in page
    assert page.count('href="/tu-khoa/') == 7
