"""The alerts and their faults: what is done to the real stack, which alerts must fire, and which
others are a consequence. The faults themselves are in `alarms_*.py`.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from tests.watch.bench import Bench

Cause = Callable[[Bench], AbstractAsyncContextManager[None]]
"""A fault lasts for as long as its block. Its end is the mend."""


@dataclass(frozen=True)
class Fault:
    """A fault, the alerts that are for it, and those that it names as a consequence.

    `seconds`: upper bound for the alerts to fire; as much again for them to stop, or `lasts`.
    """

    what: str
    cause: Cause
    alerts: frozenset[str]
    consequences: frozenset[str] = frozenset()
    seconds: float = 60.0
    lasts: float = 60.0


def fault(
    what: str,
    cause: Cause,
    alerts: str,
    consequences: str = "",
    seconds: float = 60.0,
    lasts: float = 60.0,
) -> Fault:
    """A `Fault`; names of alerts without `Luotdoc`, separated by blanks."""
    return Fault(what, cause, names(alerts), names(consequences), seconds, lasts)


def names(text: str) -> frozenset[str]:
    """The full names of alerts that are written without `Luotdoc`."""
    return frozenset(f"Luotdoc{name}" for name in text.split())


RESTART = "InstanceDown BrokerAway NotReady"
"""What a restart that takes longer than some seconds shows, without `Luotdoc`."""
