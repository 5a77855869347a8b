"""One client that listens to the live figures."""

from typing import Protocol

from services.stats.live.frames import EVERYTHING


class OpenAnswer(Protocol):
    """What a listener needs of `shared.web.uvicorn_protocol.EndlessAnswer`."""

    def write(self, chunk: bytes) -> None:
        """Send a part of the body that is encoded as a chunk."""

    def unsent(self) -> int:
        """Bytes that the system has not taken, because the client reads too slowly."""

    def unconfirmed(self) -> int:
        """Bytes that the system has taken and the client's has not confirmed."""

    def wake(self) -> None:
        """Let a `receive` that waits for the client return."""

    def abort(self) -> None:
        """Close the connection now. What the client did not take is thrown away."""


def chunk(body: bytes) -> bytes:
    """A part of an answer's body as HTTP's chunked encoding has it."""
    return b"%x\r\n%b\r\n" % (len(body), body)


CHUNK_OF_HEARTBEAT = chunk(b":\n\n")
"""A comment, which clients pass over."""


class Listener:
    """A listener to `articles`, or to all if there are none."""

    __slots__ = (
        "answer",
        "articles",
        "behind_since",
        "confirmed",
        "confirmed_at",
        "ended",
        "owed",
        "seen",
        "written",
        "written_at",
    )

    def __init__(
        self, answer: OpenAnswer, articles: tuple[str, ...] = (), seen: int = EVERYTHING
    ) -> None:
        self.answer, self.articles, self.seen = answer, articles, seen
        """`seen` is the version of the figures that it has."""
        self.written, self.written_at = 0, 0.0
        """Bytes that were written since it joined, and when the last ones were."""
        self.confirmed, self.confirmed_at = 0, 0.0
        """How many of them its system had confirmed, and when that was more than before."""
        self.behind_since: float | None = None
        self.owed = False
        """True: it has new reads of its articles; the site's figures have them a moment later."""
        self.ended = ""
        """Why it was ended: `stop` or `slow`."""

    def write(self, encoded: bytes, seen: int, now: float) -> None:
        """Send a chunk, after which the listener has the version `seen`."""
        self.answer.write(encoded)
        self.written += len(encoded)
        self.seen, self.written_at = seen, now

    def is_behind(self) -> bool:
        """True while its last frame is on its way."""
        return self.answer.unsent() > 0

    def is_slow(self, now: float, seconds: float) -> bool:
        """True if it has been behind for more than `seconds`. Call it again and again."""
        if not self.is_behind():
            self.behind_since = None
        elif self.behind_since is None:
            self.behind_since = now
        return self.behind_since is not None and now - self.behind_since > seconds

    def is_silent(self, now: float, seconds: float) -> bool:
        """True if its system has confirmed nothing for more than `seconds`, although something is
        on its way. Call it again and again.
        """
        on_its_way = self.answer.unconfirmed() + self.answer.unsent()
        if not on_its_way or self.written - on_its_way > self.confirmed:
            self.confirmed, self.confirmed_at = self.written - on_its_way, now
        return now - self.confirmed_at > seconds

    def end(self, reason: str) -> None:
        """Let its answer end in good order."""
        self.ended = self.ended or reason
        self.answer.wake()

    def drop(self) -> None:
        """Close its connection, because it is too slow."""
        self.ended = "slow"
        self.answer.abort()
