"""Settings: a wrong one is told by its name,
its fault and its meaning, and never with what it holds.
"""

import os
from typing import Any

import pytest
from pydantic import ValidationError

from luotdoc_subscriber.base.settings import PREFIX, SubscriberSettings, variables
from services.counter.settings import CounterSettings
from services.ingest.settings import IngestSettings
from services.render.settings import RenderSettings
from services.stats.settings import StatsSettings
from shared.base.settings import Settings, load_settings, strangers
from shared.base.tracing import TracingSettings

GOOD = {
    "LUOTDOC_AMQP_URL": "amqp://u:hidden@127.0.0.1/",
    "LUOTDOC_MONGO_URL": "mongodb://u:hidden@127.0.0.1/luotdoc",
}


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
        load_settings(kind)
    assert stop.value.code == 2
    head, *lines = capsys.readouterr().err.splitlines()
    assert head == "The settings are not usable:"
    return lines


def test_two_addresses_are_enough(environment: pytest.MonkeyPatch) -> None:
    one = load_settings(IngestSettings)
    assert (one.port, one.host, one.base_url, one.time_zone) == (
        8001, "127.0.0.1", "http://127.0.0.1:8000", "Asia/Ho_Chi_Minh"
    )  # fmt: skip
    assert (one.read_window, one.tokens, one.trusted_proxies) == (1800, (), ())


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("AMQP_URL", "http://127.0.0.1", "must be amqp://user:password@host[:port]/[vhost]"),
        ("AMQP_URL", "amqp://", "must be amqp://user:password@host[:port]/[vhost]"),
        (
            "MONGO_URL",
            "mongodb://127.0.0.1/",
            "must be mongodb://host[:port]/<database>?…, with the database's name",
        ),
        (
            "MONGO_URL",
            "127.0.0.1/luotdoc",
            "must be mongodb://host[:port]/<database>?…, with the database's name",
        ),
        (
            "BASE_URL",
            "tin.example.vn",
            "must be an absolute http:// or https:// address without a query",
        ),
        (
            "BASE_URL",
            "https://tin.example.vn/?a=b",
            "must be an absolute http:// or https:// address without a query",
        ),
        ("TIME_ZONE", "Asia/Lam_Son", "must be the name of a time zone, such as Asia/Ho_Chi_Minh"),
        ("TIME_ZONE", "../etc/passwd", "must be the name of a time zone, such as Asia/Ho_Chi_Minh"),
        ("LOG_LEVEL", "LOUD", "Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("HOST", "", "must be an address, or a name that this machine can resolve; 0.0.0.0 is all"),
        (
            "HOST",
            "a..b",
            "must be an address, or a name that this machine can resolve; 0.0.0.0 is all",
        ),
        ("PORT", "65536", "Input should be less than or equal to 65535"),
    ],
)
def test_a_wrong_value_is_told(
    name: str,
    value: str,
    fault: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv(PREFIX + name, value)
    (line,) = refusal(Settings, capsys)
    meaning = Settings.model_fields[name.lower()].description
    assert line == f"  {PREFIX}{name}: {fault} ({meaning})"


def test_every_fault_has_its_line(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("LUOTDOC_HOLD", "0")
    environment.setenv("LUOTDOC_PREFETCH", "many")
    environment.delenv("LUOTDOC_AMQP_URL")
    assert [line.partition(":")[0].strip() for line in refusal(CounterSettings, capsys)] == [
        "LUOTDOC_AMQP_URL", "LUOTDOC_PREFETCH", "LUOTDOC_HOLD"
    ]  # fmt: skip


def test_secrets_are_never_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("LUOTDOC_TOKENS", f"cms:articles:{'ab' * 32}")
    text = repr(load_settings(IngestSettings))
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
def test_values_are_read(
    name: str, value: str, expected: Any, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(PREFIX + name.upper(), value)
    held = getattr(load_settings(IngestSettings), name)
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


@pytest.mark.parametrize(
    "kind", [IngestSettings, RenderSettings, CounterSettings, StatsSettings, SubscriberSettings]
)
def test_the_settings_of_other_services_are_no_strangers(kind: type[SubscriberSettings]) -> None:
    services = (IngestSettings, RenderSettings, CounterSettings, StatsSettings)
    shared_by_all = {name: "x" for each in services for name in variables(each)}
    assert list(strangers(kind, shared_by_all)) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("LUOTDOC_TOKEN", ": is LUOTDOC_TOKENS meant?"),
        ("LUOTDOC_TRUSTED_PROXY", ": is LUOTDOC_TRUSTED_PROXIES meant?"),
        ("luotdoc_spooldir", ": is LUOTDOC_SPOOL_DIR meant?"),
        ("LUOTDOC_COLOUR", "; --help lists them"),
        ("LUOTDOC_", "; --help lists them"),
    ],
)
def test_a_variable_that_is_no_setting_is_told_and_does_not_stop_the_start(
    name: str, told: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv(name, "x")
    assert load_settings(CounterSettings).port == 8002
    assert capsys.readouterr().err == f"{name} is no setting and has no effect{told}\n"


def test_a_misspelt_setting_is_told_beside_the_one_that_is_missing(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("LUOTDOC_MONGO_URL")
    environment.setenv("LUOTDOC_MONGO_URI", "mongodb://h/db")
    missing, near = refusal(CounterSettings, capsys)
    assert missing.startswith("  LUOTDOC_MONGO_URL: is not set")
    assert (
        near == "  LUOTDOC_MONGO_URI is no setting and has no effect: is LUOTDOC_MONGO_URL meant?"
    )


def test_what_others_are_told_and_what_kubernetes_sets_is_passed_over() -> None:
    links = {
        f"LUOTDOC_{service}{what}": "x"
        for service in ("", "INGEST_", "READ_API_")
        for what in (
            *("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT", "PORT_80_TCP"),
            *("PORT_80_TCP_PROTO", "PORT_80_TCP_PORT", "PORT_80_TCP_ADDR"),
        )
    }
    others = {
        "LUOTDOC_TOKENS": "x",
        "LUOTDOC_MONGOD": "x",
        "LUOTDOC_RABBITMQ_SERVER": "x",
        "OTHER_TOKEN": "x",
    }
    assert list(strangers(CounterSettings, links | others)) == []
    assert (
        len(list(strangers(CounterSettings, {"LUOTDOC_INGEST_PORT": "x"}))) == 1
    )  # without the Service it is none


def test_a_port_that_kubernetes_has_set_is_told(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("LUOTDOC_PORT", "tcp://10.0.0.1:80")
    (line,) = refusal(CounterSettings, capsys)
    assert "enableServiceLinks: false" in line


def told(name: str, value: str, kind: type[Settings], capsys: pytest.CaptureFixture[str]) -> str:
    """What the refusal of one wrong value says, between the name and the meaning."""
    (line,) = refusal(kind, capsys)
    return said(name, line, kind)


def said(name: str, line: str, kind: type[Settings]) -> str:
    """What the line of one wrong value says, between the name and the meaning."""
    meaning = kind.model_fields[name].description
    assert line.startswith(f"  {PREFIX}{name.upper()}: ")
    assert line.endswith(f" ({meaning})")
    assert len(line) < 600
    return line.removeprefix(f"  {PREFIX}{name.upper()}: ").removesuffix(f" ({meaning})")


NO_NUMBERS = (
    "",
    " ",
    "\n",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "9" * 30,
    "9" * 5000,
    "١٢",
    "１２",
    "0x10",
    "5,5",
    "[5]",
)


def numbers(kind: type[Settings]) -> dict[str, object]:
    """The settings of a service that are numbers, with their defaults. The standard variables
    of tracing have rules of their own.
    """
    return {
        name: field.default
        for name, field in kind.model_fields.items()
        if field.annotation in (int, float) and field.validation_alias is None
    }


@pytest.mark.parametrize("kind", [IngestSettings, RenderSettings, CounterSettings, StatsSettings])
def test_a_number_has_two_bounds_and_is_one(
    kind: type[Settings], environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in NO_NUMBERS:
        for name in numbers(kind):
            environment.setenv(PREFIX + name.upper(), value)
        lines = refusal(kind, capsys)
        for name, line in zip(numbers(kind), lines, strict=True):
            assert said(name, line, kind).startswith(
                ("Input should be ", "Unable to parse input string")
            )
    # What is meant is read, whatever stands around it.
    for text in ("{}", " {}\n"):
        for name, default in numbers(kind).items():
            environment.setenv(PREFIX + name.upper(), text.format(default))
        settings = load_settings(kind)
        assert {name: getattr(settings, name) for name in numbers(kind)} == numbers(kind)


@pytest.mark.parametrize(
    ("kind", "name", "values", "fault"),
    [
        (
            Settings,
            "base_url",
            ["https://a.vn,b.vn", "https://*.a.vn"],
            "one host is named in full",
        ),
        (Settings, "base_url", ["https://u@a.vn", "https://u:hidden@a.vn"], "holds no user's name"),
        (
            Settings,
            "base_url",
            ["https://a.vn:0", "https://a.vn:/x", "https://a.vn,https://b.vn"],
            "the port must not be",
        ),
        (
            Settings,
            "base_url",
            ["https://a..vn", "https://[abc]", "https://" + "a" * 64 + ".vn"],
            "must be an absolute",
        ),
        (
            Settings,
            "base_url",
            ["https://a.vn\n", " https://a.vn", "https://a.vn/a b"],
            "a space or a line break",
        ),
        (
            Settings,
            "amqp_url",
            ["amqp://a,b/", "amqp://a b/", "amqp://[abc]/", "amqp://h:/"],
            "must be amqp://",
        ),
        (
            Settings,
            "amqp_url",
            ["amqp://h/?heartbeat=abc", "amqp://h/?heartbeat=", "amqp://h/?heartbeat=-1"],
            "heartbeat",
        ),
        (
            Settings,
            "time_zone",
            ["", " ", "UTC\n", "utc+7", "+07:00", "Asia", "/etc/localtime", "Việt Nam"],
            "name of a time",
        ),
        (
            IngestSettings,
            "spool_dir",
            ["", " ", "\n", "spool\n", " spool", "a\u200bb", "a\x01b"],
            "must be a folder's path",
        ),
        (
            IngestSettings,
            "instance",
            ["", " ", "-a", "A", "a.b", "a\n", "a" * 64, "á"],
            "must be 1-63 of a-z, 0-9 and -",
        ),
        (
            IngestSettings,
            "tokens",
            ["secret", "a:secret", "a:b:secret:hidden", "SECRET:articles:x"],
            "entry 1 must be name:",
        ),
        (
            IngestSettings,
            "reconcile",
            ["a", "a=", "=http://h", "a=ftp://h", "a=http://u:hidden@"],
            "entry 1 must be name=",
        ),
        (
            IngestSettings,
            "reconcile",
            ["a=http://h:0/", "a=http://h/ x", "a=http://a b/", "a=http://*/"],
            "entry 1 must be",
        ),
        (IngestSettings, "reconcile", ["a=http://h,a=http://h"], "a is given twice"),
        (
            IngestSettings,
            "trusted_proxies",
            ["proxy", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/-1", "*"],
            "must be networks",
        ),
        (
            IngestSettings,
            "trusted_proxies",
            ["010.0.0.0/8", "10/8", "10.0.0.0 /8", "x" * 5000, "::/129"],
            "must be networks",
        ),
        (
            IngestSettings,
            "sections",
            ["Kinh tế=Kinh tế", "a_b=A", "-a=A", "a--b=A", "/a=A", "a/b=A"],
            "is no slug",
        ),
        (
            RenderSettings,
            "sections",
            ["kinh-te=A,kinh-te=A", "kinh-te=A,kinh-te=B"],
            "the section kinh-te is given twice",
        ),
        (RenderSettings, "site_name", ["", " ", "\n", "\t"], "at least 1 character"),
        (
            RenderSettings,
            "site_name",
            ["\u200b", "Cổng\x01", "Cổng\u202eabc", "\ufeff"],
            "must be a line of text",
        ),
        (
            RenderSettings,
            "links",
            ["A=https://", "A=http:///x", "A=https://a b", "A=https://h:99999"],
            "the link A must be",
        ),
        (
            RenderSettings,
            "picture_hosts",
            ["-a.vn", "a..vn", "a.vn:0", "a.vn:99999", "*", "https://a.vn", "ả.vn"],
            "a host",
        ),
        (
            RenderSettings,
            "reads_url",
            ["", "reads", "//a.vn/reads", "/\\a.vn", "https://", "https:///reads"],
            "must be a path",
        ),
        (
            RenderSettings,
            "reads_url",
            ["/a\n", "/a b", "https://h/;x", "ftp://h/reads"],
            "must be a path",
        ),
        (
            RenderSettings,
            "reads_url",
            ["https://h:0/reads", "https://u@h/reads", "https://*/reads"],
            "must be an absolute",
        ),
        (RenderSettings, "stats_url", ["stats", "//a.vn/stats", "/a b"], "must be a path"),
        (
            StatsSettings,
            "cors_origins",
            ["null", "https://*.a.vn", "https://a.vn:0", "a.vn"],
            "is no origin",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_a_word_of_what_to_do(
    kind: type[Settings],
    name: str,
    values: list[str],
    fault: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for value in values:
        environment.setenv(PREFIX + name.upper(), value)
        text = told(name, value, kind, capsys)
        assert fault in text, value
        assert "hidden" not in text
        assert "secret" not in text.lower()


def test_bytes_that_are_no_utf_8_are_told_too(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in (IngestSettings, RenderSettings, CounterSettings, StatsSettings):
        for name in kind.model_fields.keys() - TracingSettings.model_fields.keys() - {"spool_dir"}:
            environment.setenv(PREFIX + name.upper(), "\udcff")
            assert told(name, "\udcff", kind, capsys)
            environment.setenv(PREFIX + name.upper(), GOOD.get(PREFIX + name.upper(), ""))
            if PREFIX + name.upper() not in GOOD:
                environment.delenv(PREFIX + name.upper())


@pytest.mark.parametrize(
    ("kind", "name", "value", "expected"),
    [
        (RenderSettings, "site_name", " Cổng  thông tin\nđiện tử ", "Cổng thông tin điện tử"),
        (
            RenderSettings,
            "reads_url",
            "https://doc.example.vn/reads/",
            "https://doc.example.vn/reads",
        ),
        (
            RenderSettings,
            "picture_hosts",
            " CDN.example.vn , *.b.vn:8443,",
            ("cdn.example.vn", "*.b.vn:8443"),
        ),
        (StatsSettings, "cors_origins", "https://a.vn,HTTPS://A.vn:443/", ("https://a.vn",)),
        (Settings, "base_url", "http://my_host:8000/tin/", "http://my_host:8000/tin"),
        (Settings, "base_url", "https://báo.vn", "https://báo.vn"),
        (
            Settings,
            "amqp_url",
            "amqp://h/?heartbeat=30&timeout=5",
            "amqp://h/?heartbeat=30&timeout=5",
        ),
    ],
)
def test_what_is_meant_is_read(
    kind: type[Settings], name: str, value: str, expected: Any, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(PREFIX + name.upper(), value)
    assert getattr(load_settings(kind), name) == expected
