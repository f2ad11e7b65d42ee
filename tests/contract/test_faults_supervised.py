"""The faults of a service against a real Redis under a real supervisord: they bite, and their undo is proved."""

import json
from collections.abc import Iterator

import pytest

from blackstart import machines
from blackstart.clock import now_s
from blackstart.codec import from_data, to_data
from blackstart.errors import Refused
from blackstart.expect import Condition
from blackstart.faults.stop import Stop
from blackstart.model import Change, Fault, Reading
from tests.services import Supervised, eventually, pings, supervised_redis


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


def so(conditions: tuple[Condition, ...]) -> bool:
    """Whether all conditions are true, each read once and afresh."""
    return all(condition.matches(reading(condition)) for condition in conditions)


def reading(condition: Condition) -> Reading:
    reader = condition.probe.endpoint().open()
    sent_s = now_s()
    try:
        answer = reader.read(0.5)
    finally:
        reader.close()
    if answer.kind == "answer":
        kind, value, note = condition.probe.pick(answer)
        return Reading(condition.probe.name, kind, sent_s, now_s(), value, note)
    return Reading(condition.probe.name, answer.kind, sent_s, now_s(), None, answer.note)


@pytest.mark.parametrize("fault", [Stop("redis")], ids=lambda fault: fault.describe())
def test_it_bites_and_its_undo_from_the_ledgers_json_is_proved(lab: Supervised, fault: Fault) -> None:
    (planned,) = fault.plan(lab.target())
    change = from_data(json.loads(json.dumps(to_data(planned))))
    assert isinstance(change, Change) and change == planned
    for step in change.rights + change.undo:
        machines.carry_out(step)
    assert so(change.gone) and not so(change.bites)
    for step in change.do:
        machines.carry_out(step)
    assert eventually(lambda: so(change.bites)), [str(c) for c in change.bites]
    for step in change.undo:
        machines.carry_out(step)
    assert eventually(lambda: so(change.gone))
    assert pings(lab.port)


def test_a_service_that_is_down_is_refused(lab: Supervised) -> None:
    lab.ctl("stop", "redis")
    try:
        with pytest.raises(Refused, match="Not started: redis is stopped"):
            Stop("redis").plan(lab.target())
    finally:
        lab.ctl("start", "redis")
