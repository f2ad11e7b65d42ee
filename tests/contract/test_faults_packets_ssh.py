"""Rules on another host, over SSH: the far side takes them back by itself where nobody comes any more to do it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.errors import StepFailed
from blackstart.controls.steps.local import carry_out
from blackstart.controls.steps.ssh import close_machines
from blackstart.faults import _packets
from blackstart.faults.reject import Reject
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore
from tests.netns import Netns, answers, netns
from tests.processes import end, words_of
from tests.requirements import require
from tests.services import eventually, so
from tests.ssh_host import SshHost, ssh_host

pytestmark = [pytest.mark.root, pytest.mark.ssh]


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    require("root", "netns", "ssh")
    with netns() as made:
        yield made


@pytest.fixture
def far(space: Netns, tmp_path: Path) -> Iterator[SshHost]:
    """A sshd whose machine is the namespace: where it runs, `iptables` is that of the namespace."""
    with ssh_host(tmp_path) as host:
        yield host
        close_machines()


def planned(space: Netns, host: SshHost, in_force_s: float = 210.0) -> Change:
    net = {"host": host.url, "netns": space.name}
    service = Service("redis", address=f"{space.theirs}:{space.port}", dsn="redis://x", net=net)
    # The far side's timer is called by the target's name: that of the namespace is nobody else's.
    (change,) = Reject("redis").plan(Target(space.name, services={"redis": service}, in_force_s=in_force_s))
    return change


def sleepers(space: Netns) -> list[int]:
    """The timers that are armed for this namespace."""
    looks = {int(name): words_of(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    begins = f"/run/blackstart/blackstart_{space.name}_"
    return [pid for pid, words in looks.items() if "timed-undo" in words and any(w.startswith(begins) for w in words)]


def test_the_far_side_is_armed_first_and_disarmed_last(space: Netns, far: SshHost) -> None:
    change = planned(space, far)
    assert "arm a timed undo" in change.do[0].argv and "disarm the timed undo" in change.undo[-1].argv  # type: ignore[union-attr]
    for step in change.do:
        carry_out(step)
    assert so(change.bites, 10.0) and sleepers(space)
    assert restore(change, print, 20)
    assert space.rules() == [] and eventually(lambda: sleepers(space) == [])


def test_a_far_side_that_nobody_comes_back_to_takes_its_rules_back(
    space: Netns, far: SshHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_packets, "SPARE_S", 2)
    # The time runs from the first of several commands over SSH, each of which takes a second at rest.
    change = planned(space, far, in_force_s=13.0)
    for step in change.do:
        carry_out(step)
    assert space.rules() and not answers(space)
    far.stop()
    close_machines()
    began = time.monotonic()
    with pytest.raises(StepFailed):
        carry_out(change.undo[0])
    assert eventually(lambda: space.rules() == [], 30) and time.monotonic() - began < 25
    assert answers(space) and eventually(lambda: sleepers(space) == [])
    far.start()
    assert eventually(lambda: is_gone(change), 15)


def test_a_later_fault_is_not_taken_back_by_an_earlier_ones_timer(
    space: Netns, far: SshHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_packets, "SPARE_S", 2)
    first = planned(space, far, in_force_s=4.0)
    for step in first.do:
        carry_out(step)
    second = replace(first, do=tuple(_armed_longer(step) for step in first.do))
    for step in first.undo[:-1]:  # the disarming is lost
        carry_out(step)
    for step in second.do:
        carry_out(step)
    time.sleep(7)  # the first one's time is over by then
    assert len(space.rules()) == 1 and not answers(space)
    assert restore(second, print, 20)
    assert space.rules() == []
    end(sleepers(space))


def _armed_longer(step: object) -> Command:
    assert isinstance(step, Command)
    return replace(step, argv=tuple("60" if word == "6" else word for word in step.argv))
