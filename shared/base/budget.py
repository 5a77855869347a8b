"""A budget of time for work that may wait, so that a crowd of callers leaves time for the rest."""

import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class Budget:
    """Seconds of work: `share` of them come in each second, up to `most`. Work may begin while the
    budget is not overdrawn, and what it took is spent afterwards. So a few callers never wait, and
    many get `share` of the time.

    It is overdrawn by at most `debt` seconds, which bounds the rest after one piece of work.
    """

    def __init__(
        self,
        share: float,
        most: float,
        *,
        debt: float,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._share, self._most, self._debt, self._seconds = share, most, debt, seconds
        self._left, self._counted_at = most, seconds()

    def spend(self, seconds: float) -> None:
        """Note that work has taken `seconds` since the last call of `spend` or `wait`."""
        now = self._seconds()
        came = (now - self._counted_at) * self._share
        # Together: what came while the work was done must not be cut to `most` before.
        self._left = max(-self._debt, min(self._most, self._left + came - seconds))
        self._counted_at = now

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Spend the time that the block takes."""
        started = self._seconds()
        try:
            yield
        finally:
            self.spend(self._seconds() - started)

    def wait(self, promised: float = 0.0) -> float:
        """The seconds until work may begin; 0 if it may begin now. `promised` are those that work
        which has begun will take: it can't hold back more than half of what the budget may have.
        """
        self.spend(0)
        return max(0.0, (min(promised, self._most / 2) - self._left) / self._share)


FIRST_COST, NEWEST, MOST_COST = 0.002, 0.1, 0.05
"""The cost of a piece of work while none has ended, the weight of the newest in their mean, and the
most that one counts there: a long answer waits for its turn again and again."""


class ProcessorBudget:
    """For work that may begin while this process, with all of its threads, uses less than `whole`
    of the processors' time. What is spent comes from `least`, whose share is there however busy the
    process is with other things.

    Work that has begun is expected to cost as much as others did, and so much is kept of both:
    without that, all that wait would begin as soon as one may.
    """

    def __init__(
        self, whole: Budget, least: Budget, processor: Callable[[], float] = time.process_time
    ) -> None:
        self._whole, self._least, self._processor = whole, least, processor
        self._used = processor()
        self._begun, self._cost = set["Metered[Any]"](), FIRST_COST

    @contextmanager
    def doing(self, work: "Metered[Any]") -> Iterator[None]:
        """Expect that `work`, which is done in the block, costs as much as others did."""
        self._begun.add(work)
        try:
            yield
        finally:
            self._begun.remove(work)
            self._cost += NEWEST * (min(work.used, MOST_COST) - self._cost)

    def spend(self, seconds: float) -> None:
        """Note that work has taken `seconds` of processor time."""
        self._least.spend(seconds)

    def wait(self) -> float:
        """The seconds until work may begin; 0 if it may begin now."""
        before, self._used = self._used, self._processor()
        self._whole.spend(self._used - before)
        promised = sum([max(0.0, self._cost - work.used) for work in self._begun])
        return min(self._whole.wait(promised), self._least.wait(promised))


class Metered(Generic[T]):
    """Awaits `work`, and spends from `budget` the processor time that it uses in this thread: not
    that of others which run while it waits, nor of tasks that it has started.
    """

    def __init__(
        self,
        work: Coroutine[Any, Any, T],
        budget: Budget | ProcessorBudget,
        processor: Callable[[], float] = time.thread_time,
    ) -> None:
        self._work, self._budget, self._processor = work, budget, processor
        self.used = 0.0
        """The processor time until now."""

    def __await__(self) -> Generator[Any, Any, T]:
        """Drive the work step by step."""
        sent: Any = None
        error: BaseException | None = None
        while True:
            started = self._processor()
            try:
                waited_for = self._work.throw(error) if error else self._work.send(sent)
            except StopIteration as end:
                return cast(T, end.value)
            finally:
                took = self._processor() - started
                self.used += took
                self._budget.spend(took)
            sent, error = None, None
            try:
                sent = yield waited_for
            except BaseException as raised:  # such as a cancellation, which the work must see
                error = raised
