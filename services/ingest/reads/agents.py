"""What the steps of a read ask about its user agent, found once for each agent. Pure."""

from dataclasses import dataclass
from functools import lru_cache

from services.ingest.reads.devices import device_of
from shared.agents.reduction import MAX_AGENT_LENGTH
from shared.agents.rules import is_bot_reduced, reduced
from shared.rabbit.batch_agents import agent_id


# Compared and hashed as an object: each read of a batch is looked up by its agent.
@dataclass(frozen=True, slots=True, eq=False)
class Agent:
    """A reduced user agent (`shared.agents.reduction`), with what was found about it."""

    id: bytes
    text: str
    """The reduced agent, each byte a character."""
    device: str
    """The class of the device."""
    social_app: bool
    """True for the browser within a social app."""
    bot: bool


def agent_of(user_agent: bytes) -> Agent:
    """The agent of a read. Only the first `MAX_AGENT_LENGTH` bytes are examined, and cached."""
    return _agent_of(user_agent[:MAX_AGENT_LENGTH])


@lru_cache(maxsize=10_000)
def _agent_of(user_agent: bytes) -> Agent:
    return _agent(reduced(user_agent), *device_of(user_agent))


@lru_cache(maxsize=10_000)
def _agent(kept: bytes, device: str, social_app: bool) -> Agent:
    text = kept.decode("latin-1")
    return Agent(agent_id(text, device), text, device, social_app, is_bot_reduced(kept))
