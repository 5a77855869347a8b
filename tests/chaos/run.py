"""Rounds one after the other: load and faults, then rest, then the verdict."""

import asyncio
import random
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.bounded import bounded
from tests.chaos.editor import Editor
from tests.chaos.faults import Faults
from tests.chaos.fleet import Fleet, Replica
from tests.chaos.load import Load, Tally
from tests.chaos.plan import ROLL, Round
from tests.chaos.settle import Found, find, heard, listen, settled
from tests.chaos.verdict import (
    Verdict,
    epochs_killed,
    judge_applied,
    judge_article,
    judge_batched,
    judge_books,
    judge_classes,
    judge_ledger,
    judge_reads,
    missing_numbers,
)

BEACON_ARTICLES, BATCH_ARTICLES, EDITED_ARTICLES = 6, 3, 3
ROUND_SECONDS = 600.0
"""A round's load apart, for all of it: its parts wait for 60 to 120 s at most."""
REST_SECONDS = 30.0
"""Within which everything must have drained once all faults are lifted."""


@dataclass
class Outcome:
    """One round: what was planned and what came of it."""

    round: Round
    verdict: Verdict
    seconds: float
    unsent: int
    repeated: int
    editions: int


@dataclass
class Run:
    """A run on a fleet that is up. `say` gets a line per round."""

    fleet: Fleet
    seed: int
    say: Callable[[str], None]
    outcomes: list[Outcome] = field(default_factory=list)
    _tallies: list[Tally] = field(default_factory=list)
    _told: dict[str, list[int]] = field(default_factory=dict)
    _batch_ids: dict[str, str] = field(default_factory=dict)
    _complained: set[str] = field(default_factory=set)

    async def rounds(self, plan: Iterable[Round]) -> None:
        """Run `plan`. Then stop the fleet and take a `last_look`, for what comes late.

        Raises `Unjudged` when a round can't be judged; those before it are in `outcomes`.
        """
        await bounded("giving the run its subscriber", ROUND_SECONDS, listen(self.fleet.system))
        for planned in plan:
            limit = ROUND_SECONDS + planned.seconds
            outcome = await bounded(f"round {planned.number}", limit, self._round(planned))
            self.outcomes.append(outcome)
            self.say(_line(outcome))
            for complaint in outcome.verdict.complaints:
                self.say(f"    {complaint}")
            if outcome.verdict.complaints:
                self._keep(planned)

    async def _round(self, planned: Round) -> Outcome:
        began, fleet = time.monotonic(), self.fleet
        ingests, dice = fleet.of("ingest"), random.Random(f"{self.seed}/load/{planned.number}")
        names = _names(planned.number)
        load, editor = Load(ingests, dice), Editor(ingests, dice)
        self._tallies.append(load.tally)
        for article in names.beacons + names.batched + names.edited:
            await editor.publish(article)
        load.start(names.beacons, names.batched, _looks(fleet, names))
        editor.start(names.edited)
        faults = Faults(fleet)
        hits = [asyncio.create_task(faults.carry_out(fault)) for fault in planned.faults]
        try:
            await asyncio.sleep(planned.seconds)
            rolls = [
                hit for hit, fault in zip(hits, planned.faults, strict=True) if fault.kind == ROLL
            ]
            await asyncio.gather(*rolls)
        finally:
            load.stop()
            editor.stop()
            # Each fault undoes itself at its end.
            await asyncio.gather(*hits)
        await fleet.ready()
        await load.finish()
        await editor.finish()
        resting = time.monotonic()
        left = await settled(fleet)
        rested = time.monotonic() - resting
        self._batch_ids |= load.tally.batch_ids
        verdict = await self._judge(names, load.tally, editor)
        if left:
            verdict.complaints.append(f"not drained: {left}")
        elif rested > REST_SECONDS:
            verdict.complaints.append(f"it took {rested:.0f} s until everything was drained")
        editions = sum(edited.edition for edited in editor.edited.values())
        return Outcome(
            planned,
            verdict,
            time.monotonic() - began,
            load.tally.unsent,
            load.tally.repeated,
            editions,
        )

    async def _judge(self, names: "Names", tally: Tally, editor: Editor) -> Verdict:
        fleet = self.fleet
        found = await find(fleet, list(editor.edited))
        await heard(fleet.system, self._told)
        verdict = judge_reads(tally.acknowledged, tally.unanswered, found.counted)
        judge_batched(verdict, tally.keyed, found.counted)
        judge_ledger(verdict, self._batch_ids, found.ledger, self._killed(found))
        verdict.complaints += judge_applied(found.applied, found.ledger) + self._judge_books(found)
        for article, edited in editor.edited.items():
            told = self._told.get(article, [])
            verdict.complaints += judge_article(
                article, edited.revision, found.stored[article], found.served[article], told
            )
        verdict.complaints += [f"{n} times: {what}" for what, n in tally.odd.items()]
        verdict.complaints += editor.odd + fleet.manners
        fleet.manners.clear()
        verdict.complaints = [c for c in verdict.complaints if c not in self._complained]
        self._complained |= set(verdict.complaints)
        return verdict

    def _killed(self, found: Found) -> dict[str, bool]:
        told_by = {name.rpartition("-")[0]: replica for name, replica in self._batch_ids.items()}
        lives = {replica.name: replica.lives for replica in self.fleet.of("ingest")}
        return epochs_killed(missing_numbers(found.ledger), told_by, lives)

    def _judge_books(self, found: Found) -> list[str]:
        missing = sum(map(len, missing_numbers(found.ledger).values()))
        return judge_classes(found.classes) + judge_books(
            found.books, found.site, sum(found.counted.values()), found.buckets, missing
        )

    async def last_look(self) -> list[str]:
        """With the fleet down: every round's reads once more, for what was counted late. Answers
        complaints.
        """
        counted = await self.fleet.system.by_article()
        found = []
        for tally in self._tallies:
            verdict = judge_reads(tally.acknowledged, tally.unanswered, counted)
            judge_batched(verdict, tally.keyed, counted)
            found += [
                f"late: {complaint}"
                for complaint in verdict.complaints
                if complaint not in self._complained
            ]
        return found + self.fleet.manners

    def _keep(self, planned: Round) -> None:
        """Copy the logs as they are after a round with a complaint."""
        folder: Path = self.fleet.system.folder
        kept = folder / f"round-{planned.number}"
        shutil.copytree(folder / "logs", kept, dirs_exist_ok=True)
        self.say(f"    its logs: {kept}")


@dataclass(frozen=True)
class Names:
    """A round's own articles, so that rounds are judged apart, and single reads apart from
    batches.
    """

    beacons: list[str]
    batched: list[str]
    edited: list[str]


def _names(number: int) -> Names:
    def make(kind: str, how_many: int) -> list[str]:
        return [f"r{number}{kind}{n}" for n in range(how_many)]

    return Names(make("b", BEACON_ARTICLES), make("k", BATCH_ARTICLES), make("e", EDITED_ARTICLES))


def _looks(fleet: Fleet, names: Names) -> list[tuple[Replica, str]]:
    render, stats = fleet.of("render")[0], fleet.of("stats")[0]
    pages = ["/", "/thoi-su/", f"/x/x-{names.beacons[0]}.html", f"/x/x-{names.edited[0]}.html"]
    return [(render, path) for path in pages] + [
        (stats, path) for path in ("/stats/site", "/stats/top?window=all")
    ]


def _line(outcome: Outcome) -> str:
    verdict, planned = outcome.verdict, outcome.round
    faults = ", ".join(f"{fault.kind} {fault.target}" for fault in planned.faults)
    state = "exact" if not verdict.complaints else "WRONG"
    return (
        f"round {planned.number:3}  {state}  {outcome.seconds:4.0f} s  {verdict.acknowledged:6} "
        f"acknowledged ≤ {verdict.counted:6} counted ≤ +{verdict.unanswered} unanswered, "
        f"{verdict.batched:6} in batches  [{faults}]"
    )
