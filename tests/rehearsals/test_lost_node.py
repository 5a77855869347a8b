"""A node of a cluster of three is lost under load: first it comes back, then another one is
replaced for good. Every read is counted, once.
"""

import asyncio
from pathlib import Path

import pytest

from deploy.local.database import Database
from tests.rehearsals.cluster import Balancer, Cluster, PeerNode, queues_with_members
from tests.rehearsals.conftest import SECONDS
from tests.rehearsals.stores import run
from tests.rehearsals.traffic import traffic
from tests.support.guide import block
from tests.support.system import System, until

pytestmark = pytest.mark.long
OPERATIONS = "docs/operations.md"


def page_line(command: str) -> str:
    """The line of the page with a command, without its comment."""
    lines = block(OPERATIONS, "forget_cluster_node rabbit@LOST").splitlines()
    (line,) = [line for line in lines if command in line]
    return line.partition("#")[0].strip()


async def critical(system: System) -> bool:
    """Whether the page's command says that a queue would be lost without this node."""
    line = page_line("check_if_node_is_quorum_critical")
    told = await asyncio.to_thread(run, system, f"{line} && echo go on || echo status $?")
    assert "go on" in told or "status 69" in told, told
    return "go on" not in told


async def test_a_node_of_a_cluster_is_lost(tmp_path: Path) -> None:
    cluster, database = Cluster(tmp_path / "rabbitmq"), Database(tmp_path / "mongodb")
    try:
        await asyncio.to_thread(database.start, SECONDS)
        await asyncio.to_thread(cluster.start_mapper)
        for _ in range(3):
            node = await asyncio.to_thread(cluster.start_node, SECONDS)
            if node is not cluster.nodes[0]:
                await asyncio.to_thread(node.join, cluster.nodes[0])
        system = System(cluster.nodes[0], database, tmp_path)
        balancer = Balancer(list(cluster.nodes))
        try:
            await system.reset()
            await balancer.open()
            await _rehearse(system, cluster, balancer)
        finally:
            await balancer.close()
            await system.close()
    finally:
        await asyncio.to_thread(cluster.stop)
        await asyncio.to_thread(database.stop)


async def _rehearse(system: System, cluster: Cluster, balancer: Balancer) -> None:
    first, second, third = cluster.nodes
    queues = await asyncio.to_thread(queues_with_members, first)
    assert queues["counter.reads"]["leader"] == first.peer
    assert await _online(first, {first, second, third})
    async with traffic(system, amqp_url=balancer.url) as running:
        await running.more()
        assert balancer.led[first.peer] >= len(running.fleet.replicas)
        assert set(balancer.led) == {first.peer}  # all services are connected to the leader
        assert not await critical(system)

        # A node is lost, and comes back.
        await asyncio.to_thread(first.kill)
        system.broker = second
        await running.more()
        assert await critical(system)
        await asyncio.to_thread(first.start, SECONDS)
        await until(lambda: _online(second, {first, second, third}), 30, "all members are online")
        await until(lambda: _may_go(system), 30, "no queue is critical")
        await running.more()

        # A node is lost for good, and a new one takes its place.
        await asyncio.to_thread(second.kill)
        system.broker = third
        await running.more()
        await _replace(system, cluster, second)
        new = cluster.nodes[-1]
        balancer.nodes = [first, third, new]
        await until(lambda: _online(third, {first, third, new}), 60, "the new node has members")
        await system.written_down()
        await running.more()

        # With two of its three nodes gone the first cluster would stand still.
        await asyncio.to_thread(first.kill)
        await running.more()
        told = await running.end()
    print(f"node lost, another one replaced, a third one lost: {told}")


async def _replace(system: System, cluster: Cluster, lost: PeerNode) -> None:
    """Do what the page says."""
    forget = page_line("forget_cluster_node").replace("rabbit@LOST", lost.peer)
    await asyncio.to_thread(run, system, forget)
    await until(lambda: _coordinates(system, lost, False), 60, "the coordinator has forgotten it")
    new = await asyncio.to_thread(cluster.start_node, SECONDS, instead=lost)
    await asyncio.to_thread(new.join, cluster.nodes[0])
    await until(lambda: _coordinates(system, new, True), 60, "the coordinator has the new one")
    grow = page_line("rabbitmq-queues grow").replace("rabbit@LOST", lost.peer)
    await asyncio.to_thread(run, system, grow)
    system.declared()


async def _coordinates(system: System, node: PeerNode, wanted: bool) -> bool:
    """Whether the page's command shows a node among those that coordinate streams, as wanted."""
    told = await asyncio.to_thread(run, system, page_line("rabbit_stream_coordinator"))
    members = told.partition("[")[2].partition("]")[0]
    assert "rabbit_stream_coordinator" in members, told
    return (node.peer in members) == wanted


async def _online(at: PeerNode, nodes: set[PeerNode]) -> bool:
    """True if every quorum queue and stream has a member on each of `nodes`, all online."""
    names = {node.peer for node in nodes}
    queues = await asyncio.to_thread(queues_with_members, at)
    return all(set(q["members"]) == set(q["online"]) == names for q in queues.values())


async def _may_go(system: System) -> bool:
    return not await critical(system)
