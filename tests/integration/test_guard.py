"""The guard on disk: what it keeps outlives the process, whatever ends that."""

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from luotdoc_subscriber import guard
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.guard import OnDisk
from tests.support.system import ROOT

KEEPS_AND_DIES = """
import asyncio, os, signal, sys
from luotdoc_subscriber.guard import OnDisk
guard = OnDisk(sys.argv[1])
asyncio.run(guard.keep("article/a1", 4))
if sys.argv[2] == "die":
    os.kill(os.getpid(), signal.SIGKILL)
print("kept", flush=True)
sys.stdin.read()
"""


def process(path: Path, end: str) -> subprocess.Popen[str]:
    """Keeps revision 4 of a1, then dies or waits for the end of its input."""
    command = [sys.executable, "-c", KEEPS_AND_DIES, str(path), end]
    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


async def test_what_is_kept_outlives_a_close(tmp_path: Path) -> None:
    held = OnDisk(tmp_path / "guard.sqlite")
    for subject, revision in (("a", 3), ("b", 1), ("a", 2)):
        await held.keep(subject, revision)
    held.close()
    again = OnDisk(tmp_path / "guard.sqlite")
    assert [await again.held(subject) for subject in "abc"] == [3, 1, 0]
    again.close()


async def test_what_is_kept_outlives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "guard.sqlite"
    with process(path, "die") as killed:
        assert killed.wait(20) == -signal.SIGKILL
    held = OnDisk(path)
    assert await held.held("article/a1") == 4
    held.close()


async def test_a_second_process_is_refused_until_the_first_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two would each hand the same article's events to their handlers."""
    path = tmp_path / "guard.sqlite"
    with process(path, "wait") as first:
        assert first.stdout
        assert first.stdout.readline() == "kept\n"
        monkeypatch.setattr(guard, "LOCKED_SECONDS", 0.1)
        with pytest.raises(Exception, match="database is locked") as refused:
            OnDisk(path)
        assert refused.value.__notes__ == [
            f"the guard's file is {path}; one process may use it, and no other meanwhile"
        ]
        first.communicate(timeout=20)
    held = OnDisk(path)
    assert await held.held("article/a1") == 4
    held.close()


async def test_a_full_disk_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[sqlite3.Connection] = []

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        connections.append(sqlite3.Connection(*given, **named))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", connect)
    held = OnDisk(tmp_path / "guard.sqlite")
    (file,) = connections  # its lock is exclusive: no other connection can limit the file
    (pages,) = file.execute("PRAGMA page_count").fetchone()
    file.execute(f"PRAGMA max_page_count = {pages}")

    async def fill() -> None:
        for number in range(1000):
            await held.keep(f"article/a{number}", 1)

    with pytest.raises(Transient, match="full"):
        await fill()
    file.execute("PRAGMA max_page_count = 1000000")
    await held.keep("article/b", 1)
    assert await held.held("article/b") == 1
    held.close()


async def test_a_file_of_something_else_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "guard.sqlite"
    path.write_bytes(b"no database " * 1000)
    with pytest.raises(sqlite3.DatabaseError) as refused:
        OnDisk(path)
    (note,) = refused.value.__notes__
    assert note.startswith(f"the guard's file {path} is damaged or another program's: stop the ")
    assert path.read_bytes().startswith(b"no database")


async def test_damage_is_not_the_fault_of_the_event(tmp_path: Path) -> None:
    """Otherwise every event would be parked as a bug."""
    path = tmp_path / "guard.sqlite"
    OnDisk(path).close()
    with sqlite3.connect(path) as rows:
        many = [(f"article/a{number}",) for number in range(2000)]
        rows.executemany("INSERT INTO held VALUES (?, 1)", many)
    rows.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    held = OnDisk(path)
    with pytest.raises(Transient, match="the guard's file is damaged: "):
        await held.held("article/a1")
    held.close()
