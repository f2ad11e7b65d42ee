"""What a service's control says, as readings."""

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, Refused, StepFailed, StepTimedOut
from blackstart.controls.manual import Manual
from blackstart.model.control import State
from blackstart.model.reading import Answer
from blackstart.model.target import Service, Target
from blackstart.probes.control_state import ControlState
from blackstart.probes.read import read_once

CONTROL = Manual("redis")


def test_one_look_feeds_status_and_process() -> None:
    status, process = ControlState("redis", CONTROL), ControlState("redis", CONTROL, "process")
    assert status.endpoint() == process.endpoint() and hash(status.endpoint()) == hash(process.endpoint())
    assert (status.name, process.name) == ("redis_status", "redis_process")
    answer = Answer("answer", State("running", "42:noon", 42, detail="healthy"))
    assert status.pick(answer) == ("value", "running", "healthy")
    assert process.pick(answer) == ("value", "42:noon", "healthy")


def test_its_life_is_told_from_the_one_that_ran_when_the_run_was_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Manual, "read_state", lambda self, timeout_s=10.0: State("running", "42:noon", 42))
    life = ControlState("redis", field="life").bind(
        Target("test", services={"redis": Service("redis", control={"manual": True})})
    )
    assert life == ControlState("redis", CONTROL, "life", "42:noon") and life.name == "redis_life"
    seen = [life.pick(Answer("answer", State("running", one))) for one in ("42:noon", "", "43:one")]
    assert [(kind, value) for kind, value, _ in seen] == [("value", "same"), ("value", "none"), ("value", "another")]


def test_where_no_process_runs_there_is_none_to_compare() -> None:
    answer = Answer("answer", State("stopped"))
    assert ControlState("redis", CONTROL, "process").pick(answer)[0] == "absent"
    assert ControlState("redis", CONTROL).pick(answer) == ("value", "stopped", "")


def test_it_takes_the_control_of_the_target_and_survives_json() -> None:
    target = Target("test", services={"redis": Service("redis", control={"manual": True})})
    bound = ControlState("redis").bind(target)
    assert bound == ControlState("redis", CONTROL)
    assert from_data(to_data(bound)) == bound
    assert bound.bind(Target("other")) == bound
    with pytest.raises(BadTarget, match='has no service "postgres"'):
        ControlState("postgres").bind(target)
    with pytest.raises(Refused, match="before it knew its target"):
        ControlState("redis").endpoint()


@pytest.mark.parametrize(
    ("error", "kind"), [(StepTimedOut("too late"), "timed_out"), (StepFailed("gone"), "unreadable")]
)
def test_a_control_that_can_not_see_it_is_a_reading_and_no_error(
    error: Exception, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Manual, timeout_s: float = 10.0) -> State:
        raise error

    monkeypatch.setattr(Manual, "read_state", fail)
    reading = read_once(ControlState("redis", CONTROL), 1.0)
    assert (reading.kind, reading.note) == (kind, str(error))
