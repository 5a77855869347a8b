"""The wire from ingest to counter: bytes per read, and what packing and folding cost. No server is
asked.
"""

import random
import time
from collections.abc import Callable, Sequence
from itertools import accumulate

import orjson

from services.counter.tally import fold
from services.ingest.reads.grouping import BatchedRead, grouped
from shared.rabbit.batch import Batch, batch_id
from shared.rabbit.batch_parsing import parse
from tests.bench.figures import Figure, middle, number, spread
from tests.bench.rig import Rig
from tests.bench.traffic import article

NAME = "wire"
ARTICLES = 500
SIZES = (1, 100, 5_000)
SECONDS, QUICK_SECONDS, ROUNDS = 1.0, 0.2, 5
MINTED, SALT_DAY = 1_795_417_500_000, 20_782


def reads(size: int, seed: int = 7) -> list[BatchedRead]:
    """Reads of one moment by distinct visitors; article n is read 1/n as often as the first."""
    chosen = random.Random(seed)
    weights = list(accumulate(1 / (n + 1) for n in range(ARTICLES)))
    articles = chosen.choices([article(n) for n in range(ARTICLES)], cum_weights=weights, k=size)
    return [(name, MINTED, SALT_DAY, chosen.randbytes(8).hex()) for name in articles]


def first_version(gathered: Sequence[BatchedRead]) -> bytes:
    """A body as the release before wrote it."""
    listed = [(name, accepted_at, "reader", visitor) for name, accepted_at, _, visitor in gathered]
    return orjson.dumps({"reads": listed, "filtered": {}})


def second_version(gathered: Sequence[BatchedRead]) -> bytes:
    """A body as ingest writes it."""
    return Batch("", MINTED, *grouped(gathered)).body()


VERSIONS: dict[int, Callable[[Sequence[BatchedRead]], bytes]] = {
    1: first_version,
    2: second_version,
}


def per_cpu_second(work: Callable[[], object], size: int, seconds: float) -> list[float]:
    """How many reads `work`, which handles `size` of them, handles in a CPU second; by round."""
    rates = []
    for _ in range(ROUNDS):
        done, began, end = 0, time.process_time(), time.process_time() + seconds
        while time.process_time() < end:
            work()
            done += size
        rates.append(done / (time.process_time() - began))
    return rates


def figures(seconds: float) -> list[Figure]:
    """Both versions side by side."""
    found = []
    for size in SIZES:
        gathered = reads(size)
        headers = {"batch_id": batch_id("bench", 0), "minted_at": MINTED, "reads": size}
        for version, write in VERSIONS.items():
            body, what = write(gathered), f"version {version}, batch of {number(size)}"

            def count(body: bytes = body, headers: dict[str, object] = headers) -> object:
                return fold([parse(headers, body)])

            def pack(
                write: Callable[[Sequence[BatchedRead]], bytes] = write,
                gathered: Sequence[BatchedRead] = gathered,
            ) -> object:
                return write(gathered)

            counted, packed = (per_cpu_second(work, size, seconds) for work in (count, pack))
            limit = 400_000 if (version, size) == (2, SIZES[-1]) else None
            found += [
                Figure(NAME, f"{what}: bytes", len(body) / size, "B/read"),
                Figure(NAME, f"{what}: parsed and folded per CPU "
                             "second", middle(counted), "reads/s", limit,
                       at_least=True, note=f"rounds {spread(counted)}"),
                Figure(NAME, f"{what}: packed per CPU second", middle(packed), "reads/s",
                       note=f"rounds {spread(packed)}"),
            ]  # fmt: skip
    return found


async def measure(rig: Rig) -> list[Figure]:
    """What the wire costs, of version 1 and of version 2."""
    return figures(QUICK_SECONDS if rig.quick else SECONDS)
