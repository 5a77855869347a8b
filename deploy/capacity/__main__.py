"""`python -m deploy.capacity`: what portals of different sizes need, and a simulation of each.

Prints the tables of docs/capacity.md from measured costs. The last line says whether the simulation
agrees: `the table holds: …` (status 0), or what it contradicts (1).
"""

import json
import sys
from pathlib import Path

from deploy.capacity import page
from deploy.capacity.checking import check, check_bench
from deploy.capacity.measured import MeasuredCosts, parse_costs
from deploy.capacity.plan import plan
from deploy.capacity.portals import PORTALS
from luotdoc_subscriber.base.command import Command

MEASURED = Path(__file__).with_name("measured.json")
CAPACITY_PAGE = Path(__file__).parents[2] / "docs/capacity.md"
BEGIN, END = "<!-- written by make capacity -->", "<!-- end of what is written -->"


def report(measured: MeasuredCosts, seed: int) -> tuple[str, bool]:
    """The tables and the verdict, and whether it is good."""
    plans = [plan(portal, measured) for portal in PORTALS]
    checked = check(plans, measured, seed)
    median, complaint = check_bench(measured, seed, plans[1])
    complaints = [c for each in checked for c in each.complaints] + (
        [complaint] if complaint else []
    )
    if complaints:
        verdict = f"the table does not hold: {'; '.join(complaints)}"
    else:
        verdict = (
            f"the table holds: {len(checked)} scenarios of {len(plans)} portals, seed {seed}; at "
            f"the bench's {measured.bench_rate:,.0f} reads/s it says {median:.2f} s to the commit, "
            f"measured {measured.bench_delay:.2f} s until visible"
        )
    parts = [
        ["### Inputs", "", *page.inputs(measured)],
        ["### Portals", "", page.assumptions(), "", *page.portals(plans, measured)],
        ["### Limits", "", *page.limit_lines(measured)],
        ["### Simulation", "", *page.simulated(checked)],
        [verdict],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n", not complaints


def written(text: str, tables: str) -> str:
    """The page with `tables` between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{CAPACITY_PAGE.name} lacks its marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def main() -> int:
    """Print, and write if asked to. Returns the exit status."""
    parser = Command(prog="python -m deploy.capacity", description=__doc__)
    parser.add_argument(
        "--inputs",
        type=Path,
        default=MEASURED,
        metavar="FILE",
        help='what `make bench ARGS="--json FILE"` wrote; default: %(default)s',
    )
    parser.add_argument("--seed", type=int, default=1, help="of the simulation")
    parser.add_argument(
        "--write", action="store_true", help="write the tables into docs/capacity.md"
    )
    asked = parser.parse_args()
    try:
        measured = parse_costs(json.loads(asked.inputs.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        parser.error(f"--inputs {asked.inputs}: {error}")
    tables, good = report(measured, asked.seed)
    print(tables, end="")
    if asked.write:
        CAPACITY_PAGE.write_text(written(CAPACITY_PAGE.read_text(), tables))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
