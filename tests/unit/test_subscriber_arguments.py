"""What the commands of a subscriber refuse before they connect."""

import argparse
from collections.abc import Callable

import pytest

from luotdoc_subscriber.__main__ import main
from luotdoc_subscriber.commands.arguments import (
    events_a_second,
    moment,
    parked_handle,
    queue_name,
)
from luotdoc_subscriber.commands.parked_queue import MOST_CHANNELS, prefetch_for

MAX_CHANNELS = 200
"""Of a subscriber's user, in all its processes; see docs/subscribers.md."""


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (queue_name, "search.articles"),
        (queue_name, "a" * 120),
        (parked_handle, "1f0a3b9c"),
        (moment, "2026-11-01T00:00:00+07:00"),
        (events_a_second, "0.1"),
        (events_a_second, "50000"),
    ],
)
def test_what_is_taken(read: Callable[[str], object], text: str) -> None:
    assert read(text)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((queue_name, text) for text in ("", "a" * 121, "bài.viết", "a\nb", "a\x00", "a;b")),
        *((parked_handle, text) for text in ("", "1f0a3b9", "1F0A3B9C", "search", "١٢٣٤٥٦٧٨")),
        *((moment, text) for text in ("", "now", "2026-11-01", "2026-11-01T00:00:00")),
        *((events_a_second, text) for text in ("0", "0.09", "50001", "-1", "nan", "1e3", "٣")),
    ],
)
def test_what_is_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refused:
        read(text)
    told = str(refused.value)
    assert told.isprintable()
    assert len(told) < 200


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("", "parked|replay"),
        ("watch", "watch"),
        ("parked", "command"),
        ("parked purge search.articles", "purge"),
        ("parked list", "QUEUE"),
        ("parked list a;b", "a;b"),
        ("parked list search.articles --all", "--all"),
        ("parked show search.articles", "HANDLE"),
        ("parked show search.articles 1", "no handle"),
        ("parked redrive search.articles", "--all"),
        ("parked redrive search.articles 1f0a3b9c --all", "not allowed with"),
        ("parked redrive search.articles --all --force", "--force"),
        ("parked discard search.articles", "--all"),
        ("parked discard search.articles 1f0a3b9c --all", "not allowed with"),
        ("replay", "--to"),
        ("replay --to a;b", "a;b"),
        ("replay --to search.articles --rate 0", "--rate"),
        ("replay --to search.articles --type reads.counted", "reads.counted"),
        ("replay --to search.articles --since 2999-01-01T00:00Z", "future"),
        (
            "replay --to search.articles --since 2026-11-02T00:00Z --until 2026-11-02T00:00Z",
            "--until",
        ),
    ],
)
def test_a_wrong_line_is_refused_before_anything_is_read(
    line: str, part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LUOTDOC_AMQP_URL", raising=False)
    with pytest.raises(SystemExit) as stop:
        main(line.split())
    (told,) = capsys.readouterr().err.splitlines()
    assert stop.value.code == 2
    assert told.startswith("python -m luotdoc_subscriber")
    assert told.endswith("; --help says what it takes")
    assert part in told


def test_without_an_address_it_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("LUOTDOC_AMQP_URL", raising=False)
    with pytest.raises(SystemExit) as stop:
        main(["parked", "list", "search.articles"])
    assert stop.value.code == 2
    assert "LUOTDOC_AMQP_URL: is not set (RabbitMQ: amqp://" in capsys.readouterr().err


@pytest.mark.parametrize("number", [0, 1, 200, 20_000, 20_001, 400_000, 6_000_000])
def test_a_long_queue_needs_no_more_channels_than_its_user_has(number: int) -> None:
    channels = -(-number // prefetch_for(number))
    assert channels <= MOST_CHANNELS < MAX_CHANNELS
    assert 1 <= prefetch_for(number) < 1 << 16  # in AMQP it has 16 bits
