"""Correlation ids, and log lines as JSON."""

import json
import logging
import re
from collections.abc import Iterator

import pytest

from luotdoc_events.version import VERSION
from luotdoc_subscriber.base.log import configure, correlate, correlation


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    token = correlation.set("")
    yield
    correlation.reset(token)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("offered", ["a", "7f3-9", "e1-000000000042", "urn:x/y.z_1", "x" * 64])
def test_a_harmless_id_is_taken(offered: str) -> None:
    assert correlate(offered) == offered
    assert correlation.get() == offered


@pytest.mark.parametrize(
    "offered", [None, "", "x" * 65, "a b", "a\nb", "a\n", "ă", '"', "<b>", "a;b", "\x1b[31m"]
)
def test_any_other_is_replaced(offered: str | None) -> None:
    chosen = correlate(offered)
    assert re.fullmatch("[0-9a-f]{16}", chosen)
    assert correlation.get() == chosen
    assert correlate(offered) != chosen


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_is_json_and_says_who_and_about_what(capsys: pytest.CaptureFixture[str]) -> None:
    configure("ingest", "INFO")
    log = logging.getLogger("services.ingest.test")
    correlate("c-1")
    log.info("%d bài viết", 3, extra={"queue": "q"})
    log.info("khác", extra={"correlation_id": "c-2"})
    log.debug("not shown")
    correlation.set("")
    log.warning("none")

    begin, first, second, third = lines(capsys.readouterr().out)
    assert begin["message"] == f"ingest starts, version {VERSION}"
    assert re.match(r"\d{4}-\d\d-\d\dT", str(first.pop("time")))
    assert first == {
        "level": "INFO",
        "logger": "services.ingest.test",
        "message": "3 bài viết",
        "service": "ingest",
        "correlation_id": "c-1",
        "queue": "q",
    }
    assert second["correlation_id"] == "c-2"
    assert (third["level"], third["correlation_id"]) == ("WARNING", None)


def test_letters_are_written_as_they_are_and_a_traceback_stays_on_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("ingest", "INFO")
    try:
        raise ValueError("hỏng")
    except ValueError:
        logging.getLogger("x").exception("lỗi ở cầu Vĩnh Ngàn")
    out = capsys.readouterr().out
    _, line = lines(out)
    assert "Vĩnh Ngàn" in out
    assert "ValueError: hỏng" in str(line["exc_info"])
