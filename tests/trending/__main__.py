"""`python -m tests.trending`: how many of the first 30 trending articles have a real burst, with
our formula and with others, on simulated portals. Ends with status 1 if on the regional portal ours
does not lead by `LEADS`; the other portals show where that ends. `--help` says more.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

from luotdoc_subscriber.base.command import Command
from tests.trending.formulas import FORMULAS
from tests.trending.plot import Results, svg
from tests.trending.portal import DIFFICULTIES, OTHERS, PORTAL, Difficulty, Portal
from tests.trending.precision import FIRST, POSSIBLE, Precision, precisions

SEEDS = (1, 2, 3)
MAX_SECONDS = 50.0
"""No simulation begins later than this."""
LEADS = {"Wikitrends": 0.08, "z-score": 0.20}
"""By how much precision@30 of ours must be above that of each formula with such a name."""
OURS = next(iter(FORMULAS))


def histories() -> Iterator[tuple[Portal, Difficulty, int]]:
    """What is simulated, the most important first."""
    first, *others = SEEDS
    yield from ((PORTAL, level, first) for level in DIFFICULTIES)
    yield from ((portal, level, first) for portal in OTHERS for level in DIFFICULTIES)
    yield from ((PORTAL, level, seed) for seed in others for level in DIFFICULTIES)


def complaints(found: dict[str, Precision]) -> list[str]:
    """Each formula that ours does not lead by enough."""
    return [
        f"ours {found[OURS].bursting:.2f}, {name} {precision.bursting:.2f}"
        for name, precision in found.items()
        for kind, lead in LEADS.items()
        if name.startswith(kind) and found[OURS].bursting < precision.bursting + lead
    ]


def averaged(found: list[dict[str, Precision]]) -> dict[str, Precision]:
    """The mean over several histories."""
    return {
        name: Precision(
            mean(each[name].bursting for each in found),
            mean(each[name].beginning for each in found),
        )
        for name in found[0]
    }


def table(portal: Portal, results: Results) -> str:
    """Each formula's line: precision@30 at each difficulty, and in brackets of bursts that began
    within the two hours.
    """
    lines = [
        f"{portal.name} portal: {portal.reads_a_day:,} reads and {portal.published_a_day} new "
        f"articles a day, {portal.old_articles:,} old ones, {portal.bursts_a_day} bursts a day",
        f"{'':34}" + "".join(f"{level:>14}" for level in results),
    ]
    for name in (*FORMULAS, POSSIBLE):
        cells = (each[name] for each in results.values())
        line = "".join(f"{each.bursting:>7.2f} ({each.beginning:.2f})" for each in cells)
        lines.append(f"{name:34}{line}")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Simulate, print and draw. Returns the exit status."""
    parser = Command(prog="python -m tests.trending", description=__doc__)
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the comparison as SVG")
    chosen, began = parser.parse_args(), time.monotonic()
    found: dict[str, dict[str, list[dict[str, Precision]]]] = {}
    bad, held, left_out = list[str](), 0, 0
    for portal, level, seed in histories():
        if time.monotonic() - began > MAX_SECONDS:
            left_out += 1
            continue
        result = precisions(portal, level, seed)
        found.setdefault(portal.name, {}).setdefault(level.name, []).append(result)
        if portal is PORTAL:
            close = complaints(result)
            held += not close
            bad += [f"too close: {level.name}, seed {seed}: {text}" for text in close]
    for portal in (PORTAL, *OTHERS):
        results = {level: averaged(some) for level, some in found.get(portal.name, {}).items()}
        if results:
            print(table(portal, results))
        if chosen.picture and portal is PORTAL:
            title = f"Share of the first {FIRST} articles that have a real burst"
            chosen.picture.write_text(svg(results, title))
    print("\n".join([*bad, verdict(found, held, left_out)]))
    return bool(bad)


def verdict(
    found: dict[str, dict[str, list[dict[str, Precision]]]], held: int, left_out: int
) -> str:
    """The last line."""
    made = sum(len(some) for some in found[PORTAL.name].values())
    leads = " and ".join(f"{kind} by {lead:.2f}" for kind, lead in LEADS.items())
    late = f"; {left_out} were left out after {MAX_SECONDS:.0f} s" if left_out else ""
    return f"ours leads each {leads} in {held} of {made} regional histories{late}"


if __name__ == "__main__":
    raise SystemExit(main())
