"""The wire from ingest to counter: bytes per read, and what packing, encoding and folding cost,
with and without sources and agents. No server is asked.
"""

import json
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path

import orjson

from services.counter.tally import fold
from services.ingest.reads.agent_notes import AgentNotes
from services.ingest.reads.agents import agent_of
from services.ingest.reads.grouping import BatchedRead, grouped
from shared.rabbit.batch import DEVICES, NO_REFERRER, REFERRERS, Batch, batch_id
from shared.rabbit.batch_parsing import parse
from tests.bench.figures import Figure, middle, number
from tests.bench.rig import Rig
from tests.bench.traffic import article

NAME = "wire"
ARTICLES = 500
SIZES = (1, 10, 100, 5_000)
SECONDS, QUICK_SECONDS, ROUNDS = 0.1, 0.02, 25
MINTED, SALT_DAY = 1_795_417_500_000, 20_782
CAME_FROM = (*REFERRERS, NO_REFERRER), (20, 38, 20, 15, 4, 3)
"""Referrers, and of how many reads in a hundred."""
READ_ON = DEVICES, (70, 4, 25, 1)
"""Devices, likewise."""
AGENTS = json.loads((Path(__file__).parents[1] / "cases/user_agents.json").read_text())["people"]
"""Browsers of people; number n is used 1/n as often as the first."""
FULL, WITH, WITHOUT, FIRST = (
    "version 2", "version 2 without agents", "version 2 without sources", "version 1",
)  # fmt: skip
MOST_BYTES = 1.3
"""Upper bound for the bytes of a batch of 100 reads with agents, × without."""

Work = Callable[[], object]


def reads(size: int, seed: int = 7) -> list[BatchedRead]:
    """Reads of one moment by distinct visitors; article n is read 1/n as often as the first."""
    chosen = random.Random(seed)
    weights = list(accumulate(1 / (n + 1) for n in range(ARTICLES)))
    articles = chosen.choices([article(n) for n in range(ARTICLES)], cum_weights=weights, k=size)
    agents = [agent_of(agent.encode()) for agent in AGENTS.values()]
    used = list(accumulate(1 / (n + 1) for n in range(len(agents))))
    sources = zip(
        chosen.choices(*CAME_FROM, k=size), chosen.choices(*READ_ON, k=size),
        chosen.choices(agents, cum_weights=used, k=size), strict=True,
    )  # fmt: skip
    return [
        (name, MINTED, SALT_DAY, chosen.randbytes(8).hex(), source)
        for name, source in zip(articles, sources, strict=True)
    ]


def first_version(gathered: Sequence[BatchedRead]) -> bytes:
    """A body as the release before wrote it."""
    listed = [
        (name, accepted_at, "reader", visitor) for name, accepted_at, _, visitor, _ in gathered
    ]
    return orjson.dumps({"reads": listed, "filtered": {}})


def second_version(gathered: Sequence[BatchedRead], notes: AgentNotes) -> Batch:
    """A batch as ingest makes it."""
    groups, hashes, sources, ordered = grouped(gathered)
    agents = notes.part(ordered, [], len(groups))
    return Batch(batch_id("bench", 0), MINTED, groups, hashes, sources, agents)


def works(size: int) -> tuple[dict[str, bytes], dict[tuple[str, str], Work]]:
    """The bodies of a batch of `size` reads by version, and what is measured by version and what
    is done.
    """
    gathered = reads(size)
    plain: list[BatchedRead] = [(*read[:4], None) for read in gathered]
    unjudged: list[BatchedRead] = [
        (*read[:4], (source[0], source[1])) for read in gathered for source in read[4:] if source
    ]
    bodies = {FIRST: first_version(gathered)}
    done: dict[tuple[str, str], Work] = {(FIRST, "packed"): partial(first_version, gathered)}
    notes = AgentNotes(lambda: 0.0, 1800)
    second_version(reads(5_000), notes)  # announces every agent, as once an hour
    for version, given in ((WITHOUT, plain), (WITH, unjudged), (FULL, gathered)):
        batch = second_version(given, notes)
        bodies[version] = batch.body()
        done[version, "packed"] = partial(_packed, given, notes)
        done[version, "encoded"] = batch.body
    headers = {"batch_id": batch_id("bench", 0), "minted_at": MINTED, "reads": size}
    for version, body in bodies.items():
        done[version, "parsed and folded"] = partial(_counted, headers, body)
    return bodies, done


def _packed(gathered: Sequence[BatchedRead], notes: AgentNotes) -> bytes:
    return second_version(gathered, notes).body()


def _counted(headers: Mapping[str, object], body: bytes) -> object:
    return fold([parse(headers, body)])


def per_cpu_second(work: Work, size: int, seconds: float) -> float:
    """How many reads `work`, which handles `size` of them, handles in a CPU second."""
    done, began, end = 0, time.process_time(), time.process_time() + seconds
    while time.process_time() < end:
        work()
        done += size
    return done / (time.process_time() - began)


def figures(seconds: float) -> list[Figure]:
    """The versions side by side; they take turns in each of many short rounds, so that a busy
    machine is as busy for all of them.
    """
    found: list[Figure] = []
    for size in SIZES:
        bodies, done = works(size)
        rounds = [
            {name: per_cpu_second(work, size, seconds) for name, work in done.items()}
            for _ in range(ROUNDS)
        ]
        found += [
            Figure(NAME, f"{version}, batch of {number(size)}: bytes", len(body) / size, "B/read")
            for version, body in bodies.items()
        ]
        for (version, what), values in by_name(rounds).items():
            limited = (version, what, size) == (FULL, "parsed and folded", SIZES[-1])
            found.append(
                Figure(
                    NAME, f"{version}, batch of {number(size)}: {what} per CPU second",
                    middle(values), "reads/s", 400_000 if limited else None,
                    at_least=True, note=quartiles(values),
                )
            )  # fmt: skip
        found.append(
            Figure(
                NAME, f"batch of {number(size)}: bytes, with agents",
                len(bodies[FULL]) / len(bodies[WITH]), "× without",
                MOST_BYTES if size == 100 else None,
            )
        )  # fmt: skip
        for more, less, name in ((WITH, WITHOUT, "sources"), (FULL, WITH, "agents")):
            for what in ("packed", "encoded", "parsed and folded"):
                ratios = [each[less, what] / each[more, what] for each in rounds]
                found.append(
                    Figure(
                        NAME, f"batch of {number(size)}: time for it {what}, with {name}",
                        middle(ratios), "× without", note=quartiles(ratios),
                    )
                )  # fmt: skip
    return found


def by_name(
    rounds: Sequence[Mapping[tuple[str, str], float]],
) -> dict[tuple[str, str], list[float]]:
    """The values of the rounds, by what was measured."""
    return {name: [each[name] for each in rounds] for name in rounds[0]}


def quartiles(values: Sequence[float]) -> str:
    """Where the middle half of the values lies."""
    low, _, high = statistics.quantiles(values, n=4)
    return f"{len(values)} rounds, half of them {number(low)} to {number(high)}"


async def measure(rig: Rig) -> list[Figure]:
    """What the wire costs, by version."""
    return figures(QUICK_SECONDS if rig.quick else SECONDS)
