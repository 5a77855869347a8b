"""Whether the flushes of a counter keep up."""


class FlushPace:
    """Notes how flushes go. `interval`: seconds between two. Moments are by `time.perf_counter`."""

    def __init__(self, interval: float) -> None:
        self._interval, self._took = interval, 0.0
        self.failing_since: float | None = None
        """Moment at which flushes began to fail; None while they work."""

    @property
    def behind(self) -> bool:
        """True while flushes fail, or the last one took longer than the time between two."""
        return self.failing_since is not None or self._took > self._interval

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
