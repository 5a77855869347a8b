"""Which faults hit what, and when: decided by a seed alone. Pure."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

REPLICAS = {"ingest": 2, "counter": 2, "render": 1, "stats": 1}
SERVERS = ("rabbitmq", "mongod")
KINDS = ("kill", "term", "freeze")
ROLL = "roll"
CUT = "cut"
ALL_SERVICES, MACHINE = "services", "machine"

SLOW = {("rabbitmq", "kill"), ("rabbitmq", "term"), (MACHINE, CUT)}
"""RabbitMQ takes about 8 s to come back: once in a round is enough, and early."""


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What happens to one process, `at` seconds into the round.

    kill    SIGKILL, and a start after `seconds` term    SIGTERM, and a start `seconds` after its
    end freeze  SIGSTOP, and SIGCONT after `seconds` roll    every replica of every service, one
    after the other: SIGTERM, start, ready cut     SIGKILL to everything at once, RabbitMQ frozen a
    moment before with reads on their way to it
    """

    at: float
    target: str
    kind: str
    seconds: float = 0.0

    @property
    def name(self) -> str:
        """Its row in the table, such as `kill ingest`."""
        return f"{self.kind} {service_of(self.target)}"


@dataclass(frozen=True, slots=True)
class Round:
    """Faults in the order of time; `seconds` is how long the load goes on at least."""

    number: int
    seconds: float
    faults: tuple[Fault, ...]


def service_of(target: str) -> str:
    """`ingest` for `ingest-2`; servers are called by their own name."""
    return target.partition("-")[0]


def replicas() -> Iterator[str]:
    """Every process of a service."""
    for service, number in REPLICAS.items():
        yield from (f"{service}-{n}" for n in range(1, number + 1))


def deck() -> list[tuple[str, str]]:
    """Every (service or server, kind) there is, a rolling restart, and a power cut."""
    each = [(where, kind) for where in (*REPLICAS, *SERVERS) for kind in KINDS]
    return [*each, (ALL_SERVICES, ROLL), (MACHINE, CUT)]


def plan_round(seed: int, number: int, seconds: float) -> Round:
    """Round `number`, from 1: one fault of a shuffled deck, so that every 20 rounds have all, and
    two to four more.
    """
    cycle, card = divmod(number - 1, len(deck()))
    shuffled = deck()
    random.Random(f"{seed}/deck/{cycle}").shuffle(shuffled)
    dice = random.Random(f"{seed}/round/{number}")
    chosen = [shuffled[card]]
    extra = [one for one in deck() if one[1] not in (ROLL, CUT)]
    for one in dice.sample(extra, dice.randint(2, 4)):
        slow_already = any(c in SLOW or c[1] == ROLL for c in chosen)
        if one not in chosen and not (one in SLOW and slow_already):
            chosen.append(one)
    return Round(number, seconds, tuple(sorted(_place_all(dice, chosen, seconds))))


def short() -> list[Round]:
    """Two rounds of the worst: ingest dies with a spool and RabbitMQ away; counters and mongod,
    then everything.
    """
    return [
        Round(
            1,
            9.0,
            (
                Fault(1.0, "rabbitmq", "kill", 1.0),
                Fault(2.0, "ingest-1", "kill", 0.2),
                Fault(2.5, "counter-1", "kill", 0.5),
                Fault(5.0, "ingest-2", "term", 0.0),
            ),
        ),
        Round(
            2,
            8.0,
            (
                Fault(0.7, "counter-2", "freeze", 3.0),
                Fault(1.0, "mongod", "kill", 0.3),
                Fault(2.0, "ingest-1", "freeze", 1.0),
                Fault(3.5, "counter-1", "kill", 0.0),
                Fault(4.2, "rabbitmq", "freeze", 1.5),
                Fault(5.0, MACHINE, CUT),
            ),
        ),
    ]


def _place_all(
    dice: random.Random, chosen: list[tuple[str, str]], seconds: float
) -> Iterator[Fault]:
    """At random moments, half of them within a second of the one before: the worst comes in
    pairs.
    """
    moment = 0.0
    for where, kind in chosen:
        fault = _place(dice, where, kind, seconds)
        if moment and (where, kind) not in SLOW and dice.random() < 0.5:
            fault = replace(fault, at=round(moment + dice.uniform(0.1, 0.9), 2))
        moment = fault.at
        yield fault


def _place(dice: random.Random, where: str, kind: str, seconds: float) -> Fault:
    if kind in (ROLL, CUT):
        return Fault(round(dice.uniform(0.3, 1.5), 2), where, kind)
    target = f"{where}-{dice.randint(1, REPLICAS[where])}" if where in REPLICAS else where
    latest = 0.25 if (where, kind) in SLOW else 0.75
    at = dice.uniform(0.3, latest * seconds)
    lasts = dice.uniform(0.4, 6.0) if kind == "freeze" else dice.uniform(0.0, 2.0)
    return Fault(round(at, 2), target, kind, round(lasts, 2))
