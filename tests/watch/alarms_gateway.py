"""Faults of the gateway, a real HAProxy with our configuration in front of the services."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.local.gateway import Gateway
from tests.watch.alarms import fault
from tests.watch.bench import Bench


def gateway(one: Bench) -> Gateway:
    """The gateway of a stack that has one."""
    assert one.stack.gateway is not None
    return one.stack.gateway


@asynccontextmanager
async def dead_gateway(one: Bench) -> AsyncIterator[None]:
    """The only gateway is killed."""
    await asyncio.to_thread(gateway(one).kill)
    try:
        yield
    finally:
        await asyncio.to_thread(gateway(one).start)


@asynccontextmanager
async def unreached_ingests(one: Bench) -> AsyncIterator[None]:
    """The gateway reaches no ingest any more; Prometheus does."""
    wires = [wire for name, wire in one.front.items() if name.startswith("ingest-")]
    for wire in wires:
        await wire.cut()
    try:
        yield
    finally:
        for wire in wires:
            await wire.mend()


FAULTS = (
    fault("the gateway dies", dead_gateway, "GatewayDown InstanceDown"),
    fault("the gateway reaches no ingest", unreached_ingests, "GatewayHasNoServer"),
)
