"""Whether the flushes of a counter keep up."""


def pause_after(took: float, interval: float) -> float:
    """The seconds between a flush that took `took` and the next one.

    A read waits for the rest of the flush that runs when it comes, for the pause, and for its own
    flush. Together these are at most `interval`, while flushes take up to a sixth of it. Slower
    ones gather more reads, so that they take a fifth of the time; the longest pause is `interval`.
    """
    return min(interval, max(interval - 2 * took, 4 * took))


class FlushPace:
    """Notes how flushes go. `interval`: seconds for which a read may wait. Moments are by
    `time.perf_counter`.
    """

    def __init__(self, interval: float) -> None:
        self._interval, self._took = interval, 0.0
        self.failing_since: float | None = None
        """Moment at which flushes began to fail; None while they work."""

    @property
    def behind(self) -> bool:
        """True while flushes fail, or the last one took longer than reads may wait."""
        return self.failing_since is not None or self._took > self._interval

    @property
    def pause(self) -> float:
        """The seconds until the next flush."""
        return pause_after(self._took, self._interval)

    def failed(self, started: float) -> None:
        """An attempt that began at `started` has failed."""
        if self.failing_since is None:
            self.failing_since = started

    def flushed(self, seconds: float) -> None:
        """A flush was committed, and took `seconds`."""
        self.failing_since, self._took = None, seconds

    def idle(self) -> None:
        """There was nothing to flush, so the last one's time says nothing about now."""
        self._took = 0.0
