"""What a simulated portal goes through, and what comes of it. Pure."""

from dataclasses import dataclass, field

from deploy.capacity.plan import OUTAGE_SECONDS

STEP, OUTAGE_STEP = 0.05, 0.25


@dataclass(frozen=True)
class Scenario:
    """What happens from `BEGIN` for `seconds`; afterwards the load is `portal.reads` again."""

    name: str
    seconds: float
    factor: float = 1.0
    """Of the portal's reads that arrive meanwhile."""
    rabbitmq: bool = True
    mongodb: bool = True

    @property
    def step(self) -> float:
        """Coarser in a long outage, where delays are minutes."""
        return STEP if self.rabbitmq and self.mongodb else OUTAGE_STEP


SCENARIOS = (
    Scenario("steady", 60.0),
    Scenario("peak", 60.0, factor=1.5),
    Scenario("MongoDB away", OUTAGE_SECONDS, mongodb=False),
    Scenario("RabbitMQ away", OUTAGE_SECONDS, rabbitmq=False),
)


@dataclass
class Simulated:
    """What came of a scenario. Delays are from the answer 204 to the commit, in seconds."""

    accepted: float = 0.0
    begun: float = 0.0
    """Reads of the scenario that are in batches, of the simulated part."""
    counted: float = 0.0
    delays: dict[int, float] = field(default_factory=dict)
    """Reads by their delay in steps of time, of those accepted during the scenario."""
    waited: float = 0.0
    """Longest time in seconds that reads wait in ingest for their batch: 0 if it keeps up."""
    queued: float = 0.0
    """Most batches in RabbitMQ, unacked ones too."""
    spooled: float = 0.0
    """Most batches in all spools."""
    drained: float = 0.0
    """Seconds from the end of the scenario until nothing is left of it."""
    step: float = STEP

    def total(self) -> float:
        """Reads of the scenario that were counted."""
        return sum(self.delays.values())

    def delay(self, share: float) -> float:
        """The delay that `share` (0 to 1) of the reads do not exceed."""
        left = share * self.total()
        for steps in sorted(self.delays):
            left -= self.delays[steps]
            if left <= 0:
                return steps * self.step
        return 0.0
