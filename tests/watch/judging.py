"""Causes one fault after the other, and sees which alerts fire and stop."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.support.system import until
from tests.watch.alarms import Fault, names
from tests.watch.bench import Bench

FIRING, RAISED = 'ALERTS{alertstate="firing"}', "ALERTS"
QUIET_SECONDS = 120.0
LONG_AFTER = names("ErrorBudgetBurnsSlowly")
"""It may still fire from an earlier fault."""
BUSY = names("BeaconSlow PagesSlow")
"""They fire by themselves where the machine has too much else to do. The line says so."""


@dataclass
class Judgement:
    """What was seen of a fault; times in seconds."""

    fault: Fault
    fired: frozenset[str] = frozenset()
    took: float = 0.0
    stopped: float = 0.0
    complaints: list[str] = field(default_factory=list)

    def line(self) -> str:
        """What is printed."""
        busy = sorted(self.fired & BUSY - self.fault.alerts)
        others = sorted(self.fired - self.fault.alerts - BUSY)
        told = ", ".join(sorted(self.fired & self.fault.alerts)) or "nothing fired"
        also = f"; consequences: {', '.join(others)}" if others else ""
        also += f"; of a busy machine: {', '.join(busy)}" if busy else ""
        return (
            f"{self.fault.what}: {told}{also} (after {self.took:.0f} s, over {self.stopped:.0f} s "
            "after the fault)"
        )


async def judge(one: Bench, faults: Iterable[Fault]) -> list[Judgement]:
    """Every fault, each after a quiet moment."""
    judgements = []
    for fault in faults:
        judgement = Judgement(fault)
        judgements.append(judgement)
        one.stack.say(fault.what)
        try:
            await _see(one, fault, judgement)
        except AssertionError as error:
            judgement.complaints.append(str(error)[:500])
        one.stack.say(judgement.line())
        for complaint in judgement.complaints:
            one.stack.say(f"WRONG: {complaint}")
    return judgements


async def _see(one: Bench, fault: Fault, judgement: Judgement) -> None:
    # Pending ones too: they may be of the fault before.
    ignored = (LONG_AFTER | BUSY) - fault.alerts
    await _until(one, lambda raised: not raised - ignored, QUIET_SECONDS, "quiet before", RAISED)
    began = time.time()
    try:
        async with fault.cause(one):
            await _until(one, lambda firing: fault.alerts <= firing, fault.seconds, "all fire")
            judgement.took = time.time() - began
        ended = time.time()
        await _until(one, lambda firing: not firing & fault.alerts, fault.lasts, "they stop")
        judgement.stopped = time.time() - ended
    finally:
        judgement.fired = await asyncio.to_thread(_since, one, began)
    named = fault.alerts | fault.consequences | LONG_AFTER | BUSY
    if strange := judgement.fired - named:
        judgement.complaints.append(f"not alone: {', '.join(sorted(strange))}")


async def _until(
    one: Bench,
    condition: Callable[[frozenset[str]], object],
    seconds: float,
    what: str,
    query: str = FIRING,
) -> None:
    async def met() -> bool:
        return bool(condition(await asyncio.to_thread(_now, one, query)))

    # `until` has the patience for a busy machine.
    firing = await asyncio.to_thread(_now, one, query)
    await until(met, seconds / 2, lambda: f"{what}; firing at first: {sorted(firing)}")


def _now(one: Bench, query: str) -> frozenset[str]:
    result = one.stack.prometheus.ask("query", query=query)["result"]
    return frozenset(sample["metric"]["alertname"] for sample in result)


def _since(one: Bench, began: float) -> frozenset[str]:
    result = one.stack.prometheus.ask(
        "query_range", query=FIRING, start=str(began), end=str(time.time()), step="1s"
    )["result"]
    return frozenset(sample["metric"]["alertname"] for sample in result)


def verdict(judgements: Iterable[Judgement], alerts: frozenset[str]) -> list[str]:
    """What is printed at the end: how many of `alerts` fired and stopped, and which did not."""
    seen = {name for each in judgements if not each.complaints for name in each.fault.alerts}
    total = f"{len(seen)} of {len(alerts)} alerts fired on their fault and stopped, alone"
    return [total, *(f"  {name}: not seen here" for name in sorted(alerts - seen))]
