"""Settings: a wrong one is told by its name, its fault and its meaning, and never with what it holds."""

import os
from typing import Any

import pytest
from pydantic import ValidationError

from services.counter.settings import CounterSettings
from services.ingest.settings import IngestSettings
from shared.settings import PREFIX, Settings, load

GOOD = {"LUOTDOC_AMQP_URL": "amqp://u:hidden@127.0.0.1/", "LUOTDOC_MONGO_URL": "mongodb://u:hidden@127.0.0.1/luotdoc"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of ours is set but the two addresses."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal(kind: type[Settings], capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as stop:
        load(kind)
    assert stop.value.code == 2
    head, *lines = capsys.readouterr().err.splitlines()
    assert head == "The settings are not usable:"
    return lines


def test_two_addresses_are_enough(environment: pytest.MonkeyPatch) -> None:
    one = load(IngestSettings)
    assert (one.port, one.host, one.base_url, one.time_zone) == (
        8001, "127.0.0.1", "http://127.0.0.1:8000", "Asia/Ho_Chi_Minh"
    )  # fmt: skip
    assert (one.read_window, one.tokens, one.trusted_proxies) == (1800, (), ())


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("AMQP_URL", "http://127.0.0.1", "must be amqp://user:password@host[:port]/[vhost]"),
        ("AMQP_URL", "amqp://", "must be amqp://user:password@host[:port]/[vhost]"),
        ("MONGO_URL", "mongodb://127.0.0.1/", "must be mongodb://host[:port]/<database>?…, with the database's name"),
        ("MONGO_URL", "127.0.0.1/luotdoc", "must be mongodb://host[:port]/<database>?…, with the database's name"),
        ("BASE_URL", "tin.example.vn", "must be an absolute http:// or https:// address without a query"),
        ("BASE_URL", "https://tin.example.vn/?a=b", "must be an absolute http:// or https:// address without a query"),
        ("TIME_ZONE", "Asia/Lam_Son", "must be the name of a time zone, such as Asia/Ho_Chi_Minh"),
        ("TIME_ZONE", "../etc/passwd", "must be the name of a time zone, such as Asia/Ho_Chi_Minh"),
        ("LOG_LEVEL", "LOUD", "Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("PORT", "65536", "Input should be less than or equal to 65535"),
    ],
)
def test_a_wrong_value_is_told(
    name: str, value: str, fault: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv(PREFIX + name, value)
    (line,) = refusal(Settings, capsys)
    meaning = Settings.model_fields[name.lower()].description
    assert line == f"  {PREFIX}{name}: {fault} ({meaning})"


def test_every_fault_has_its_line(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("LUOTDOC_HOLD", "0")
    environment.setenv("LUOTDOC_PREFETCH", "many")
    environment.delenv("LUOTDOC_AMQP_URL")
    assert [line.partition(":")[0].strip() for line in refusal(CounterSettings, capsys)] == [
        "LUOTDOC_AMQP_URL", "LUOTDOC_PREFETCH", "LUOTDOC_HOLD"
    ]  # fmt: skip


def test_secrets_are_never_shown(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("LUOTDOC_TOKENS", f"cms:articles:{'ab' * 32}")
    text = repr(load(IngestSettings))
    assert "hidden" not in text
    assert "abab" not in text
    environment.setenv("LUOTDOC_AMQP_URL", "http://u:hidden@127.0.0.1/")
    assert "hidden" not in "".join(refusal(IngestSettings, capsys))
    with pytest.raises(ValidationError) as error:
        IngestSettings()
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("base_url", "https://tin.example.vn/", "https://tin.example.vn"),
        ("trusted_proxies", "10.0.0.0/8, fd00::/8,", ["10.0.0.0/8", "fd00::/8"]),
        ("trusted_proxies", "192.0.2.1", ["192.0.2.1/32"]),
        ("tokens", "", []),
        ("instance", "ingest-0", "ingest-0"),
    ],
)
def test_values_are_read(name: str, value: str, expected: Any, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(PREFIX + name.upper(), value)
    held = getattr(load(IngestSettings), name)
    assert ([str(one) for one in held] if isinstance(held, tuple) else held) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", "proxy"),
        ("instance", "../other"),
        ("instance", ""),
        ("bot_filter", "maybe"),
        ("reconcile", "search=http://search:80a/state"),
        ("spool_max_bytes", "1000"),
        ("max_media_bytes", str(16 << 20)),
    ],
)
def test_values_that_ingest_cannot_use(
    name: str, value: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv(PREFIX + name.upper(), value)
    (line,) = refusal(IngestSettings, capsys)
    assert line.startswith(f"  {PREFIX}{name.upper()}: ")


def test_every_setting_has_a_meaning() -> None:
    for kind in (Settings, IngestSettings, CounterSettings):
        for name, field in kind.model_fields.items():
            assert field.description, name
