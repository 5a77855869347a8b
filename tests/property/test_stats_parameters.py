"""Generated query parameters."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.series import fault

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
