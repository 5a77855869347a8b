"""The table at the end, and the same as JSON. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from tests.chaos.plan import deck
from tests.chaos.run import Outcome


@dataclass
class Row:
    """Sums over the rounds that had a fault."""

    rounds: int = 0
    sent: int = 0
    acknowledged: int = 0
    counted: int = 0
    unanswered: int = 0
    batched: int = 0
    lost: int = 0
    doubled: int = 0

    def add(self, outcome: Outcome) -> None:
        """One round more."""
        self.rounds += 1
        for column in fields(self)[1:]:
            setattr(
                self,
                column.name,
                getattr(self, column.name) + getattr(outcome.verdict, column.name),
            )


def rows(outcomes: Sequence[Outcome]) -> dict[str, Row]:
    """A row for each fault that happened, in a fixed order, and `all rounds`."""
    table = {f"{kind} {where}": Row() for where, kind in deck()}
    total = Row()
    for outcome in outcomes:
        total.add(outcome)
        for name in {fault.name for fault in outcome.round.faults}:
            table[name].add(outcome)
    return {name: row for name, row in table.items() if row.rounds} | {"all rounds": total}


def table(outcomes: Sequence[Outcome]) -> str:
    """The rows as a Markdown table. A round with three faults is in three rows."""
    head = ["fault", *(column.name for column in fields(Row))]
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    for name, row in rows(outcomes).items():
        lines.append(f"| {name} | {' | '.join(f'{value:,}' for value in asdict(row).values())} |")
    return "\n".join(lines)


def verdict(outcomes: Sequence[Outcome], late: list[str], unjudged: str) -> tuple[str, int]:
    """What the run comes to, in words, and its exit status: 0 exact, 1 wrong, 2 when it can't be
    said.

    `late` are complaints of the last look, `unjudged` says why not all of the run could be judged.
    """
    lost, doubled = (
        sum(getattr(o.verdict, what) for o in outcomes) for what in ("lost", "doubled")
    )
    others = len(late) + sum(len(outcome.verdict.complaints) for outcome in outcomes)
    if others or lost or doubled:
        more = f"; and it could not be judged to its end, because {unjudged}" if unjudged else ""
        return f"WRONG: {lost} lost, {doubled} doubled, {others} complaints{more}", 1
    if unjudged or not outcomes:
        judged = f" ({len(outcomes)} rounds before that were exact)" if outcomes else ""
        return f"could not judge, because {unjudged or 'there was no round'}{judged}", 2
    return "exact", 0


def as_json(
    seed: int, outcomes: Sequence[Outcome], late: list[str], unjudged: str = ""
) -> dict[str, Any]:
    """Everything that is known of a run."""
    return {
        "seed": seed,
        "rounds": [asdict(outcome) for outcome in outcomes],
        "rows": {name: asdict(row) for name, row in rows(outcomes).items()},
        "late": late,
        "unjudged": unjudged,
        "exact": verdict(outcomes, late, unjudged)[1] == 0,
    }
