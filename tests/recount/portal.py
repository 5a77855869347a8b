"""The reads of the check: batches made by ingest's own code, and the plain list beside them."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random

from services.ingest.reads.agent_notes import AgentNotes, NoteKey
from services.ingest.reads.agents import agent_of
from services.ingest.reads.grouping import BatchedRead, grouped
from shared.rabbit.batch import QUARTER_MS, Batch, batch_id
from tests.recount.rules import ACCUSED, FREED, READERS, ROBOT, is_bot_by_new_rules

WINDOW = 1800
"""Seconds of the reload window."""
ARTICLES, VISITORS = 300, 4_000
BATCH = 500
SALT_DAY = 20_782
SHARES = {"reader": 80, ACCUSED: 8, FREED: 7, ROBOT: 5}
"""Agents, and of how many reads in a hundred."""
REFERRERS = ("search", "site", "social", "direct", "")

Sums = Counter[tuple[str, str, int]]
"""Reads by class, article and quarter."""


def article(number: int) -> str:
    """The id of an article; number n is read 1/(n + 1) as often as the first."""
    return f"a{number:04d}"


@dataclass
class Ledger:
    """What one set of rules counts, from plain reads."""

    is_bot: Callable[[bytes], bool]
    sums: Sums = field(default_factory=Counter)
    until: dict[tuple[str, str], int] = field(default_factory=dict)

    def judge(self, agent: bytes, visitor: str, name: str, second: int) -> str:
        """The class of the next read."""
        kind = "bot"
        if not self.is_bot(agent):
            kind = "reload"
            if self.until.get((visitor, name), 0) <= second:
                kind, self.until[visitor, name] = "reader", second + WINDOW
        self.sums[kind, name, second // 900] += 1
        return kind


class RecountPortal:
    """`reads` reads over `hours` hours that end before `now`, in seconds since 1970."""

    def __init__(self, reads: int, seed: int, now: int, hours: int) -> None:
        self.reads, self._random = reads, Random(seed)
        self._begin = (now - hours * 3600) // 900 * 900
        self._seconds = hours * 3600 - 900
        agents = {name: agent_of(name.encode()) for name in (*READERS, ACCUSED, FREED, ROBOT)}
        bots = {agent.text.encode(): agent.bot for agent in agents.values()}
        self._agents = agents
        self.old, self.new = Ledger(bots.__getitem__), Ledger(is_bot_by_new_rules)
        self.sources: Counter[tuple[str, str, int]] = Counter()
        """Reads of class reader by the new rules, by ("device", class, quarter)."""

    def batches(self) -> Iterator[Batch]:
        """The batches, in the order of one ingest."""
        notes = AgentNotes(lambda: 0.0, WINDOW)
        random, weights = self._random, list(accumulate(1 / (n + 1) for n in range(ARTICLES)))
        # The first batch, and so the reads that are judged again, begin with a quarter.
        most = max(1, min(BATCH, self.reads * 900 // self._seconds // 2))
        for number, at in enumerate(range(0, self.reads, most)):
            size = min(most, self.reads - at)
            names = random.choices(range(ARTICLES), cum_weights=weights, k=size)
            kinds = random.choices([*SHARES], [*SHARES.values()], k=size)
            readers: list[BatchedRead] = []
            filtered: dict[NoteKey, int] = {}
            for place, (which, chosen) in enumerate(zip(names, kinds, strict=True)):
                second = self._begin + self._seconds * (at + place) // self.reads
                self._add(article(which), chosen, second, readers, filtered, notes)
            groups, hashes, sources, ordered = grouped(readers)
            agents = notes.part(ordered, [*filtered], len(groups))
            groups += [(*key, n, 0, 0) for key, n in filtered.items()]
            minted = (self._begin + self._seconds * (at + size - 1) // self.reads) * 1000
            yield Batch(
                batch_id("recounted", number), minted, groups, hashes, sources, agents=agents
            )

    def _add(
        self, name: str, chosen: str, second: int, readers: list[BatchedRead],
        filtered: dict[NoteKey, int], notes: AgentNotes,
    ) -> None:  # fmt: skip
        random = self._random
        agent = self._agents[random.choice(READERS) if chosen == "reader" else chosen]
        # A visitor is of one agent; a feed's program has few, so that many reads are reloads.
        many = VISITORS if chosen == "reader" else 300
        visitor = f"{agent.id[:2].hex()}{random.randrange(many):012x}"
        was = self.old.judge(agent.text.encode(), visitor, name, second)
        if self.new.judge(agent.text.encode(), visitor, name, second) == "reader":
            self.sources["device", agent.device, second // 900] += 1
        if was == "reader":
            source = random.choice(REFERRERS), agent.device, agent
            readers.append((name, second * 1000, SALT_DAY, visitor, source))
            return
        key = was, name, second * 1000 // QUARTER_MS
        filtered[key] = filtered.get(key, 0) + 1
        if was == "bot":
            notes.bot(key, agent, second % 900, visitor, "")
        else:
            notes.reload(key, agent)
