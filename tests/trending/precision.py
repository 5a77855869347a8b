"""How many of the first 30 articles of each formula have a real burst."""

import heapq
from dataclasses import dataclass

from tests.trending.formulas import FORMULAS, Scores
from tests.trending.portal import Difficulty, Portal, simulate

FIRST = 30


@dataclass(frozen=True, slots=True)
class Precision:
    """Precision@30, the mean over all looks at one history."""

    bursting: float
    """The share of the 30 that have a burst."""
    beginning: float
    """The share of the 30 whose burst began within the two hours."""


POSSIBLE = "possible"
"""The name of the best that any formula could reach: there may be fewer than 30 such articles."""


def precisions(
    portal: Portal, difficulty: Difficulty, seed: int, days: int = 3
) -> dict[str, Precision]:
    """Precision@30 of each of `FORMULAS` and of `POSSIBLE`."""
    history = simulate(portal, difficulty, seed, days)
    sums: dict[str, list[float]] = {name: [0.0, 0.0] for name in (*FORMULAS, POSSIBLE)}
    for hour in history.looks:
        real = history.bursting(hour), history.beginning(hour)
        for name, formula in FORMULAS.items():
            chosen = first(formula(history, hour))
            for place, truth in enumerate(real):
                sums[name][place] += len(chosen & truth) / FIRST
        for place, truth in enumerate(real):
            sums[POSSIBLE][place] += min(1.0, len(truth) / FIRST)
    looks = len(history.looks)
    return {name: Precision(a / looks, b / looks) for name, (a, b) in sums.items()}


def first(scores: Scores) -> set[str]:
    """The 30 articles with the highest scores, ties by id."""
    return {name for _, name in heapq.nsmallest(FIRST, ((-s, name) for name, s in scores.items()))}
