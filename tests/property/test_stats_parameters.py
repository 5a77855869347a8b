"""Generated query parameters."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.stats.parameters import SeriesParameters, series_steps
from shared.base.errors import Problem

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)


def asked(**parameters: Any) -> SeriesParameters:
    return SeriesParameters.model_validate(parameters)


def fault(**parameters: Any) -> str:
    """The parameter that the answer blames, or "" when it was accepted."""
    try:
        series_steps(asked(**parameters), NOW, HANOI)
    except ValidationError as error:
        return str(error.errors()[0]["loc"][0])
    except Problem as problem:
        return problem.errors[0]["path"]
    return ""


TEXT = st.text("0123456789-+:.TZz /\0é٣２", max_size=30) | st.sampled_from(
    [
        "2026-11-23",
        "2000-01-01T00:00:00+14:00",
        "2100-12-31T23:59:59-12:00",
        "Europe/Berlin",
        "ls0001",
    ]
)


@given(
    parameters=st.dictionaries(st.sampled_from(["from", "to", "tz", "article"]), TEXT),
    step=st.sampled_from(["hour", "day", "month"]),
)
def test_whatever_is_asked_is_answered_or_blamed_on_a_parameter(
    parameters: dict[str, str], step: str
) -> None:
    assert fault(step=step, **parameters) in {"", "from", *parameters}
