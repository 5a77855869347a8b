"""The time of a run: the machine's clock, moved by as much as a file says, which all processes of
the run map into their memory.
"""

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

NOBODY, WRITERS, EVERYBODY = range(3)
"""Who may be killed: no process; counters and movers; stats too."""
_FIELDS = struct.Struct("<qq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


class SharedClock:
    """A clock that any process may set, for all of them at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("a+b") as file:
            if not file.tell():
                file.write(_FIELDS.pack(0, 0))
                file.flush()
            self._map = mmap.mmap(file.fileno(), _FIELDS.size)

    def now(self) -> datetime:
        """The time, cut to milliseconds, as that of a service."""
        moved: int = _FIELDS.unpack(self._map)[0]
        return _EPOCH + (time.time_ns() // 1_000_000 + moved) * MILLISECOND

    def set(self, moment: datetime) -> None:
        """From now on it is `moment`, and later."""
        moved = (moment - _EPOCH) // MILLISECOND - time.time_ns() // 1_000_000
        self._write(moved, self.mortal)

    @property
    def mortal(self) -> int:
        """Who may be killed, and ends itself at the step that was chosen for it (`doom`)."""
        return int(_FIELDS.unpack(self._map)[1])

    @mortal.setter
    def mortal(self, mortal: int) -> None:
        self._write(_FIELDS.unpack(self._map)[0], mortal)

    def _write(self, moved: int, mortal: int) -> None:
        self._map[:] = _FIELDS.pack(moved, mortal)
