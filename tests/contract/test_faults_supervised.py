"""The faults of a service against a real Redis under a real supervisord: they bite, and their undo is proved."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.faults.bounce import Bounce
from blackstart.faults.crash import Crash
from blackstart.faults.kill import Kill
from blackstart.faults.pause import Pause
from blackstart.faults.stop import Stop
from blackstart.model.change import Change, Fault
from blackstart.model.target import Service, Target
from tests.services import Supervised, carry_out, eventually, pings, so, supervised_redis


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


@pytest.mark.parametrize(
    "fault",
    [Stop("redis"), Kill("redis"), Crash("redis"), Pause("redis"), Bounce("redis", 300)],
    ids=lambda fault: fault.describe(),
)
def test_it_bites_and_its_undo_from_the_ledgers_json_is_proved(lab: Supervised, fault: Fault) -> None:
    (planned,) = fault.plan(lab.target())
    change = from_data(json.loads(json.dumps(to_data(planned))))
    assert isinstance(change, Change) and change == planned
    carry_out(change.rights + change.undo)
    assert so(change.gone) and not so(change.bites)
    carry_out(change.do)
    assert eventually(lambda: so(change.bites)), [str(c) for c in change.bites]
    carry_out(change.undo)
    assert eventually(lambda: so(change.gone))
    assert pings(lab.port)


def test_a_service_that_is_down_is_refused(lab: Supervised) -> None:
    lab.ctl("stop", "redis")
    try:
        with pytest.raises(Refused, match="Not started: redis is stopped"):
            Stop("redis").plan(lab.target())
    finally:
        lab.ctl("start", "redis")


def test_a_crash_that_nothing_would_revive_is_refused(lab: Supervised) -> None:
    once = Service("once", control={"supervisor": "once", "config": str(lab.config)})
    with pytest.raises(Refused, match="nothing would bring once back after a crash"):
        Crash("once").plan(Target("test", services={"once": once}))


def test_a_service_without_an_address_is_judged_by_its_control(lab: Supervised) -> None:
    once = Service("once", control={"supervisor": "once", "config": str(lab.config)})
    (change,) = Pause("once").plan(Target("test", services={"once": once}))
    assert [str(condition) for condition in change.bites] == ["once_status is paused"]
    carry_out(change.do)
    assert eventually(lambda: so(change.bites))
    carry_out(change.undo)
    assert so(change.gone)


def test_what_was_killed_while_it_was_frozen_is_started_by_the_undo(lab: Supervised) -> None:
    (change,) = Pause("redis").plan(lab.target())
    carry_out(change.do)
    lab.ctl("signal", "KILL", "redis")
    lab.ctl("stop", "redis")
    assert not so(change.gone)
    carry_out(change.undo)
    assert eventually(lambda: so(change.gone))


def test_a_supervisord_that_does_not_answer_is_a_refusal(lab: Supervised, tmp_path: Path) -> None:
    config = tmp_path / "s.conf"
    config.write_text(f"[supervisorctl]\nserverurl=unix://{tmp_path}/none.sock\n")
    service = Service("redis", control={"supervisor": "redis", "config": str(config)})
    with pytest.raises(Refused, match=r"Not started: redis can't be looked up: .*Is it running"):
        Stop("redis").plan(Target("test", services={"redis": service}))
