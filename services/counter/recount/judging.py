"""Judges reads again that ingest has judged by other rules. Pure.

The result is what an ingest with the rules of now, started when the stream begins, would have
decided on the same reads in the order of the stream. A visitor is a hash of address and agent, so
all reads of one visitor change together between person and program. Hence a reader or reload that
is a bot's now needs no look at other reads; and the reload window is needed for the reads of those
alone that were bots and are people now. A read enters that window in the second in which it was
accepted; ingest lets it enter when it is durable, milliseconds later.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.rabbit.batch import BOT, NO_REFERRER, READER, RELOAD, Batch, Move, Source
from shared.rabbit.batch_agents import NO_VISITOR, NotedReads, announced, noted, window_of

MAX_WINDOW = 1_000_000
"""Reads in the reload window at which those that have left it are dropped."""


@dataclass(slots=True)
class Changes:
    """Differences between two judgements of the same reads."""

    reads: defaultdict[tuple[int, str], Counter[str]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    """By (quarter, article): the change in each class. The changes of a key add up to 0."""
    referrers: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    devices: defaultdict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By quarter: the change in the reads of class reader with a known referrer, or device."""

    def move(self, was: str, now: str, article: str, quarter: int, number: int = 1) -> None:
        """Add that `number` reads are of class `now`, which were of class `was`."""
        changed = self.reads[quarter, article]
        changed[was] -= number
        changed[now] += number

    def take_back(self, move: Move) -> None:
        """Subtract a move that a correcting batch has made."""
        was, now, article, quarter, number = move
        self.move(was, now, article, quarter, -number)

    def take_back_source(self, source: Source) -> None:
        """Subtract what a correcting batch has changed in a quarter's sources."""
        quarter, referrers, devices = source
        self.referrers[quarter].subtract(referrers)
        self.devices[quarter].subtract(devices)


class Judge:
    """Judges the reads of one stream. First tell it all agents, then show it the reads in order.

    `is_bot` are the rules, asked with a reduced agent. Reads from quarter `first` on go into
    `changes`; earlier ones only enter the reload window.
    """

    def __init__(self, is_bot: Callable[[bytes], bool], first: int) -> None:
        self._is_bot, self._first = is_bot, first
        self._agents: dict[bytes, tuple[str, bool]] = {}
        self._until: dict[tuple[bytes, str], int] = {}
        """The second at which a visitor's read of an article leaves the reload window."""
        self._prune_at = MAX_WINDOW
        self.changes = Changes()
        self.judged = self.unknown = 0
        """Numbers of reads; the second is of those whose agent was announced nowhere in the
        stream, which keep their class."""
        self.malformed = 0
        """Batches whose part `agents` can't be read."""

    @property
    def remembered(self) -> int:
        """The number of reads in the reload window."""
        return len(self._until)

    def tell(self, name: bytes, agent: str, device: str) -> None:
        """An agent with its id and the class of its device, as ingest has announced it."""
        if name not in self._agents:
            self._agents[name] = device, self._is_bot(agent.encode("latin-1", "replace"))

    def tell_all(self, batch: Batch) -> None:
        """The agents that a batch announces."""
        try:
            agents = [*announced(batch)]
        except ValueError:  # `show_all` counts it
            return
        for agent in agents:
            self.tell(*agent)

    def show_all(self, batch: Batch) -> None:
        """The reads of the next batch. One whose part `agents` is malformed, which the counter does
        not look at, keeps its classes.
        """
        try:
            reads, window = [*noted(batch)], window_of(batch)
        except ValueError:
            self.malformed += 1
            return
        for read in reads:
            self.show(read, window)

    def show(self, read: NotedReads, window: int) -> None:
        """The next reads of the stream; `window` is the reload window of their ingest."""
        name, came_from = read.kind
        known = self._agents.get(name)
        counts = read.quarter >= self._first
        if known is None:
            self.unknown += read.number * counts
            return
        self.judged += read.number * counts
        device, bot = known
        if bot == (read.was == BOT):
            return
        now = BOT if bot else self._reader_or_reload(read, window)
        if not counts:
            return
        self.changes.move(read.was, now, read.article, read.quarter, read.number)
        change = (now == READER) - (read.was == READER)
        if change:
            self.changes.devices[read.quarter][device] += change * read.number
            if came_from != NO_REFERRER:
                self.changes.referrers[read.quarter][came_from] += change * read.number

    def _reader_or_reload(self, read: NotedReads, window: int) -> str:
        if not window or read.visitor == NO_VISITOR:
            return READER
        if len(self._until) >= self._prune_at:
            self._until = {key: end for key, end in self._until.items() if end > read.second}
            self._prune_at = max(MAX_WINDOW, 2 * len(self._until))
        key = read.visitor, read.article
        earlier = (read.earlier, read.article) if read.earlier != NO_VISITOR else key
        if max(self._until.get(key, 0), self._until.get(earlier, 0)) > read.second:
            return RELOAD
        self._until[key] = read.second + window
        return READER
