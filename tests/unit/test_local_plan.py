"""The local stack: what runs where, and what each process is told."""

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.endpoints import endpoints
from deploy.local.plan import (
    SITE_FILE,
    Replica,
    Shared,
    counts,
    environment,
    lay_out,
    needs_gateway,
    token_entry,
)
from services.render.site.model import WholeSite
from shared.base.site_file import read_site

SHARED = Shared("amqp://u:p@127.0.0.1:21000/", "mongodb://127.0.0.1:22000/luotdoc", "secret")
ONE_EACH = [
    Replica("render", 1, 8000),
    Replica("ingest", 1, 8001),
    Replica("counter", 1, 8002),
    Replica("stats", 1, 8003),
]


def test_one_process_of_each_service_unless_told() -> None:
    assert counts({}) == {"render": 1, "ingest": 1, "counter": 1, "stats": 1}
    assert counts({"INGEST": "2", "COUNTER": ""}) == {
        "render": 1,
        "ingest": 2,
        "counter": 1,
        "stats": 1,
    }


@pytest.mark.parametrize("value", ["0", "-1", "two", "17", "1.5"])
def test_a_wrong_number_of_processes_is_named(value: str) -> None:
    with pytest.raises(ValueError, match=f"INGEST={value}"):
        counts({"INGEST": value})


def test_the_first_replicas_have_the_default_ports_and_the_others_free_ones() -> None:
    free = iter([20001, 20002])

    def choose(preferred: int | None, taken: Collection[int]) -> int:
        return preferred if preferred and preferred not in taken else next(free)

    replicas = lay_out({"render": 1, "ingest": 3, "counter": 1, "stats": 1}, choose)

    assert replicas == [*ONE_EACH, Replica("ingest", 2, 20001), Replica("ingest", 3, 20002)]


def test_a_default_port_stays_reserved_for_its_service() -> None:
    asked: list[tuple[int | None, set[int]]] = []

    def choose(preferred: int | None, taken: Collection[int]) -> int:
        asked.append((preferred, set(taken)))
        return 20000 + len(asked)  # 8000 is in use by somebody else

    lay_out({"render": 1, "ingest": 1}, choose)

    assert asked == [(8000, {8001, 8002, 8003}), (8001, {8000, 8002, 8003, 20001})]


def test_what_only_the_run_knows_overrides_the_environment_and_the_rest_is_passed_on() -> None:
    outer = {
        "LUOTDOC_PORT": "1",
        "LUOTDOC_SITE_NAME": "Báo Thử",
        "LUOTDOC_READ_WINDOW": "0",
        "PATH": "/bin",
    }

    told = environment(Replica("ingest", 2, 20001), ONE_EACH, SHARED, outer, Path("/data/spool"))

    assert told["LUOTDOC_AMQP_URL"] == "amqp://u:p@127.0.0.1:21000/"
    assert told["LUOTDOC_MONGO_URL"] == "mongodb://127.0.0.1:22000/luotdoc"
    assert told["LUOTDOC_HOST"] == "127.0.0.1"
    assert told["LUOTDOC_PORT"] == "20001"
    assert told["LUOTDOC_INSTANCE"] == "ingest-2"
    assert told["LUOTDOC_SPOOL_DIR"] == "/data/spool"
    assert told["LUOTDOC_BASE_URL"] == "http://127.0.0.1:8000"
    assert told["LUOTDOC_READS_URL"] == "http://127.0.0.1:8001/reads"
    assert told["LUOTDOC_LIVE_URL"] == "http://127.0.0.1:8003/stats/live"
    assert told["LUOTDOC_CORS_ORIGINS"] == told["LUOTDOC_BASE_URL"] == "http://127.0.0.1:8000"
    assert told["LUOTDOC_STATS_URL"] == "http://127.0.0.1:8003/stats"
    assert told["LUOTDOC_SITE_NAME"] == "Báo Thử"
    assert "LUOTDOC_SITE" not in told
    assert told["LUOTDOC_READ_WINDOW"] == "0"
    assert told["PATH"] == "/bin"


def test_the_sample_portal_is_shown_unless_the_environment_describes_another() -> None:
    def site(**outer: str) -> str | None:
        return environment(ONE_EACH[0], ONE_EACH, SHARED, outer, Path()).get("LUOTDOC_SITE")

    assert site() == site(LUOTDOC_TIME_ZONE="UTC") == str(SITE_FILE)
    assert read_site(SITE_FILE, WholeSite).site.name == "Cổng thông tin điện tử tỉnh Lam Sơn"
    assert site(LUOTDOC_SECTIONS="tin=Tin") is None
    assert site(LUOTDOC_SITE="/etc/luotdoc/site.toml") == "/etc/luotdoc/site.toml"


def test_several_replicas_stand_behind_a_gateway_that_they_believe() -> None:
    assert not needs_gateway(counts({"COUNTER": "2"}))
    assert all(needs_gateway(counts({service: "2"})) for service in ("INGEST", "RENDER", "STATS"))
    behind = replace(SHARED, gateway="http://127.0.0.1:8080")

    told = environment(Replica("ingest", 2, 20001), ONE_EACH, behind, {}, Path("/data/spool"))

    assert told["LUOTDOC_BASE_URL"] == "http://127.0.0.1:8080"
    assert told["LUOTDOC_READS_URL"] == "http://127.0.0.1:8080/reads"
    assert told["LUOTDOC_LIVE_URL"] == "http://127.0.0.1:8080/stats/live"
    assert told["LUOTDOC_STATS_URL"] == "http://127.0.0.1:8080/stats"
    assert told["LUOTDOC_SCHEMAS_URL"] == "http://127.0.0.1:8080/schemas"
    assert told["LUOTDOC_TRUSTED_PROXIES"] == "127.0.0.0/8"
    assert "LUOTDOC_TRUSTED_PROXIES" not in environment(ONE_EACH[1], ONE_EACH, SHARED, {}, Path())
    assert (
        json.loads(endpoints(behind, ONE_EACH, {}, {one.name: 1 for one in ONE_EACH}))["gateway"]
        == behind.gateway
    )


def test_tokens_of_the_environment_stay_valid_beside_the_run_s_own() -> None:
    own = "local:articles+reads:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
    outer = {"LUOTDOC_TOKENS": "cms:articles:00ff"}

    assert token_entry("secret") == own
    assert (
        environment(ONE_EACH[1], ONE_EACH, SHARED, outer, Path())["LUOTDOC_TOKENS"]
        == f"cms:articles:00ff,{own}"
    )


def test_the_endpoints_name_first_replicas_all_replicas_and_processes() -> None:
    replicas = [*ONE_EACH, Replica("ingest", 2, 20001)]
    services = {"render-1": 11, "ingest-1": 12, "counter-1": 13, "stats-1": 14, "ingest-2": 15}

    document = json.loads(endpoints(SHARED, replicas, {"rabbitmq": 7, "mongod": 8}, services))

    assert document == {
        "amqp": "amqp://u:p@127.0.0.1:21000/",
        "mongo": "mongodb://127.0.0.1:22000/luotdoc",
        "token": "secret",
        "render": "http://127.0.0.1:8000",
        "ingest": "http://127.0.0.1:8001",
        "counter": "http://127.0.0.1:8002",
        "stats": "http://127.0.0.1:8003",
        "replicas": {
            "render": ["http://127.0.0.1:8000"],
            "ingest": ["http://127.0.0.1:8001", "http://127.0.0.1:20001"],
            "counter": ["http://127.0.0.1:8002"],
            "stats": ["http://127.0.0.1:8003"],
        },
        "pids": {
            "rabbitmq": 7,
            "mongod": 8,
            "render": [11],
            "ingest": [12, 15],
            "counter": [13],
            "stats": [14],
        },
    }


def test_a_service_with_a_user_of_its_own_on_rabbitmq_logs_in_as_that() -> None:
    shared = replace(SHARED, amqp_of={"render": "amqp://render:p@127.0.0.1:21000/"})

    told = {
        replica.service: environment(replica, ONE_EACH, shared, {}, Path("/data/spool"))[
            "LUOTDOC_AMQP_URL"
        ]
        for replica in ONE_EACH
    }

    assert told.pop("render") == "amqp://render:p@127.0.0.1:21000/"
    assert set(told.values()) == {SHARED.amqp}
