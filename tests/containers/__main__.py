"""`python -m tests.containers`: does compose come up, and count each read once through its gateway?

Needs root. A Docker engine of its own builds the image and starts docker-compose.yml as it is, with
stand-ins for the images that can't be pulled (`stand_ins.py`). Then Chromium views pages through
the gateway in every way there is, the samples are loaded, Prometheus scrapes, the services are
upgraded twice under load, and everything is stopped. It takes the ports 5672, 8000 to 8003, 8080
and 9090 of 127.0.0.1. Ends with status 1 when anything went wrong.
"""

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import yaml
from playwright.async_api import async_playwright

from luotdoc_subscriber.base.command import Command
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.outcomes import Portal, check_every_outcome
from tests.containers.compose import URL, Compose, compose_program, write_settings
from tests.containers.engine import GATEWAY, engine, served
from tests.containers.image import figures
from tests.containers.stand_ins import BASE, CHANGES, load, make_python, make_servers
from tests.containers.upgrade import upgrade
from tests.install.__main__ import ROOT, download, say
from tests.install.index import make_index
from tests.support.system import until


def load_images(place: Path, clone: Path, host: str, port: int) -> None:
    """Load a stand-in under the name of each image that the Dockerfile or compose would pull."""
    docker = ["docker", f"--host={host}"]
    load(docker, make_python(place, f"http://{GATEWAY}:{port}/"), BASE, [])
    servers = make_servers(place)
    services = yaml.safe_load((clone / "docker-compose.yml").read_text())["services"].values()
    for name in sorted({service["image"] for service in services if "build" not in service}):
        if changes := CHANGES.get(name.partition(":")[0]):
            load(docker, servers, name, changes)


PROCESSES = 6
"""Two ingests, two counters, render and stats."""


async def view_pages(compose: Compose) -> dict[str, int]:
    """Every outcome of a read in Chromium through the gateway."""
    compose.connect()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        outcomes = await check_every_outcome(Portal(compose, URL), browser)
        await browser.close()
    return outcomes


async def scraped() -> int:
    """The number of our processes that Prometheus scrapes, once all of them are."""
    query = {"query": 'sum(up{service=~"ingest|render|counter|stats"})'}
    async with httpx.AsyncClient(timeout=5, trust_env=False) as client:

        async def number() -> int:
            try:
                answer = await client.get("http://127.0.0.1:9090/api/v1/query", params=query)
            except httpx.TransportError:
                return 0
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:  # it still reads its log
                return 0
            found = answer.json()["data"]["result"]
            return int(found[0]["value"][1]) if found else 0

        async def all_of_them() -> bool:
            return await number() == PROCESSES

        await until(all_of_them, 60, "Prometheus scrapes each process")
        return await number()


async def front_page(compose: Compose) -> str:
    """The front page through the gateway."""
    return (await compose.http.get("/")).raise_for_status().text


def check(compose: Compose) -> None:
    """Start, view pages, load the samples, stop. Raises what is wrong."""
    began = time.monotonic()
    compose.run("build")
    say(f"the image is built: {time.monotonic() - began:.0f} s, {figures(compose.environment)}")
    began = time.monotonic()
    compose.run("up", "--wait")
    say(f"compose is up, every service ready: {time.monotonic() - began:.0f} s")

    async def use() -> None:
        outcomes = await view_pages(compose)
        say(f"reads in Chromium through the gateway, once each: {outcomes}")
        compose.run("up", "--no-deps", "--exit-code-from=samples", "samples", profile="demo")
        shown = await front_page(compose)
        assert "Lượt đọc" in shown or "thoi-su" in shown, shown[:2000]
        say(f"the samples are on the front page: {shown.count('<article')} articles")
        compose.run("up", "--detach", "--no-deps", "prometheus", profile="monitoring")
        say(f"Prometheus scrapes {await scraped()} processes")
        for version in ("99.0.0", "99.0.1"):
            say(await upgrade(compose, version))

    asyncio.run(use())
    began = time.monotonic()
    compose.run("stop")
    wrong = {name: status for name, status in compose.statuses().items() if status}
    assert not wrong, f"ended with another status than 0: {wrong}"
    say(f"everything stopped with status 0: {time.monotonic() - began:.0f} s")


def main() -> int:
    """Run it; the exit status."""
    Command(prog="python -m tests.containers", description=__doc__).parse_args()
    place = Path(tempfile.mkdtemp(prefix="luotdoc-containers-"))
    clone, files = place / "clone", place / "files"
    try:
        clone_it = ["git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), str(clone)]
        subprocess.run(clone_it, check=True)
        write_settings(clone)
        files.mkdir()
        make_index(place / "index", download(files, []), {})
        with engine(place) as host, served(place / "index", GATEWAY) as port:
            load_images(place, clone, host, port)
            compose = Compose(compose_program(), clone, host)
            try:
                check(compose)
            except Exception:
                say(compose.run("ps", "--all"))
                say(compose.run("logs", "--no-color", "--tail=15"))
                raise
            finally:
                compose.run("down", "--volumes", "--timeout=30", profile="*")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
