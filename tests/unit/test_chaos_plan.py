"""The plan of faults: the seed decides it, and every kind of fault comes up."""

import pytest

from tests.chaos.plan import SLOW, Fault, Round, deck, plan_round, replicas, service_of, short


def test_a_seed_repeats_a_round_whatever_comes_before_it() -> None:
    assert [plan_round(7, n, 12.0) for n in (1, 2, 3)] == [
        plan_round(7, n, 12.0) for n in (1, 2, 3)
    ]
    assert plan_round(7, 3, 12.0) != plan_round(8, 3, 12.0)
    assert plan_round(7, 3, 12.0) != plan_round(7, 4, 12.0)


@pytest.mark.parametrize("seed", range(20))
def test_twenty_rounds_have_every_fault(seed: int) -> None:
    rounds = [plan_round(seed, n, 12.0) for n in range(1, 21)]
    assert {fault.name for planned in rounds for fault in planned.faults} == {
        f"{kind} {what}" for what, kind in deck()
    }


@pytest.mark.parametrize("seed", range(20))
def test_a_round_is_possible(seed: int) -> None:
    targets = {*replicas(), "rabbitmq", "mongod", "services", "machine"}
    for number in range(1, 40):
        faults = plan_round(seed, number, 12.0).faults
        assert 2 <= len(faults) <= 5
        assert list(faults) == sorted(faults)
        slow = [fault for fault in faults if (service_of(fault.target), fault.kind) in SLOW]
        assert len(slow) <= 1
        assert not (slow and any(fault.kind == "roll" for fault in faults))
        for fault in faults:
            assert fault.target in targets
            assert 0.3 <= fault.at <= (3.0 if fault in slow else 12.6)
            assert 0.0 <= fault.seconds <= 6.0


def test_the_short_form_hits_what_carries_reads_and_repeats_itself() -> None:
    rounds = short()
    assert rounds == short()
    assert {fault.name for planned in rounds for fault in planned.faults} >= {
        "kill ingest",
        "kill counter",
        "kill rabbitmq",
        "kill mongod",
        "freeze rabbitmq",
        "cut machine",
    }


def test_names() -> None:
    assert Fault(1.0, "ingest-2", "kill").name == "kill ingest"
    assert Fault(1.0, "mongod", "freeze", 2.0).name == "freeze mongod"
    assert list(replicas()) == [
        "ingest-1",
        "ingest-2",
        "counter-1",
        "counter-2",
        "render-1",
        "stats-1",
    ]
    assert Round(1, 2.0, ()).faults == ()
