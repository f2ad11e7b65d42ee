"""A fault whose own means fail: the run proves nothing, whatever was seen after that."""

from __future__ import annotations

from dataclasses import replace

from blackstart.engine import planning
from blackstart.engine.planning import proved_in_use
from blackstart.model.change import Change
from blackstart.model.injector import lost_means, reasons
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes.proxy_state import ToxicState
from tests.unit.builders import AFTER, DOWN, DURING, UP, Cut, Story, change, drill, experiment

TOXIC = ToxicState("http://127.0.0.1:8474", "redis", "blackstart.x", "redis_toxic")
LOST = "redis_toxic is no proxy"


def proxied() -> Change:
    made = change()
    return replace(made, gone=(*made.gone, TOXIC.is_one_of("absent", "no proxy")))


def told(*messages: str) -> Story:
    """A run whose recovery never came; aborted for these reasons."""
    story = Story(drill(during=(DURING,), recovery=(AFTER,)), proxied())
    story.phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault").did(2.0).reads(2.2, 5, **DOWN)
    for message in messages:
        story.note(5.0, "aborted", message=message)
    story.phase(5, "recovery").read(5.1, redis="up", redis_toxic="no proxy").reads(
        5.2, 20, **(DOWN | {"redis": "up", "redis_toxic": "no proxy"})
    )
    return story.gone(20.0).phase(20.1, "end")


def test_a_run_whose_system_does_not_recover_broke() -> None:
    assert told().judged().verdict == "broke"


def test_a_run_whose_proxy_died_is_inconclusive_and_says_why() -> None:
    judgement = told(f"{LOST} (abort condition)").judged()
    assert judgement.verdict == "inconclusive"
    assert judgement.reasons == (f"the fault's own means failed: {LOST} (abort condition)",)


def test_another_abort_condition_excuses_nothing() -> None:
    assert told("leader above 1 (abort condition)").judged().verdict == "broke"


def test_a_plan_stops_when_the_means_fail() -> None:
    plan = planning.make(experiment(faults=(Cut((proxied(),)),), recovery=(AFTER,)), Target("t"))
    assert [str(condition) for condition in plan.experiment.stop_if] == [LOST]


def test_a_change_without_means_of_its_own_is_left_alone() -> None:
    assert lost_means([change()]) == () and reasons([change()], ["anything"]) == ()
    assert proved_in_use(change()) == change()


def test_a_proxy_is_asked_once_whether_anybody_uses_it() -> None:
    made = proved_in_use(proxied())
    (step,) = made.rights
    assert isinstance(step, Command) and step.argv[-2:] == ("http://127.0.0.1:8474", "redis")


def test_a_proxys_password_stands_in_no_command_line() -> None:
    secret = ToxicState("http://ops:s3cret@127.0.0.1:8474", "redis", "blackstart.x", "redis_toxic")
    made = change()
    planned = proved_in_use(replace(made, gone=(*made.gone, secret.is_one_of("absent", "no proxy"))))
    (step,) = [
        step for step in planned.rights if isinstance(step, Command) and "blackstart.faults._carried" in step.argv
    ]
    assert step.argv[-2:] == ("http://127.0.0.1:8474", "redis")
