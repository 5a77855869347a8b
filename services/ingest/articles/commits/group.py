"""Group commit: changes of different articles share a transaction. Pure.

A commit takes as long for thirty articles as for one, because it waits for the disk. A change that
comes alone is committed at once; those that come meanwhile make the next group.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field

from services.ingest.articles.article import StoredArticle
from services.ingest.articles.changes import Decision

GROUP = 32
"""Upper bound for the changes of a group."""
Decide = Callable[[StoredArticle | None], Decision]


@dataclass(eq=False, slots=True)
class PendingChange:
    """A change that awaits its commit, with its request's correlation id and traceparent."""

    article: str
    decide: Decide
    correlation_id: str
    traceparent: str
    outcome: asyncio.Future[Decision] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    context: Context = field(default_factory=copy_context)
    """The group runs in that of its first change, so that its spans belong to this one's trace."""


class NotTogether(Exception):
    """The group can't be committed together: a write conflicts, or is at fault."""


Outcome = Decision | Exception
Together = Callable[[Sequence[PendingChange]], Awaitable[Sequence[Outcome]]]
"""Commits changes of different articles; answers the outcome of each, in order. Raises
`NotTogether` if nothing is committed and each must be tried alone."""
Alone = Callable[[PendingChange], Awaitable[Decision]]
"""Commits one change, however often that must be tried."""


class GroupCommit:
    """Gathers changes into groups, and commits one group at a time: what comes meanwhile makes the
    next, and the more there is to do the larger it gets. An article's changes are committed in the
    order in which they came.

    A change that is tried alone, because its article is locked by another process for example,
    keeps no group back.
    """

    def __init__(self, together: Together, alone: Alone) -> None:
        self._together, self._alone = together, alone
        self._waiting: list[PendingChange] = []
        self._held = set[str]()
        self._group: asyncio.Task[None] | None = None
        self._trying = set[asyncio.Task[None]]()

    async def change(self, pending: PendingChange) -> Decision:
        """The outcome of the change. Raises the error of `decide`, or of the commit.

        A caller that is cancelled leaves at once; the change may be committed nevertheless.
        """
        self._waiting.append(pending)
        self._start()
        return await pending.outcome

    def _start(self) -> None:
        if self._group is None and (group := self._next()):
            self._group = asyncio.create_task(self._commit(group), context=group[0].context)
            self._group.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._group = None
        if not task.cancelled():
            self._start()

    def _next(self) -> list[PendingChange]:
        group, later = list[PendingChange](), list[PendingChange]()
        for each in self._waiting:
            if each.outcome.done():
                continue  # its caller was cancelled
            if len(group) < GROUP and each.article not in self._held:
                self._held.add(each.article)
                group.append(each)
            else:
                later.append(each)
        self._waiting = later
        return group

    async def _commit(self, group: list[PendingChange]) -> None:
        outcomes: Sequence[Outcome]
        try:
            outcomes = await self._together(group)
        except NotTogether:
            for each in group:
                task = asyncio.create_task(self._try(each), context=each.context)
                self._trying.add(task)
                task.add_done_callback(self._trying.discard)
            return
        except Exception as error:
            outcomes = [error] * len(group)
        for each, outcome in zip(group, outcomes, strict=True):
            self._settle(each, outcome)

    async def _try(self, change: PendingChange) -> None:
        try:
            outcome: Outcome = await self._alone(change)
        except Exception as error:
            outcome = error
        self._settle(change, outcome)
        self._start()

    def _settle(self, change: PendingChange, outcome: Outcome) -> None:
        self._held.discard(change.article)
        if change.outcome.done():
            return
        if isinstance(outcome, Exception):
            change.outcome.set_exception(outcome)
        else:
            change.outcome.set_result(outcome)
