"""Steps over generated spans and time zones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from services.stats.periods import Step, steps
from shared.storage.quarters import QUARTER

MOMENTS = st.datetimes(datetime(2000, 1, 3), datetime(2100, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


ZONES = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)


@given(step=st.sampled_from(["hour", "day", "month"]), start=MOMENTS, zone=ZONES)
def test_steps_rise_and_enclose_the_span(step: Step, start: datetime, zone: ZoneInfo) -> None:
    end = start.replace(microsecond=0) + (start - start.replace(day=1, hour=0)) / 10
    found = list(steps(step, start, max(end, start), zone))
    assert found[0] <= start
    assert found[-1] >= end
    assert all(a < b for a, b in pairwise(found))
    assert all(moment.minute % 15 == moment.second == 0 for moment in found)


@given(start=MOMENTS, zone=ZONES)
def test_an_hour_is_what_clocks_show_as_one(start: datetime, zone: ZoneInfo) -> None:
    """Each step of a year's hours is all quarters with the same date, hour and offset."""

    def shown(moment: datetime) -> tuple[object, ...]:
        local = moment.astimezone(zone)
        return local.date(), local.hour, local.utcoffset()

    # Around a move of the clock, if the year has any.
    noons = [start + timedelta(days=n) for n in range(366)]
    moves = [a for a, b in pairwise(noons) if shown(a)[2] != shown(b)[2]] or [start]
    for first in moves:
        found = list(steps("hour", first, first + timedelta(days=1), zone))
        quarter, edges = found[0], list[datetime]()
        while quarter <= found[-1]:
            if shown(quarter) != shown(quarter - QUARTER):
                edges.append(quarter)
            quarter += QUARTER
        assert found == edges
