"""The spool on a real disk:
what was told to be durable is there after any crash, and nothing else is.
"""

import errno
import os
import resource
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from services.ingest.reads.segment import decode_record, encode_record
from services.ingest.reads.spool import Spool, SpoolFull
from services.ingest.reads.spool_folder import SpoolLocked, instances
from shared.rabbit.batch import QUARTER_MS, Batch, join_hashes
from shared.rabbit.batch_parsing import parse

MINTED = 1_795_417_500_000


def batch(number: int, reads: int = 1) -> Batch:
    quarter = MINTED // QUARTER_MS
    groups = [("reader", "ls0001", quarter, 1, 20_782, 1)] * reads + [
        ("bot", "ls0001", quarter, 10 + number, 0, 0)
    ]
    return Batch(
        f"e1-{number:012d}",
        MINTED + number,
        groups,
        join_hashes(["0123456789abcdef"] * reads),
        ((quarter, {"search": reads}, {"mobile": reads}),) if reads else (),
    )


SIZE = len(encode_record(batch(0)))


@contextmanager
def spool(folder: Path, limit: int = 1 << 20, segment: int = 1 << 16) -> Iterator[Spool]:
    one = Spool(folder / "one", limit, segment)
    one.open()
    try:
        yield one
    finally:
        one.close()


def held(one: Spool) -> list[Batch]:
    """Everything that waits, oldest first."""
    return [batch for segment in sorted(one.folder.glob("*.spool")) for batch in one.read(segment)]


# ── records
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_is_read_back_as_it_was() -> None:
    batches, end = decode_record(
        encode_record(batch(7, reads=3)) + encode_record(batch(8, reads=0))
    )
    assert batches == [batch(7, reads=3), batch(8, reads=0)]
    assert end == len(encode_record(batch(7, reads=3))) + len(encode_record(batch(8, reads=0)))


def as_version_1(number: int) -> bytes:
    """The record that an earlier release wrote:
    two reads of two classes, one of them with a visitor.
    """
    reads = [["ls0001", MINTED, "reader", "0123456789abcdef"], ["ls0002", MINTED, "batch", ""]]
    payload = orjson.dumps([f"e1-{number:012d}", MINTED + number, reads, {"bot": 3}])
    return struct.pack(">II", len(payload), zlib.crc32(payload)) + payload


def test_records_of_an_earlier_release_are_read_and_forwarded_beside_new_ones(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "000000000000.spool").write_bytes(
        as_version_1(0) + as_version_1(1) + encode_record(batch(2))
    )
    quarter = MINTED // QUARTER_MS
    with spool(tmp_path) as one:
        found = held(one)
        assert [each.batch_id for each in found] == [f"e1-{number:012d}" for number in range(3)]
        old = [
            ("reader", "ls0001", quarter, 1),
            ("batch", "ls0002", quarter, 1),
            ("bot", "", quarter, 3),
        ]
        assert found[0].groups == found[1].groups == [(*group, 0, 0) for group in old]
        assert found[2] == batch(2)
        assert [
            parse(each.headers(), each.body()) for each in found
        ] == found  # as the counter gets them
        (segment,) = one.segments()
        one.forget(segment)
        assert not list(folder.glob("*.damaged"))


def test_a_record_is_forwarded_in_the_bytes_that_the_broker_was_offered() -> None:
    ((again,), _) = decode_record(encode_record(batch(7)))
    assert (again.headers(), again.body()) == (batch(7).headers(), batch(7).body())


@pytest.mark.parametrize(
    "payload",
    [[1, 2, 3], ["e1-000000000000", MINTED, 1, None], ["e1-000000000000", MINTED, 1, {"v": 3,
     "groups": []}],
     ["e1-000000000000", MINTED, 2, {"v": 2, "groups": [["reader", "a", 1, 1, 0, 0]]}],
     ["e1-000000000000", MINTED, None, {}], ["e1-000000000000", MINTED, True, {"v": 2,
      "groups": []}],
     ["e1-000000000000", MINTED, [["a", 1]], {}], {"a": 1, "b": 2, "c": 3, "d": 4}, "abcd"],
)  # fmt: skip
def test_a_whole_record_that_holds_no_batch_is_left_out(payload: object) -> None:
    content = orjson.dumps(payload)
    record = struct.pack(">II", len(content), zlib.crc32(content)) + content
    assert decode_record(record + encode_record(batch(1))) == ([batch(1)], 0)


def test_zeroes_behind_a_crash_are_no_records() -> None:
    assert decode_record(bytes(4096)) == ([], 0)


# ── the folder
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_batches_come_back_in_their_order_also_from_the_next_process(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        for number in range(5):
            one.append(batch(number))
        assert held(one) == [batch(number) for number in range(5)]
        assert (one.bytes, one.oldest_minted_at) == (5 * SIZE, MINTED)
    with spool(tmp_path) as again:
        assert held(again) == [batch(number) for number in range(5)]
        assert (again.bytes, again.oldest_minted_at) == (5 * SIZE, MINTED)


def test_a_batch_is_in_the_file_when_append_returns(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        (file,) = (tmp_path / "one").glob("*.spool")
        assert file.read_bytes() == encode_record(batch(1))


def test_a_batch_is_synced_to_the_disk_and_so_is_its_file_s_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def watched(call: str) -> None:
        original = getattr(os, call)

        def sync(descriptor: int) -> None:
            kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
            synced.append(
                f"{kind} {os.fstat(descriptor).st_size if kind == 'file' else ''}".strip()
            )
            original(descriptor)

        monkeypatch.setattr(os, call, sync)

    watched("fsync")
    watched("fdatasync")
    with spool(tmp_path) as one:
        one.append(batch(1))
        assert synced == ["folder", "folder", f"file {SIZE}"]  # the one around the new folder first
        one.append(batch(2))
        assert synced[3:] == [f"file {2 * SIZE}"]
        (segment,) = one.segments()
        one.forget(segment)
        assert synced[4:] == ["folder"]


def test_a_segment_that_is_large_enough_is_followed_by_another(tmp_path: Path) -> None:
    with spool(tmp_path, segment=2 * SIZE) as one:
        for number in range(5):
            one.append(batch(number))
        segments = one.segments()
        assert [segment.name for segment in segments] == [
            "000000000000.spool",
            "000000000001.spool",
        ]
        assert [len(one.read(segment)) for segment in segments] == [2, 2]
        for segment in segments:
            one.forget(segment)
        (last,) = one.segments()
        assert (last.name, one.read(last)) == ("000000000002.spool", [batch(4)])
        one.forget(last)
        assert one.segments() == []


def test_what_comes_after_the_list_was_asked_for_goes_into_a_new_segment(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        (first,) = one.segments()
        one.append(batch(2))
        assert one.read(first) == [batch(1)]
        one.forget(first)
        assert held(one) == [batch(2)]
        assert one.oldest_minted_at == MINTED + 2


def test_looking_again_and_again_makes_no_new_segments(tmp_path: Path) -> None:
    with spool(tmp_path, segment=4 * SIZE) as one:
        for number in range(9):
            one.append(batch(number))
            one.segments()
        files = sorted((tmp_path / "one").glob("*.spool"))
        assert [file.stat().st_size for file in files] == [SIZE, 4 * SIZE, 4 * SIZE]


def test_a_forgotten_segment_is_gone_for_ever_and_its_number_too(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        (first,) = one.segments()
        one.append(batch(2))
        one.forget(first)
        assert (one.bytes, not first.exists()) == (SIZE, True)
    with spool(tmp_path) as again:
        again.append(batch(3))
        assert held(again) == [batch(2), batch(3)]
        names = [file.name for file in sorted((tmp_path / "one").glob("*.spool"))]
        assert names == ["000000000001.spool", "000000000002.spool"]


def test_an_empty_spool_leaves_no_segment_behind(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        assert (one.segments(), one.bytes, one.oldest_minted_at) == ([], 0, None)
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["lock"]


@pytest.mark.parametrize("torn", [1, 7, 8, 9, SIZE - 1])
def test_a_tail_torn_by_a_crash_is_never_read_and_the_rest_is_kept(
    torn: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        (segment,) = one.segments()
    with segment.open("ab") as file:
        file.write(encode_record(batch(2))[:torn])

    with spool(tmp_path) as again:
        assert held(again) == held(again) == [batch(1)]
        assert again.bytes == segment.stat().st_size == SIZE + torn
        again.append(batch(3))
        assert held(again) == [batch(1), batch(3)]
        assert again.oldest_minted_at == MINTED + 1
        again.forget(segment)
        assert (held(again), again.bytes, again.oldest_minted_at) == ([batch(3)], SIZE, MINTED + 3)
    assert caplog.text.count(f"torn or damaged after byte {SIZE}") == 1
    assert (
        segment.with_suffix(".damaged").read_bytes()
        == encode_record(batch(1)) + encode_record(batch(2))[:torn]
    )


def test_a_segment_that_holds_nothing_whole_is_put_aside(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        (segment,) = one.segments()
    torn = encode_record(batch(1))[:20]
    segment.write_bytes(torn)
    with spool(tmp_path) as again:
        assert (again.segments(), again.bytes, again.oldest_minted_at, segment.exists()) == (
            [],
            0,
            None,
            False,
        )
    with spool(tmp_path) as later:
        later.append(batch(2))
        assert [segment.name for segment in later.segments()] == ["000000000001.spool"]
    assert segment.with_suffix(".damaged").read_bytes() == torn


def test_a_segment_in_which_nothing_was_written_is_removed(tmp_path: Path) -> None:
    with spool(tmp_path):
        (tmp_path / "one" / "000000000000.spool").touch()
    with spool(tmp_path) as again:
        assert (again.segments(), again.bytes) == ([], 0)
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["lock"]


def test_two_processes_never_share_a_folder(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        other = Spool(tmp_path / "one", 1 << 20)
        with pytest.raises(SpoolLocked, match="give each LUOTDOC_INSTANCE its own"):
            other.open()
        one.append(batch(1))
    other.open()
    assert held(other) == [batch(1)]
    other.close()


def test_only_its_owner_may_look_into_it(tmp_path: Path) -> None:
    with spool(tmp_path):
        assert stat.S_IMODE((tmp_path / "one").stat().st_mode) & 0o077 == 0


def test_the_instances_that_have_a_spool_are_known(tmp_path: Path) -> None:
    assert list(instances(tmp_path / "none")) == []
    for name in ("b", "a"):
        one = Spool(tmp_path / name, 1 << 20)
        one.open()
        one.close()
    (tmp_path / "c").mkdir()
    assert list(instances(tmp_path)) == ["a", "b"]


def test_what_lies_in_the_folders_beside_it_is_known(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        assert one.orphans() == {}
        for name, batches in (("gone", 2), ("empty", 0)):
            other = Spool(tmp_path / name, 1 << 20)
            other.open()
            for number in range(batches):
                other.append(batch(number))
            other.close()
        assert one.orphans() == {
            "gone": len(encode_record(batch(0))) + len(encode_record(batch(1)))
        }


def test_folders_that_are_closed_to_it_do_not_trouble_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as a disk's `lost+found`, or the spool of another user."""
    for name in ("closed", "one"):
        other = Spool(tmp_path / name, 1 << 20)
        other.open()
        other.append(batch(1))
        other.close()
    closed, real, reals = os.fspath(tmp_path / "closed"), os.stat, os.listdir

    def refuse(path: object) -> None:
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(closed):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def stat_(path: str, **options: bool) -> os.stat_result:
        refuse(path)
        return real(path, **options)

    def listdir(path: str) -> list[str]:
        refuse(path)
        return reals(path)

    with spool(tmp_path) as one:
        assert set(one.orphans()) == {"closed"}
        monkeypatch.setattr(os, "stat", stat_)
        monkeypatch.setattr(os, "listdir", listdir)
        assert (list(instances(tmp_path)), one.orphans()) == (["one"], {})
        closed = os.fspath(tmp_path)
        assert one.orphans() == {}


# ── no room
# ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_limit_holds_to_the_byte(tmp_path: Path) -> None:
    with spool(tmp_path, limit=2 * SIZE) as one:
        one.append(batch(1))
        one.append(batch(2))
        with pytest.raises(SpoolFull, match=f"holds {2 * SIZE} of {2 * SIZE} bytes"):
            one.append(batch(3))
        assert held(one) == [batch(1), batch(2)]


def test_there_is_room_again_once_a_segment_is_forgotten(tmp_path: Path) -> None:
    with spool(tmp_path, limit=2 * SIZE, segment=SIZE) as one:
        one.append(batch(1))
        one.append(batch(2))
        with pytest.raises(SpoolFull):
            one.append(batch(3))
        one.forget(one.segments()[0])
        one.append(batch(3))
        assert held(one) == [batch(2), batch(3)]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes:
    as on a full disk, the write that reaches it takes a part without error.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [SIZE, SIZE + 1, 2 * SIZE - 1])
def test_a_record_that_the_disk_takes_in_part_is_refused_and_leaves_no_trace(
    room: int, tmp_path: Path
) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        with largest_file(room), pytest.raises(SpoolFull, match="the disk took no more"):
            one.append(batch(2))
        one.append(batch(3))
        assert held(one) == [batch(1), batch(3)]
        files = (tmp_path / "one").glob("*.spool")
        assert sum(file.stat().st_size for file in files) == one.bytes == 2 * SIZE


def test_a_first_record_that_the_disk_does_not_take_leaves_no_file(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        with largest_file(SIZE - 1), pytest.raises(SpoolFull):
            one.append(batch(1))
        assert (held(one), one.bytes, list((tmp_path / "one").glob("*.spool"))) == ([], 0, [])
        one.append(batch(2))
        assert held(one) == [batch(2)]


def failing(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_disk_that_does_not_sync_is_a_disk_that_did_not_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", failing)
            with pytest.raises(SpoolFull, match="Input/output error"):
                one.append(batch(2))
        one.append(batch(3))
        assert held(one) == [batch(1), batch(3)]
    with spool(tmp_path) as again:
        assert held(again) == [batch(1), batch(3)]


def test_a_file_whose_name_is_not_synced_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spool(tmp_path) as one:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", failing)
            with pytest.raises(SpoolFull, match="Input/output error"):
                one.append(batch(1))
        assert (one.bytes, list((tmp_path / "one").glob("*.spool"))) == (0, [])
        one.append(batch(2))
        assert held(one) == [batch(2)]


def test_where_not_even_cutting_works_the_segment_ends_before_the_failed_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with spool(tmp_path) as one:
        one.append(batch(1))
        with monkeypatch.context() as patch, largest_file(SIZE + 9):
            patch.setattr(os, "ftruncate", failing)
            with pytest.raises(SpoolFull):
                one.append(batch(2))
        one.append(batch(3))
        assert held(one) == [batch(1), batch(3)]
    with spool(tmp_path) as again:
        assert held(again) == [batch(1), batch(3)]


def test_damage_is_kept_for_people_to_look_at(tmp_path: Path) -> None:
    """A record that the disk has spoilt costs itself and those behind it,
    and none of them silently.
    """
    spool = Spool(tmp_path / "one", 1 << 20, segment_bytes=1)
    spool.open()
    for number in range(2):
        spool.append(Batch(f"e-{number:012d}", 1, [("reader", "a1", 1, 1, 0, 0)]))
    first, second = spool.segments()
    data = bytearray(first.read_bytes())
    data[-3] ^= 1
    first.write_bytes(data)
    assert spool.read(first) == []
    spool.forget(first)
    assert [file.name for file in sorted(first.parent.glob("*.damaged"))] == [
        "000000000000.damaged"
    ]
    assert [batch.batch_id for batch in spool.read(second)] == ["e-000000000001"]
    spool.forget(second)
    assert not list(first.parent.glob("*.spool"))
    spool.close()


def test_a_file_that_is_too_large_for_a_segment_stays_in_place_unread(tmp_path: Path) -> None:
    with spool(tmp_path) as one:
        one.append(batch(0))
        folder = one.segments()[0].parent
    foreign = folder / "000000000009.spool"
    foreign.touch()
    os.truncate(foreign, 1 << 40)  # sparse; read whole it would not fit into memory
    with spool(tmp_path) as again:
        assert [one for path in again.segments() for one in again.read(path)] == [batch(0)]
        assert list(again.unreadable) == [foreign]
        assert "larger than any segment" in again.unreadable[foreign]
    assert foreign.exists()


@pytest.mark.parametrize("spoilt", [0, 1], ids=["an older segment", "the last segment"])
@pytest.mark.parametrize("record", [0, 1, 2])
def test_a_start_destroys_nothing_that_it_cannot_read(
    spoilt: int, record: int, tmp_path: Path
) -> None:
    """One bit in any record, in any segment, on a disk that is full:
    what stands behind it is still there.
    """
    with spool(tmp_path, segment=3 * SIZE) as one:
        for number in range(6):
            one.append(batch(number))
        segments = one.segments()
    data = bytearray(segments[spoilt].read_bytes())
    data[record * SIZE + 20] ^= 1
    segments[spoilt].write_bytes(data)
    whole = [batch(number) for number in range(6) if not record <= number - 3 * spoilt < 3]
    with largest_file(0), spool(tmp_path) as again:
        assert held(again) == whole
        for segment in again.segments():
            again.forget(segment)
        assert (again.bytes, again.oldest_minted_at) == (0, None)
    assert [file.name for file in segments[0].parent.glob("*.spool")] == []
    assert segments[spoilt].with_suffix(".damaged").read_bytes() == data
