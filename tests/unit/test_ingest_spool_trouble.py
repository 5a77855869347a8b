"""A spool whose folder can't be used, on a real disk: nothing is durable in a file that is gone, no
start fails.
"""

import asyncio
import errno
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.ingest.metrics import IngestMetrics
from services.ingest.reads import outlet as module
from services.ingest.reads.outlet import Outlet
from services.ingest.reads.segment import encode_record
from services.ingest.reads.spool import Spool, SpoolRefused, SpoolUnusable
from shared.rabbit.batch import Batch
from tests.support.batch_publisher import AWAY, ConfirmsInMemory
from tests.unit.test_ingest_outlet import NOON, eventually, forwarding, opened, room_in
from tests.unit.test_ingest_outlet import batch as numbered
from tests.unit.test_ingest_spool import batch, held, largest_file, spool


def deleted(folder: Path) -> None:
    shutil.rmtree(folder)


def deleted_with_its_root(folder: Path) -> None:
    shutil.rmtree(folder.parent)


def moved(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def replaced_by_a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("")


def replaced_by_a_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def replaced_by_a_link(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.symlink_to(folder.with_name("nowhere"))


def emptied(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def without_its_lock(folder: Path) -> None:
    (folder / "lock").unlink()


def with_another_lock(folder: Path) -> None:
    (folder / "lock").unlink()
    (folder / "lock").touch()


def without_its_segment(folder: Path) -> None:
    for file in folder.glob("*.spool"):
        file.unlink()


HARM = [
    deleted,
    deleted_with_its_root,
    moved,
    replaced_by_a_file,
    replaced_by_a_folder,
    replaced_by_a_link,
    emptied,
    without_its_lock,
    with_another_lock,
    without_its_segment,
]


@pytest.mark.parametrize("harm", HARM)
def test_no_batch_is_said_to_be_durable_in_a_file_that_is_gone(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    """And what was durable before is forwarded all the same, from the files that are kept open."""
    one = Spool(tmp_path / "spools" / "one", 1 << 20)
    one.open()
    one.append(batch(1))
    harm(tmp_path / "spools" / "one")
    with pytest.raises(SpoolRefused):
        one.append(batch(2))
    assert [waiting.batch_id for path in one.segments() for waiting in one.read(path)] == [
        batch(1).batch_id
    ]
    one.close()


@pytest.mark.parametrize("harm", HARM)
def test_when_the_folder_can_be_used_again_it_is_and_nothing_was_lost(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    folder = tmp_path / "spools" / "one"
    one = Spool(folder, 1 << 20, segment_bytes=1)
    one.open()
    one.append(batch(1))
    one.append(batch(2))
    harm(folder)
    one.check()
    if folder.is_file() or folder.is_symlink():
        assert one.trouble
        with pytest.raises(SpoolUnusable):
            one.append(batch(3))
        folder.unlink()
        one.check()
    assert one.trouble is None
    one.append(batch(3))
    ids = sorted({each.batch_id for each in held(one)})
    assert ids == [batch(number).batch_id for number in (1, 2, 3)]
    one.close()

    again = Spool(folder, 1 << 20)
    again.open()
    assert sorted({each.batch_id for each in held(again)}) == ids
    again.close()


def test_a_folder_that_another_process_has_taken_over_is_left_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    one, other = Spool(folder, 1 << 20, segment_bytes=1), Spool(folder, 1 << 20, segment_bytes=1)
    one.open()
    one.append(batch(1))
    (folder / "lock").unlink()
    other.open()
    for path in other.segments():
        other.forget(path)
    other.append(batch(2))
    one.check()
    assert "used by another process" in (one.trouble or "")
    with pytest.raises(SpoolUnusable):
        one.append(batch(3))
    for path in one.segments():  # it forwards what it knows, and deletes nothing of the other's
        assert [each.batch_id for each in one.read(path)] == [batch(1).batch_id]
        one.forget(path)
    assert [each.batch_id for each in held(other)] == [batch(2).batch_id]
    other.close()
    one.check()
    assert one.trouble is None
    assert [each.batch_id for each in held(one)] == [batch(2).batch_id]
    one.close()


def refusing(code: int) -> Callable[..., int]:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(code, os.strerror(code))

    return refuse


@pytest.mark.parametrize(
    "code", [errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES, errno.ENOENT]
)
@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_a_check_finds_out_that_nothing_can_be_written(
    code: int, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refusing(code))
            one.check()
            assert os.strerror(code) in (one.trouble or "")
        one.check()
        assert one.trouble is None
        one.append(batch(2))
        assert held(one) == [batch(1), batch(2)]


def test_a_check_finds_a_full_disk(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        with largest_file(100):
            one.check()
            assert one.trouble
        one.check()
        assert one.trouble is None


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EIO])
def test_what_is_forwarded_and_cannot_be_removed_is_not_forwarded_for_ever(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spool(tmp_path, segment=1) as one:
        one.append(batch(1))
        (path,) = one.segments()
        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refusing(code))
            one.forget(path)
            assert (one.segments(), one.bytes) == ([], 0)
        one.check()
        assert (one.segments(), path.exists(), one.trouble) == ([], False, None)


def wrong(payload: object) -> bytes:
    data = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return len(data).to_bytes(4, "big") + zlib.crc32(data).to_bytes(4, "big") + data


WRONG = [
    wrong(b"no json"), wrong(b"\xff\xfe"), wrong({}), wrong([]), wrong(None), wrong(7), wrong([1, 2,
          3]),
    wrong(["e1-000000000001", 1, None, {}]), wrong([1, 1, [], {}]), wrong(["e1-000000000001", 1,
           [["a"]], {}]),
    wrong(["e1-000000000001", 1 << 62, [], {}]), wrong(["e1-000000000001", "1", [], {}]), wrong([[],
           [], [], []]),
    wrong(["e1-000000000001", 1, [], {"bot": 1 << 60}]), wrong(["..", 1, [], {}]),
           wrong(b"[" * 5000),
]  # fmt: skip


@pytest.mark.parametrize("record", WRONG)
def test_a_record_with_the_right_checksum_and_the_wrong_content_stops_no_start(
    record: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    data = encode_record(batch(1)) + record + encode_record(batch(3))
    (folder / "000000000004.spool").write_bytes(data)
    (folder / "000000000005.spool").write_bytes(record)
    with spool(tmp_path) as one:
        assert one.trouble is None
        (path,) = one.segments()
        assert held(one) == [batch(1), batch(3)]
        one.forget(path)
    assert (folder / "000000000004.damaged").read_bytes() == data
    assert (folder / "000000000005.damaged").read_bytes() == record


def test_things_that_are_no_segments_stop_no_start(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "000000000001.spool").mkdir()
    os.mkfifo(folder / "000000000002.spool")
    (folder / "000000000003.spool").symlink_to("/dev/zero")
    (folder / "²³.spool").write_bytes(encode_record(batch(1)))
    (folder / f"{'9' * 200}.spool").write_bytes(encode_record(batch(2)))
    with spool(tmp_path) as one:
        assert one.trouble is None
        assert {path.name for path in one.unreadable} == {
            f"00000000000{number}.spool" for number in (1, 2, 3)
        }
        assert len(one.segments()) == 2
        one.append(batch(3))
        (folder / "000000000001.spool").rmdir()
        (folder / "000000000001.spool").write_bytes(encode_record(batch(4)))
        one.check()
        assert sorted(each.batch_id for path in one.segments() for each in one.read(path)) == [
            batch(number).batch_id for number in (1, 2, 4)
        ]


AT_START: list[Callable[[Path], object]] = [
    lambda folder: folder.write_text(""),
    lambda folder: (folder / "lock").mkdir(parents=True),
    lambda folder: folder.symlink_to("/proc/1/nothing"),
    lambda folder: folder.symlink_to(folder),
]


@pytest.mark.parametrize("harm", AT_START)
async def test_a_start_without_a_usable_spool_goes_on_with_confirms(
    harm: Callable[[Path], object],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.01)
    folder, broker, registry = tmp_path / "one", ConfirmsInMemory(), new_registry()

    def usable() -> float | None:
        return registry.get_sample_value("luotdoc_spool_usable")

    harm(folder)
    async with opened(broker, folder, registry=registry) as one, forwarding(one):
        checking = asyncio.create_task(one.check())
        await one.deliver(numbered(1))
        assert broker.confirmed == [1]
        assert one.refusing is None
        assert "RabbitMQ's confirm alone" in (one.degraded or "")
        assert usable() == 0
        broker.fails = lambda _: AWAY
        with pytest.raises(SpoolUnusable):
            await one.deliver(numbered(2))
        assert "RabbitMQ takes no batches, and neither does the spool" in str(one.refusing)
        broker.fails = lambda _: None
        await one.deliver(numbered(2))  # the same id
        assert (broker.confirmed, room_in(one)) == ([1, 2], True)
        await asyncio.sleep(0.1)
        folder.rename(tmp_path / "away")  # at once: the check goes on meanwhile
        await eventually(lambda: usable() == 1)
        assert one.degraded is None
        broker.fails = lambda _: AWAY
        await one.deliver(numbered(3))
        assert len(list(folder.glob("*.spool"))) == 1
        checking.cancel()
    assert (
        caplog.text.count("the spool cannot be used") == caplog.text.count("can be used again") == 1
    )


@pytest.mark.parametrize("harm", HARM)
async def test_what_was_spooled_before_the_harm_reaches_the_broker_under_the_same_ids(
    harm: Callable[[Path], None], tmp_path: Path
) -> None:
    folder, broker = tmp_path / "spools" / "one", ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    async with opened(broker, folder) as one:
        await one.deliver(numbered(1))
        harm(folder)
        with pytest.raises(SpoolRefused):
            await one.deliver(numbered(2))
        broker.fails = lambda _: None
        async with forwarding(one):
            await eventually(lambda: 1 in broker.confirmed)
            await one.deliver(numbered(2))
    assert sorted(set(broker.confirmed)) == [1, 2]


async def test_a_disk_that_does_not_answer_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    sync = os.fdatasync

    def hang(descriptor: int) -> None:
        os.read(read, 1)
        sync(descriptor)

    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    one = Outlet(
        publish=broker,
        spool=Spool(tmp_path, 1 << 20),
        clock=lambda: NOON,
        metrics=IngestMetrics(new_registry()),
    )
    await one.open()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", hang)
        patch.setattr(module, "DISK_SECONDS", 0.05)
        with pytest.raises(SpoolUnusable, match="does not answer"):
            await one.deliver(numbered(1))
        assert one.refusing
        broker.fails = lambda _: None
        await one.deliver(numbered(1))
        assert (broker.confirmed, room_in(one)) == ([1], True)
    os.write(write, b"x")
    await one.close()
    os.close(read)
    os.close(write)


def test_a_batch_is_numbered_once(tmp_path: Path) -> None:
    """A record that was refused is cut off, so that only the broker gets it."""
    with spool(tmp_path) as one:
        one.append(batch(1))
        (tmp_path / "one" / "lock").unlink()
        with pytest.raises(SpoolUnusable):
            one.append(batch(2))
        one.check()
        one.append(batch(3))
        assert [each.batch_id for each in held(one)] == [
            Batch("e1-000000000001", 1, []).batch_id,
            batch(3).batch_id,
        ]
