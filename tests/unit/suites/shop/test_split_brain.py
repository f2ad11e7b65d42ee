"""The partitions of shop.split-brain: all of them follow from the seed, and each can be made and undone in time."""

from dataclasses import replace

import pytest

from blackstart.base.errors import BadTarget
from blackstart.engine.scheduling import BETWEEN_S, stretches
from blackstart.model.change import Change
from blackstart.model.flags import Flags
from blackstart.suites.shop import split_brain
from tests.unit.blackstart_lab.shop.test_declared_mutants import shop

SEEDS = range(1, 21)


def seeded(seed: int, partitions: int = 4) -> split_brain.Experiment:
    target = shop()
    facts = {**target.facts, "partition_seed": seed, "partitions": partitions}
    return split_brain.experiment(replace(target, facts=facts), Flags())


@pytest.mark.parametrize("seed", SEEDS)
def test_the_schedule_of_every_seed_can_be_kept(seed: int) -> None:
    made = seeded(seed)
    planned = [(Change(at.called, at.fault.service, (), (), (), ()),) for at in made.faults]
    kept = stretches(made, planned)
    assert len(kept) == 8 and BETWEEN_S > 0
    late, cut = made.faults[::2], made.faults[1::2]
    for slow, off in zip(late, cut, strict=True):
        assert slow.at_s < off.at_s < slow.at_s + slow.hold_s
        assert slow.fault.service.rpartition("-of-")[2] == off.fault.service.rpartition("-of-")[2]
        assert slow.fault.latency_ms < shop().facts["lock_ttl_s"] * 1000 < 2 * slow.fault.latency_ms


def test_the_same_seed_is_the_same_schedule_and_others_are_others() -> None:
    assert seeded(3).faults == seeded(3).faults
    assert len({seeded(seed).faults for seed in SEEDS}) == len(SEEDS)
    both = {at.fault.service for seed in SEEDS for at in seeded(seed).faults}
    assert len(both) == 4


def test_an_inventory_without_ways_of_its_own_is_refused() -> None:
    target = shop()
    services = {name: one for name, one in target.services.items() if name != "redis-of-inventory-2"}
    with pytest.raises(BadTarget, match="lacks redis-of-inventory-2"):
        split_brain.experiment(replace(target, services=services), Flags())
