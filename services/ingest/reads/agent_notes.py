"""Gathers what a recount needs of the reads in a batch (`shared.rabbit.batch_agents`)."""

from collections.abc import Callable, Sequence
from typing import Any

from services.ingest.reads.agents import Agent
from shared.rabbit.batch import NO_REFERRER
from shared.rabbit.batch_agents import MAX_KINDS, NO_VISITOR, AgentPart, ReaderKind

NoteKey = tuple[str, str, int]
"""Class, article and quarter of filtered reads, as the batcher adds them up."""
ANNOUNCE_SECONDS = 3600.0
MAX_ANNOUNCED = 20_000
"""Upper bound for the agents that an epoch remembers to have announced: about 3 MB. Beyond it, it
forgets all of them and announces them again."""
MAX_TEXTS = 256
"""Upper bound for agents that one batch announces, at most 128 KB. While made-up agents flood
ingest, the others are not known until a later batch has room."""
MAX_ROWS = 10_000
"""Upper bound for rows about filtered reads in one batch, as for their sums."""


class AgentNotes:
    """Notes the agents of an epoch's reads, for the part `agents` of each batch.

    `seconds` is a monotonic clock, `window` the reload window in seconds.
    """

    def __init__(self, seconds: Callable[[], float], window: int) -> None:
        self._seconds, self._window = seconds, window
        self._now = 0.0
        self._announced: dict[bytes, float] = {}
        """The second at which each agent was last announced, by its id."""
        self._reloads: dict[tuple[NoteKey, Agent], int] = {}
        self._bots: list[tuple[NoteKey, Agent, int, tuple[bytes, bytes]]] = []

    def reload(self, key: NoteKey, agent: Agent) -> None:
        """Note a read of class reload for the next batch."""
        number = self._reloads.get((key, agent), 0)
        if number or len(self._reloads) < MAX_ROWS:
            self._reloads[key, agent] = number + 1

    def bot(self, key: NoteKey, agent: Agent, second: int, visitor: str, earlier: str) -> None:
        """Note a read of class bot for the next batch: the second of its quarter, its visitor, and
        its visitor under the salt of the day before; both hashes may be "".
        """
        if len(self._bots) < MAX_ROWS:
            self._bots.append((key, agent, second, (_hash(visitor), _hash(earlier))))

    def part(
        self, sources: Sequence[Any], filtered: Sequence[NoteKey], first: int
    ) -> dict[str, Any] | None:
        """The part of the next batch, None if no agent of it is known. Empties the notes.

        `sources` are those of its reads of class reader, in the order of the groups; `filtered` are
        the sums behind these groups, the first of which has the place `first`.
        """
        distinct = set(sources)
        known = [source for source in distinct if source is not None and len(source) == 3]
        if not known and not self._reloads and not self._bots:
            return None
        self._now = self._seconds()  # asked once, not for each agent
        texts: dict[bytes, tuple[str, str]] = {}
        numbers: dict[ReaderKind, int] = {}
        by_source = dict.fromkeys(distinct, 0)
        for source in known:
            by_source[source] = self._kind(source[2], source[0], numbers, texts)
        places = {key: place for place, key in enumerate(filtered, first)}

        def of(key: NoteKey, agent: Agent) -> tuple[int, int] | None:
            place, kind = places.get(key), self._kind(agent, NO_REFERRER, numbers, texts)
            return (place, kind) if place is not None and place < 1 << 16 and kind else None

        part = AgentPart(
            reads=list(map(by_source.__getitem__, sources)) if known else (),
            reloads=[(*at, n) for (key, one), n in self._reloads.items() if (at := of(key, one))],
            bots=[
                (*at, second, *both)
                for key, one, second, both in self._bots
                if (at := of(key, one))
            ],
            window=self._window,
        )
        part.kinds, part.texts = [*numbers], [*texts.values()]
        self._reloads.clear()
        self._bots.clear()
        return part.packed()

    def _kind(
        self,
        agent: Agent,
        came_from: str,
        numbers: dict[ReaderKind, int],
        texts: dict[bytes, tuple[str, str]],
    ) -> int:
        """The number of a kind in this batch; 0 if there is no room for it or its agent."""
        kind = agent.id, came_from
        if known := numbers.get(kind):
            return known
        if len(numbers) >= MAX_KINDS or not self._is_announced(agent, texts):
            return 0
        numbers[kind] = len(numbers) + 1
        return numbers[kind]

    def _is_announced(self, agent: Agent, texts: dict[bytes, tuple[str, str]]) -> bool:
        """True if the agent was announced within the hour, or is by this batch."""
        if self._announced.get(agent.id, -ANNOUNCE_SECONDS) > self._now - ANNOUNCE_SECONDS:
            return True
        if len(texts) >= MAX_TEXTS:
            return False
        if len(self._announced) >= MAX_ANNOUNCED:
            self._announced.clear()
        self._announced[agent.id] = self._now
        texts[agent.id] = agent.text, agent.device
        return True


def _hash(visitor: str) -> bytes:
    return bytes.fromhex(visitor) if visitor else NO_VISITOR
