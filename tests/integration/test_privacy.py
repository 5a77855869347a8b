"""Nothing of a reader is kept: known readers read, and all that the system keeps is searched for
what is known of them. `docs/privacy.md` says what is kept instead.
"""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from zoneinfo import ZoneInfo

import pytest

from luotdoc_subscriber.base.clock import now
from services.ingest.reads.visitors import visitor
from shared.base.salt_days import begin_of, day_of
from tests.support.collector import Collector
from tests.support.needles import Search, forms, packed
from tests.support.system import Process, System, until

ARTICLE = "needle1"
ADDRESSES = ("203.0.113.77", "198.51.100.213", "2001:db8:85a3:8d3:1319:8a2e:370:7348")
PHONE = (
    "Mozilla/5.0 (Linux; Android 14; SM-G998B Build/UP1A.231005.007; vi-vn) AppleWebKit/537.36 "
    "(KHTML, like Gecko) Chrome/131.0.6778.204 Mobile Safari/537.36 Zalo/241101277"
)
DESKTOP = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.6778.86 Safari/537.36 Edg/131.0.2903.51"
)
APP = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Mobile/21G93 [FBAN/FBIOS;FBAV/489.0.0.52.77;FBDV/iPhone16,2;FBLC/vi_VN;FBOP/80]"
)
ROBOT = "Mozilla/5.0 (compatible; Quetbot/3.14; +https://crawl.example.net/ai/an-nguyen?id=4711)"
MAILBOX = "tra-cuu-bot/2.7 (nguyen.van.an@example.net)"
AGENTS = (PHONE, DESKTOP, APP, ROBOT, MAILBOX)
IDENTIFYING = (
    *("131.0.6778.204", "SM-G998B", "UP1A.231005.007", "241101277", "131.0.2903.51"),
    *("489.0.0.52.77", "iPhone16,2", "21G93", "17_6_1", "an-nguyen?id=4711", "nguyen.van.an"),
)
"""Parts of the agents: versions, models, builds, what else sets one reader apart."""
REFERRER = "https://dien-dan.example.org/tim-kiem?q=benh-tieu-duong"
OTHERS = ("dien-dan.example.org", "benh-tieu-duong", "cookie-8d1f7c", "vi-x-4c2b9e", "bearer-77ac1")
NEEDLES = (*ADDRESSES, *AGENTS, *IDENTIFYING, *OTHERS)


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Every request is traced, to a collector that the test reads."""
    for name, value in (("OTEL_TRACES_SAMPLER", "always_on"), ("OTEL_BSP_SCHEDULE_DELAY", "50")):
        monkeypatch.setenv(name, value)
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        yield collector


class Readers:
    """Known readers of one site."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def send(self, address: str, agent: str, wanted: str, **headers: str) -> None:
        """One read, whose answer must be `wanted`."""
        system = self._system
        answer = await system.http.post(
            f"{system.url('ingest')}/reads",
            params={"referrer": REFERRER.rpartition("/")[0]},
            json={"article": ARTICLE},
            headers=of_reader(address, agent) | headers,
        )
        told = answer.headers.get("luotdoc-read", str(answer.status_code))
        assert told == wanted, (address, agent, answer.text)

    async def all_kinds(self) -> None:
        """Reads of every outcome."""
        for address in ADDRESSES:
            for agent in (PHONE, DESKTOP, APP):
                await self.send(address, agent, "counted")
                await self.send(address, agent, "filtered; reason=reload")
            for agent in (ROBOT, MAILBOX):
                await self.send(address, agent, "filtered; reason=bot")
        await self.send(
            ADDRESSES[0], DESKTOP + " OPR/116", "filtered; reason=prefetch", purpose="prefetch"
        )
        await self.send(ADDRESSES[0], DESKTOP + " OPR/117", "counted", **{"sec-gpc": "1"})

    async def refused(self) -> None:
        """Reads and requests that are answered with errors."""
        system, headers = self._system, of_reader(ADDRESSES[1], PHONE)
        ingest, stats, render = map(system.url, ("ingest", "stats", "render"))
        for method, url, body in (
            ("POST", f"{ingest}/reads", b'{"article": "nowhere"}'),
            ("POST", f"{ingest}/reads", b"\xff"),
            ("POST", f"{ingest}/reads?referrer={REFERRER}", b'{"article": "needle1"}'),
            ("GET", f"{ingest}/reads.gif?article={ARTICLE}", b""),
            ("GET", f"{render}/khong-co.html", b""),
            ("GET", f"{stats}/stats/articles/nowhere", b""),
            ("GET", f"{stats}/stats/series?step=never", b""),
            ("GET", f"{stats}/stats/site", b""),
        ):
            await system.http.request(method, url, content=body, headers=headers)


def of_reader(address: str, agent: str) -> dict[str, str]:
    """What a reader's browser sends, and the gateway in front of us."""
    return {
        "x-forwarded-for": address,
        "user-agent": agent,
        "referer": REFERRER,
        "cookie": f"id={OTHERS[2]}",
        "accept-language": OTHERS[3],
        "authorization": f"Bearer {OTHERS[4]}",
    }


async def look_everywhere(system: System, collected: Collector) -> Search:
    """Search all that the system keeps, and what it tells."""
    search = Search((*NEEDLES, ARTICLE))
    await search.database(system)
    search.files("disk of RabbitMQ", system.broker.folder)
    search.files("disk of MongoDB", system.database.folder)
    search.files("spool", system.folder / "spool")
    for process in system.processes:
        search.look(f"log of {process.name}", process.log.read_bytes())
        if process.popen.poll() is None:
            metrics = await system.http.get(f"{process.url}/metrics")
            search.look(f"metrics of {process.name}", metrics.content)
    for span in list(collected.spans):
        search.look("traces", repr(span).encode())
    return search


async def test_nothing_of_a_reader_is_kept_anywhere(system: System, collected: Collector) -> None:
    await system.start_all(
        log_level="DEBUG", trusted_proxies="127.0.0.0/8", read_limit=60, flush_interval="0.1"
    )
    (await system.put(ARTICLE)).raise_for_status()
    readers = Readers(system)

    await readers.all_kinds()
    await readers.refused()
    await until(lambda: system.counted(), 20, "reads are counted")
    await until(lambda: system.db.readers.count_documents({"kind": "site"}), 20, "readers are kept")
    await stop(system.replicas("counter")[0])
    for address in ADDRESSES:
        await readers.send(address, DESKTOP + " Vivaldi/7", "counted")  # stays in the queue
    system.broker.pause()
    try:
        for address in ADDRESSES:
            await readers.send(address, DESKTOP + " YaBrowser/24", "counted")  # into the spool
        search = await look_everywhere(system, collected)
    finally:
        system.broker.resume()

    assert search.only(NEEDLES) == []
    # It was looked where reads are: what may be kept of them was found.
    for place in ("MongoDB luotdoc.buckets", "MongoDB local.oplog.rs", "spool/", "traces"):
        assert search.where(ARTICLE, place), place
    assert search.where(ARTICLE, "disk of RabbitMQ")
    for place in ("log of ", "metrics of ", "disk of MongoDB"):
        assert search.bytes_in(place) > 1000, place
    print(
        f"{len(search.places)} places, {sum(search.places.values()):,} bytes searched for "
        f"{len(NEEDLES)} needles: none is there"
    )


async def test_with_the_salt_goes_what_tells_a_visitor(system: System) -> None:
    await system.start_all(trusted_proxies="127.0.0.0/8")
    (await system.put(ARTICLE)).raise_for_status()
    await Readers(system).send(ADDRESSES[0], PHONE, "counted")
    await until(lambda: system.db.readers.count_documents({"kind": "site"}), 20, "readers are kept")
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    salts = [salt async for salt in system.db.salts.find({})]
    today = begin_of(day_of(now(), zone), zone)
    expected = {today + timedelta(days=days, hours=48) for days in (-1, 0, 1)}
    assert {salt["expires_at"] for salt in salts} <= expected
    # What is kept of the reader is a hash that only the salt ties to an address.
    address = ip_address(ADDRESSES[0]).packed
    hashes = {visitor(salt["salt"], address, PHONE.encode()): salt for salt in salts}
    (held,) = [held async for held in system.db.readers.find({"kind": "site"})]
    salt = hashes[bytes(held["hashes"]).hex()]
    assert held["expires_at"] == salt["expires_at"]


def test_a_needle_is_found_in_any_form() -> None:
    for needle in ("SM-G998B", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "nguyen.van.an"):
        for form in (*forms(needle), packed(needle)):
            search = Search((needle,))
            search.look("here", b"... " + form + b" ...")
            assert search.only([needle]) == [(needle, "here")], form
    search = Search(("nguyen.van.an",))
    search.look("here", b"an.van.nguyen")
    assert search.found == set()


async def stop(process: Process) -> None:
    """End a service."""
    assert await process.stop() == 0
