"""The operator's command `recount`: judges the reads in the stream again by the rules of this
release, shows the difference, asks, and corrects the counts once.
"""

import secrets
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from aio_pika.abc import AbstractConnection

from luotdoc_subscriber.base.clock import now, rfc3339
from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.base.plainly import say
from luotdoc_subscriber.base.progress import ProgressLine
from luotdoc_subscriber.commands.connection import connected
from services.counter.recount import stream
from services.counter.recount.applying import carry_out_plan
from services.counter.recount.correcting import (
    by_article,
    by_class,
    moves_of,
    parts,
    sources_of,
)
from services.counter.recount.judging import Changes, Judge
from services.counter.recount.plan import SENDABLE, Reach, RecountPlan, first_quarter
from services.counter.recount.relabel import chosen_classes, relabelled
from services.counter.recount.store import RecountStore
from services.counter.settings import CounterSettings
from services.counter.stages import Stage, no_stage
from shared.agents.rules import RULES, is_bot
from shared.rabbit.batch import COUNTED_HOURS, QUARTER_MS, Move
from shared.rabbit.topology import READS_LOG
from shared.storage import mongo
from shared.storage.quarters import quarter_of, start_of

MARGIN = 1
"""Quarters by which the clocks of two ingests may differ."""
TOP = 10
"""Articles that are shown."""
AGAIN = "run the same command again"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules to judge by; others than the release's are for tests."""

    # Reduces an agent again: an earlier release, whose batches are in the stream, may keep more.
    is_bot: Callable[[bytes], bool] = is_bot
    digest: str = RULES


@dataclass(frozen=True, kw_only=True)
class Recount:
    """One run of the command."""

    store: RecountStore
    connection: AbstractConnection
    rules: Rules
    confirm: Callable[[], bool]
    at_stage: Stage = no_stage

    async def run(self, relabel: str) -> None:
        """Finish a recount that was stopped; then look for differences and correct them.
        Raises `Refused` and `Transient`.
        """
        before = await self._finished(await self.store.last_plan())
        ends = await stream.ends_of(self.connection)
        oldest = quarter_of(now() - timedelta(hours=COUNTED_HOURS)) + 1
        reach = _reach(ends, before, oldest)
        why = f"; {READS_LOG.name} does not have all earlier ones" if reach.quarter > oldest else ""
        say(f"reads accepted since {rfc3339(start_of(reach.quarter))} are judged again{why}")
        changes = await self._differences(ends, reach)
        if relabel:
            was, to = chosen_classes(relabel)
            kept = [each async for each in self.store.kept(was, reach.quarter)]
            relabelled(changes, was, to, kept)
        moves, sources = moves_of(changes), sources_of(changes)
        found = list(parts(moves, sources))
        if not found:
            say("0 reads differ: there is nothing to correct")
            return
        if moves:
            _show(moves)
        else:
            say(f"no class differs; where readers came from does, in {len(sources):,} quarters")
        if not self.confirm():
            raise Refused("nothing was changed")
        plan = RecountPlan(
            number=before.number + 1 if before else 1,
            token=secrets.token_hex(16),
            made_at=now(),
            reach=reach,
            rules=self.rules.digest,
            batches=len(found),
        )
        await self.store.keep(plan, found)
        self.at_stage("planned")
        await self._carry_out(plan)
        number = sum(move[-1] for move in moves)
        say(f"{number:,} reads were moved, by {plan.batches:,} correcting batches, once")

    async def _finished(self, plan: RecountPlan | None) -> RecountPlan | None:
        """`plan` after it has ended."""
        if plan is None or plan.done:
            return plan
        if now() - plan.made_at > SENDABLE:
            say(f"recount {plan.number} was stopped too long ago to be finished; its rest is left")
            await self.store.end(plan)
        else:
            say(
                f"recount {plan.number} was stopped before its end, or runs elsewhere, and is "
                "finished first"
            )
            await self._carry_out(plan)
        return plan

    async def _carry_out(self, plan: RecountPlan) -> None:
        with ProgressLine("correcting batches counted") as line:
            await carry_out_plan(plan, self.store, self.connection, line.advance, self.at_stage)

    async def _differences(self, ends: stream.StreamEnds, reach: Reach) -> Changes:
        """What the rules change in the counts as they are now, corrections included."""
        judge = Judge(self.rules.is_bot, reach.quarter)
        # Twice: a read's agent may be announced behind it, by a batch that took another way.
        with ProgressLine("agents read") as line:
            async with aclosing(stream.batches(self.connection, ends, line.advance)) as found:
                async for some in found:
                    for batch in some:
                        judge.tell_all(batch)
        with ProgressLine("reads judged") as line:
            found = stream.batches(self.connection, ends, line.advance)
            async with aclosing(stream.counted_once(found, self.store)) as counted:
                async for batch in counted:
                    judge.show_all(batch)
        unknown = f", of {judge.unknown:,} more no agent is known" if judge.unknown else ""
        odd = f"; {judge.malformed:,} batches can't be read" if judge.malformed else ""
        say(f"{judge.judged:,} reads were judged again{unknown}{odd}")
        await self.store.take_back_corrections(judge.changes, reach.quarter)
        return judge.changes


def _reach(ends: stream.StreamEnds, before: RecountPlan | None, oldest: int) -> Reach:
    reach = Reach(ends.first, ends.first_batch, ends.last, ends.minted_at // QUARTER_MS)
    whole = ends.latest // QUARTER_MS + 1 + MARGIN
    return replace(reach, quarter=first_quarter(reach, before, whole, oldest))


def _show(moves: Sequence[Move]) -> None:
    """Print the difference: by class, and of the articles that it changes most."""
    say("the difference, by class:")
    for kind, number in sorted(by_class(moves).items()):
        say(f"  {kind:12} {number:+,}")
    changed = by_article(moves)
    say(f"{len(changed):,} articles would be shown with another number; most of all:")
    for article, number in changed[:TOP]:
        say(f"  {article:32} {number:+,}")


def asked() -> bool:
    """True if the operator agrees. Raises `Refused` if there is nobody to ask."""
    if not sys.stdin.isatty():
        raise Refused("nothing was changed: without a terminal to ask at, agree with --yes")
    sys.stderr.write("correct the counts? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


@asynccontextmanager
async def _opened(
    settings: CounterSettings,
) -> AsyncIterator[tuple[RecountStore, AbstractConnection]]:
    client, db = mongo.connect(settings.mongo_url, "counter-recount")
    try:
        await mongo.reach(client, "counter")
        async with connected(settings.amqp_url, AGAIN) as connection:
            yield RecountStore(db), connection
    finally:
        await mongo.close(client)


async def recount(
    settings: CounterSettings,
    *,
    yes: bool,
    relabel: str = "",
    rules: Rules | None = None,
    at_stage: Stage = no_stage,
) -> int:
    """Recount. Returns the exit status. Raises `Refused` and `Transient`.

    It may be killed at any moment and repeated, and several may run: each read is corrected once.
    """
    if relabel:
        chosen_classes(relabel)
    async with _opened(settings) as (store, connection):
        one = Recount(
            store=store,
            connection=connection,
            rules=rules or Rules(),
            confirm=(lambda: True) if yes else asked,
            at_stage=at_stage,
        )
        await one.run(relabel)
    return 0
