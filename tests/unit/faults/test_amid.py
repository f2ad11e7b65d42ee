"""A fault amid another, as data: the order of its steps, of their undo, and what would prove either."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import NotAvailable, Refused
from blackstart.controls.docker import Docker
from blackstart.faults.amid import Amid
from blackstart.faults.crash import Crash
from blackstart.faults.kill import Kill
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.model.target import Target
from tests.unit.faults.test_service_faults import CONTAINER, RUNNING, target

TAKE, GIVE = Command(("take", "lock")), Command(("give", "lock"))


class Lock:
    """A lock that a program takes and gives back."""

    def __init__(self, lease_s: float = 600.0) -> None:
        self.lease_s = lease_s

    def plan(self, target: Target) -> tuple[Change, ...]:
        (held,) = Kill("redis").plan(target)
        gone = (held.gone[-1].probe.is_("free"),)
        return (replace(held, what="lock", do=(TAKE,), undo=(GIVE,), gone=gone, rights=(TAKE,), lease_s=self.lease_s),)

    def describe(self) -> str:
        return "lock the table"


def planned(fault: Any, monkeypatch: pytest.MonkeyPatch, lock: Lock | None = None) -> Change:
    (change,) = Amid(fault, lock or Lock(), 1.5, 0.5).plan(target(RUNNING, monkeypatch))
    return change


def waits(*seconds: str) -> Sequence[Command]:
    return [Command(("sleep", one)) for one in seconds]


@pytest.mark.parametrize(
    ("fault", "strike"),
    [(Kill("redis"), CONTAINER.kill()), (Crash("redis", "ABRT"), CONTAINER.crash(RUNNING, "ABRT"))],
    ids=["kill", "crash"],
)
def test_work_queues_up_is_taken_up_and_is_in_hand_when_it_dies(
    fault: Any, strike: tuple[Command, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    change, (alone,) = planned(fault, monkeypatch), fault.plan(target(RUNNING, monkeypatch))
    queue_up, take_up = waits("1.5", "0.5")
    assert change.do == (*CONTAINER.pause(), TAKE, queue_up, *CONTAINER.resume(), take_up, *strike, GIVE)
    # Wherever it was broken off: nobody is kept waiting, nothing is left frozen, and what has ended is started.
    assert change.undo == (GIVE, *CONTAINER.resume(), *CONTAINER.start())
    assert change.bites == alone.bites
    assert [str(one) for one in change.gone] == [*map(str, alone.gone), "redis_status is free"]
    assert (change.rights, change.undo_is_noop) == ((*alone.rights, TAKE), True)
    assert change.what == f"{fault.describe()} with its hands full (lock the table)"
    assert from_data(json.loads(json.dumps(to_data(change)))) == change
    assert planned(fault, monkeypatch, Lock(60.0)).lease_s == 60.0


def test_what_waits_for_the_lock_is_ended_once_its_client_is_dead_and_by_no_undo(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Lock, "end_waiting", lambda self, target: Command(("end", "waiting")), raising=False)
    change = planned(Kill("redis"), monkeypatch)
    assert change.do[-3:] == (*CONTAINER.kill(), Command(("end", "waiting")), GIVE)
    assert Command(("end", "waiting")) not in change.undo


def test_what_can_not_be_frozen_is_kept_busy_by_the_other_fault_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(self: Docker) -> tuple[Command, ...]:
        raise NotAvailable("no freezer here")

    monkeypatch.setattr(Docker, "pause", cannot)
    change = planned(Kill("redis"), monkeypatch)
    assert change.do == (TAKE, *waits("1.5", "0.5"), *CONTAINER.kill(), GIVE)
    assert change.undo == (GIVE, *CONTAINER.start())


def test_what_a_person_would_have_to_do_that_quickly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    by_hand = target(RUNNING, monkeypatch)
    manual = replace(by_hand.services["redis"], control={"manual": "the pager"})
    with pytest.raises(Refused, match="nobody strikes by hand while it has its hands full"):
        Amid(Kill("redis"), Lock()).plan(replace(by_hand, services={"redis": manual}))


@pytest.mark.parametrize("given", [0.0, -1.0, 21.0, float("nan")])
def test_waits_that_are_none_and_faults_of_no_service_are_refused(given: float) -> None:
    for name in ("pause_s", "busy_s"):
        with pytest.raises(ValueError, match=f"{name} must be above 0 and at most 20"):
            Amid(Kill("redis"), Lock(), **{name: given})
    with pytest.raises(ValueError, match="lock the table is no fault of one service"):
        Amid(Lock(), Lock())
