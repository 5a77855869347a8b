"""What a client may ask."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from services.stats.parameters import (
    NoParameters,
    SeriesParameters,
    TopParameters,
    series_edges,
    window_start,
)
from services.stats.traffic.windows import FIXED
from shared.storage.quarters import quarter_of, start_of
from tests.support.series import HANOI, NOW, asked, fault


def points(**parameters: Any) -> int:
    return len(series_edges(asked(**parameters), NOW, HANOI)) - 1


def schema(model: type[BaseModel], name: str) -> Draft202012Validator:
    """The schema of a parameter, as clients read it in the API's document."""
    return Draft202012Validator(model.model_json_schema()["properties"][name])


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2026-11-23", date(2026, 11, 23)),
        ("2000-01-01", date(2000, 1, 1)),
        ("2100-12-31", date(2100, 12, 31)),
        ("2026-11-23T00:00:00Z", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T00:00:00z", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23t07:00:00.5+07:00", datetime(2026, 11, 23, 0, 0, 0, 500_000, tzinfo=UTC)),
        (
            "2026-11-23T07:00:00 07:00",
            datetime(2026, 11, 23, tzinfo=UTC),
        ),  # a plus that was not escaped
        (
            "2026-11-22T20:30:00.123456789-03:30",
            datetime(2026, 11, 23, 0, 0, 0, 123_456, tzinfo=UTC),
        ),
    ],
)
def test_a_time_has_an_offset_and_a_date_has_none(text: str, meaning: object) -> None:
    assert asked(**{"from": text}).from_ == meaning
    assert schema(SeriesParameters, "from").is_valid(text.replace(" ", "+"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-23T07:00:00",
        "2026-11-23 07:00:00Z",
        "2026-11-31",
        "2026-W48-1",
        "20261123",
        "2026-11-23T24:00:00Z",
        "2026-11-23T07:00:00+99:99",
        "2026-11-23T07:00:00Z\n",
        "２０２６-11-23",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
        "0000-01-01",
        "1999-12-31",
        "2101-01-01",
    ],
)
@pytest.mark.parametrize("name", ["from", "to"])
def test_any_other_text_is_refused_by_name(name: str, text: str) -> None:
    assert fault(**{name: text}) == name


@pytest.mark.parametrize("wrong", ["", "now", "2026-11-23T07:00:00", "1999-12-31", 20261123])
def test_the_schema_refuses_such_texts_too(wrong: object) -> None:
    assert not schema(SeriesParameters, "from").is_valid(wrong)


def test_the_examples_of_a_time_are_accepted() -> None:
    text, _ = SeriesParameters.model_json_schema()["properties"]["to"]["anyOf"]
    assert len(text["examples"]) == 2
    assert [fault(to=example) for example in text["examples"]] == ["", ""]


def test_the_first_and_the_last_year() -> None:
    assert points(**{"from": "2000-01-01", "to": "2000-02-01"}) == 31
    assert points(**{"from": "2100-12-01", "to": "2100-12-31"}) == 30


def test_what_is_asked_for_is_kept() -> None:
    found = asked(tz="Europe/Berlin", article="ls0001", format="csv", step="hour")
    assert (found.tz, found.article, found.format) == ("Europe/Berlin", "ls0001", "csv")
    assert [asked(format=each).format for each in ("json", "csv", None)] == ["json", "csv", None]


def test_the_defaults_of_the_most_read_articles() -> None:
    assert TopParameters().model_dump() == {
        "window": "24h",
        "limit": 10,
        "section": None,
        "format": None,
    }
    assert [TopParameters(limit=limit).limit for limit in (1, 100)] == [1, 100]


@pytest.mark.parametrize(
    "tz", ["", "Mars", "../../etc/passwd", "/etc/localtime", "UTC\0", "right/UTC", "é" * 99]
)
def test_only_known_time_zones(tz: str) -> None:
    assert fault(tz=tz) == "tz"


def test_a_date_is_midnight_in_the_time_zone_asked_for() -> None:
    found = series_edges(
        asked(**{"from": "2026-11-22", "to": "2026-11-23"}), NOW, ZoneInfo("Europe/Berlin")
    )
    assert start_of(found[0]) == datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert start_of(found[-1]) == datetime(2026, 11, 22, 23, tzinfo=UTC)


def test_the_defaults_reach_back_from_now() -> None:
    assert points(step="hour") == 25  # the hour that runs, and the one in which it was 24 hours ago
    assert points() == 31
    assert points(step="month") == 13


def test_a_span_must_have_a_length() -> None:
    assert fault(**{"from": "2026-11-23", "to": "2026-11-23"}) == "from"
    assert fault(**{"from": "2026-11-24"}) == "from"


def test_at_most_2000_points() -> None:
    assert (
        points(**{"step": "hour", "from": "2026-01-01T00:00:00Z", "to": "2026-03-25T08:00:00Z"})
        == 2000
    )
    assert (
        fault(**{"step": "hour", "from": "2026-01-01T00:00:00Z", "to": "2026-03-25T09:00:00Z"})
        == "from"
    )
    assert fault(**{"step": "hour", "from": "2000-01-01", "to": "2100-12-31"}) == "from"


@pytest.mark.parametrize(
    "parameters", [{"step": "year"}, {"article": "A"}, {"format": "xml"}, {"form": "2026"}]
)
def test_other_faults_name_their_parameter(parameters: dict[str, str]) -> None:
    assert fault(**parameters) == next(iter(parameters))


@pytest.mark.parametrize(
    ("window", "start"),
    [
        ("24h", datetime(2026, 11, 22, 5, tzinfo=UTC)),
        ("1h", datetime(2026, 11, 23, 4, tzinfo=UTC)),
        ("744h", datetime(2026, 10, 23, 5, tzinfo=UTC)),
        ("31d", datetime(2026, 10, 23, 5, tzinfo=UTC)),
    ],
)
def test_a_window_starts_with_the_quarter(window: str, start: datetime) -> None:
    assert schema(TopParameters, "window").is_valid(window)
    assert window_start(TopParameters(window=window).window, NOW) == quarter_of(start)


@pytest.mark.parametrize("text", ["2100xyz", "2100", "2101-01-01", "2100-01-01x"])
def test_the_last_year_is_not_all_that_is_checked(text: str) -> None:
    assert not schema(SeriesParameters, "from").is_valid(text)
    assert schema(SeriesParameters, "from").is_valid("2100-12-31T23:00:00Z")
    assert fault(**{"from": text})


@pytest.mark.parametrize("window", FIXED)
def test_fixed_windows_are_accepted(window: str) -> None:
    assert schema(TopParameters, "window").is_valid(window)
    assert TopParameters(window=window).window == window


@pytest.mark.parametrize(
    "window", ["", "0h", "24", "h", "32d", "745h", "1000h", "-1h", "1w", "ALL", "٣d", "1h\n"]
)
def test_other_windows_are_refused(window: str) -> None:
    with pytest.raises(ValidationError):
        TopParameters(window=window)
    # Python's `$` matches before a line feed, JavaScript's does not.
    assert window.endswith("\n") or not schema(TopParameters, "window").is_valid(window)


@pytest.mark.parametrize("limit", [0, 101, -1, "x", "1e3", "9" * 5000])
def test_the_limit_has_limits(limit: Any) -> None:
    with pytest.raises(ValidationError):
        TopParameters.model_validate({"limit": limit})


def test_an_unknown_parameter_is_a_fault() -> None:
    with pytest.raises(ValidationError):
        NoParameters.model_validate({"artcle": "x"})
