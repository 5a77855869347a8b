"""A portal in steps of time: reads, batches, the queue, the counters' flushes, and outages. Pure.

All ingests are one flow, and so are all queues; the counters are single processes that flush at
their own times. A cohort is what was accepted in one step; its reads wait, are queued and are
counted together. The seed decides how many reads arrive in a step, and when the counters begin.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil

from deploy.capacity.measured import FLUSH_INTERVAL, MeasuredCosts
from deploy.capacity.plan import (
    BUSY,
    COUNTER_PREFETCH,
    FLUSH_READS,
    Load,
    Plan,
)
from deploy.capacity.scenarios import Scenario, Simulated
from services.counter.pace import pause_after
from services.ingest.reads.batcher import GAP_SECONDS

SHORT_QUEUE = 4
"""Cohorts in the queue up to which the counters share it equally."""
BEGIN = 10.0
"""Seconds before anything changes."""
AT_MOST = 8
"""Counters that are simulated. Of a larger portal an equal part of everything is."""
LONGEST = 3_600.0
"""After that a backlog is said not to drain."""


@dataclass
class _Cohort:
    at: int
    batches: float
    reads: float


class _Line:
    """Cohorts in order; `batches` is their sum."""

    def __init__(self) -> None:
        self._cohorts: deque[_Cohort] = deque()
        self.batches = 0.0

    def __len__(self) -> int:
        return len(self._cohorts)

    @property
    def oldest(self) -> int | None:
        """The step in which the first one was accepted."""
        return self._cohorts[0].at if self._cohorts else None

    def add(self, cohort: _Cohort) -> None:
        """Behind the others."""
        self._cohorts.append(cohort)
        self.batches += cohort.batches

    def take(self, room: float) -> Iterator[_Cohort]:
        """At most `room` batches from the head; the last cohort may be divided."""
        while self._cohorts and room > 0:
            head = self._cohorts.popleft()
            if head.batches > room:
                part = room / head.batches
                rest = _Cohort(head.at, head.batches * (1 - part), head.reads * (1 - part))
                self._cohorts.appendleft(rest)
                head = _Cohort(head.at, room, head.reads * part)
            room -= head.batches
            self.batches -= head.batches
            yield head


@dataclass
class _Process:
    """A counter: what it holds, what it flushes, and when it is done or due."""

    due: float
    held: list[_Cohort] = field(default_factory=list)
    flushing: list[_Cohort] = field(default_factory=list)
    batches: float = 0.0
    """Unacked ones, those of the flush too."""
    reads: float = 0.0
    """Of those held."""
    done: float = 0.0
    took: float = 0.0
    """The last flush, in seconds."""


class Simulation:
    """One portal as planned, through one scenario."""

    def __init__(self, plan: Plan, measured: MeasuredCosts, scenario: Scenario, seed: int) -> None:
        self._plan, self._measured, self._scenario = plan, measured, scenario
        self._step = scenario.step
        self._dice = random.Random(f"{seed}/{scenario.name}/{plan.portal.reads}")
        simulated = min(plan.counters, AT_MOST)
        self._part = simulated / plan.counters
        self._processes = [
            _Process(self._dice.uniform(0, FLUSH_INTERVAL)) for _ in range(simulated)
        ]
        self._mean_reads = plan.portal.reads * self._step * self._part
        self._mean_batches = plan.batches * self._step * self._part
        self._cpu = measured.counter.cores(plan.portal.reads / plan.batches, 1.0)
        self._waiting = 0.0
        self._spool, self._queue = _Line(), _Line()
        self._outcome = Simulated(step=self._step)
        self._within = range(0)

    def run(self) -> Simulated:
        """The outcome, once everything of the scenario is counted."""
        first = round(BEGIN / self._step)
        self._within = range(first, first + round(self._scenario.seconds / self._step))
        now = 0
        while now <= self._within.stop or self._remains():
            self._arrive(now)
            self._forward(now)
            for process in self._processes:
                self._take(process)
                self._flush(process, now)
            self._look(now)
            now += 1
            if (now - self._within.stop) * self._step > LONGEST:
                break
        return self._outcome

    def _remains(self) -> bool:
        last = self._within.stop
        held = (each.at for p in self._processes for each in (*p.held[:1], *p.flushing[:1]))
        oldest = (self._spool.oldest, self._queue.oldest, *held)
        return any(at is not None and at < last for at in oldest)

    def _arrive(self, now: int) -> None:
        """Reads become batches, as far as ingest's CPU goes."""
        during = now in self._within
        mean = self._mean_reads * (self._scenario.factor if during else 1.0)
        arrived = _poisson(self._dice, mean)
        self._outcome.accepted += arrived
        self._waiting += arrived
        rate = self._waiting / self._step
        ingests = self._plan.ingests * self._part
        batches = self._plan.batches * self._part
        if batches < ingests / GAP_SECONDS:  # each read is alone, and there are empty ones
            batches = min(ingests / GAP_SECONDS, batches * self._waiting / self._mean_reads)
        used = self._measured.ingest.cores(rate, batches) / ingests
        served = self._waiting / max(1.0, used)
        self._waiting -= served
        self._outcome.waited = max(self._outcome.waited, self._waiting / mean * self._step)
        self._outcome.begun += served if during else 0.0
        self._spool.add(_Cohort(now, batches * self._step, served))

    def _forward(self, now: int) -> None:
        """To the queue, as many batches as RabbitMQ confirms. The rest is on ingest's disk."""
        if now in self._within and not self._scenario.rabbitmq:
            return
        room = self._plan.queues * self._measured.confirmed * self._step * self._part
        for cohort in self._spool.take(room):
            self._queue.add(cohort)

    def _take(self, process: _Process) -> None:
        """A counter gets its share of the queue, as far as prefetch and CPU go."""
        room = min(COUNTER_PREFETCH - process.batches, self._step / self._cpu)
        if len(self._queue) < SHORT_QUEUE:  # a longer one has enough for all
            room = min(room, SHORT_QUEUE * self._mean_batches / len(self._processes))
        for cohort in self._queue.take(room):
            process.held.append(cohort)
            process.batches += cohort.batches
            process.reads += cohort.reads

    def _flush(self, process: _Process, now: int) -> None:
        time = now * self._step
        if process.flushing:
            if time < process.done:
                return
            self._commit(process, now)
        away = now in self._within and not self._scenario.mongodb
        if process.held and not away and (time >= process.due or process.reads >= FLUSH_READS):
            process.flushing, process.held = process.held, []
            seconds = self._seconds(process)
            process.reads, process.done, process.took = 0.0, time + seconds, seconds

    def _seconds(self, process: _Process) -> float:
        """Of this flush; longer while all flushes together need more cores than MongoDB has."""
        batches = sum(cohort.batches for cohort in process.flushing)
        load = Load(self._plan.portal, process.reads, batches, self._plan.ingests)
        documents = load.documents(1.0)
        alone = self._measured.flush.of(documents)
        busy = sum(bool(each.flushing) for each in self._processes)
        used = busy / self._part * self._measured.mongod.of(documents) / max(alone, 1e-9)
        return alone * max(1.0, used / max(1, ceil(self._plan.cores["mongod"] / BUSY)))

    def _commit(self, process: _Process, now: int) -> None:
        for cohort in process.flushing:
            self._outcome.counted += cohort.reads
            if cohort.at in self._within:
                delays, took = self._outcome.delays, now - cohort.at
                delays[took] = delays.get(took, 0.0) + cohort.reads
        process.batches -= sum(cohort.batches for cohort in process.flushing)
        pause = pause_after(process.took, FLUSH_INTERVAL)
        process.flushing, process.due = [], now * self._step + pause

    def _look(self, now: int) -> None:
        outcome = self._outcome
        held = sum(process.batches for process in self._processes)
        outcome.queued = max(outcome.queued, (held + self._queue.batches) / self._part)
        outcome.spooled = max(outcome.spooled, self._spool.batches / self._part)
        outcome.drained = max(0.0, (now - self._within.stop) * self._step)


def _poisson(dice: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(dice.gauss(mean, mean**0.5)))
    number, total = 0, dice.expovariate(1.0)
    while total < mean:
        number += 1
        total += dice.expovariate(1.0)
    return number
