"""Questions about a series of figures, as a client asks stats."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from services.stats.parameters import SeriesParameters, series_edges
from shared.base.errors import Problem

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)


def asked(**parameters: Any) -> SeriesParameters:
    """Parsed parameters. Raises pydantic's `ValidationError`."""
    return SeriesParameters.model_validate(parameters)


def fault(**parameters: Any) -> str:
    """The parameter that the answer blames, or "" when it was accepted."""
    try:
        series_edges(asked(**parameters), NOW, HANOI)
    except ValidationError as error:
        return str(error.errors()[0]["loc"][0])
    except Problem as problem:
        return problem.errors[0]["path"]
    return ""
