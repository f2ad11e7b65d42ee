"""The partitions of shop.split-brain: all of them follow from the seed, and each can be made and undone in time."""

from dataclasses import replace

import pytest

from blackstart.base.errors import NotShown
from blackstart.engine.scheduling import BETWEEN_S, stretches
from blackstart.model.change import Change
from blackstart.model.flags import Flags
from blackstart.suites.shop import split_brain
from tests.unit.blackstart_lab.shop.test_declared_mutants import shop

SEEDS = range(1, 21)


def seeded(seed: int, **more: float) -> split_brain.Experiment:
    target = shop()
    facts = {**target.facts, "partition_seed": seed, **more}
    return split_brain.experiment(replace(target, facts=facts), Flags())


@pytest.mark.parametrize("ttl_s", [0.5, 1.5, 10.0, 30.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_schedule_of_every_seed_can_be_kept_however_long_a_lock_lasts(seed: int, ttl_s: float) -> None:
    made = seeded(seed, lock_ttl_s=ttl_s, db_timeout_s=30.0)
    planned = [(Change(at.called, at.fault.service, (), (), (), ()),) for at in made.faults]
    kept = stretches(made, planned)
    assert len(kept) == 8 and BETWEEN_S > 0
    late, cut = made.faults[::2], made.faults[1::2]
    for slow, off in zip(late, cut, strict=True):
        assert slow.at_s < off.at_s < slow.at_s + slow.hold_s
        assert slow.fault.service.rpartition("-of-")[2] == off.fault.service.rpartition("-of-")[2]
        assert slow.fault.latency_ms < ttl_s * 1000 < 2 * slow.fault.latency_ms
        assert off.at_s + off.hold_s > off.at_s + ttl_s and slow.hold_s > 2 * ttl_s


def test_the_same_seed_is_the_same_schedule_and_others_are_others() -> None:
    assert seeded(3).faults == seeded(3).faults
    assert len({seeded(seed).faults for seed in SEEDS}) == len(SEEDS)
    both = {at.fault.service for seed in SEEDS for at in seeded(seed).faults}
    assert len(both) == 4


@pytest.mark.parametrize(
    ("without", "told"),
    [("redis-of-inventory-2", "lacks redis-of-inventory-2$"), ("inventory-2", 'and "shop" names inventory-1 alone$')],
)
def test_a_shop_with_one_inventory_or_without_a_way_of_its_own_does_not_show_it(without: str, told: str) -> None:
    target = shop()
    services = {name: one for name, one in target.services.items() if name != without}
    with pytest.raises(NotShown, match=told):
        split_brain.experiment(replace(target, services=services), Flags())


def test_a_call_that_ends_before_its_lock_lapses_does_not_show_it() -> None:
    with pytest.raises(NotShown, match=r"8 s late.*gives such a call 2 s"):
        seeded(1, lock_ttl_s=10.0)
