"""From an experiment to a plan: bound, checked, and refused where nothing sensible could come of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart import controls
from blackstart.base.codec import plain
from blackstart.base.errors import BadExperiment, BadTarget, Refused
from blackstart.commands.plan_text import longest_s
from blackstart.engine import planning
from blackstart.loads import Burst, Operation
from blackstart.model.change import Change
from blackstart.model.expect import Conditions, always, eventually, never
from blackstart.model.experiment import Check, EvidenceRow, Experiment, Traffic
from blackstart.model.plan import Plan
from blackstart.model.reading import Answer, Endpoint, ReadingKind, Scalar
from blackstart.model.schedule import At
from blackstart.model.target import Service, Target
from tests.requirements import require
from tests.unit.builders import (
    AFTER,
    BEFORE,
    DURING,
    HEALTH,
    Answers,
    Cut,
    Seen,
    change,
    experiment,
    health,
    leader,
    ready,
    redis,
)

TARGET = Target("trader", api="http://localhost:8000")
LOAD = Traffic(Burst(2, Operation("plan", url="http://localhost:8000/plans"), name="plans"), "fault")


@plain
class Bindable(Conditions):
    """A probe that learns its address from the target, as real ones do."""

    name: str
    url: str = ""

    def bind(self, target: Target) -> Bindable:
        return replace(self, url=target.url("/ready"))

    def endpoint(self) -> Endpoint:
        return Answers(self.url)

    def pick(self, answer: Answer) -> tuple[ReadingKind, Scalar, str]:
        return "value", answer.body, ""


def planned(*changes: Change, **parts: Any) -> Plan:
    """The plan of an experiment that expects one thing, unless the parts say otherwise."""
    parts = {"recovery": (AFTER,), **({} if changes else {"traffic": LOAD})} | parts
    return planning.make(experiment(**({"faults": tuple(Cut((made,)) for made in changes)} | parts)), TARGET)


# ---------------------------------------------------------------- a sensible one


def test_every_probe_of_a_plan_is_bound() -> None:
    probe = Bindable("bound")
    plan = planned(
        baseline=(eventually(probe.is_(1), name="a"),),
        during=(eventually(probe.is_(2), name="b"),),
        always=(never(probe.is_(3), name="c"),),
        stop_if=(probe.is_(4),),
        refuse_if=(probe.is_(5),),
        watch=(probe,),
        collect=(Bindable("final"),),
        collect_before=(Bindable("before"),),
    )
    made = plan.experiment
    conditions = [e.condition for e in (*made.baseline, *made.during, *made.always)] + [*made.stop_if, *made.refuse_if]
    probes = [item.probe for item in conditions] + [*made.watch, *made.collect, *made.collect_before]
    assert {getattr(item, "url", "") for item in probes} == {"http://localhost:8000/ready"}


def test_a_plan_reads_each_probe_once() -> None:
    plan = planned(baseline=(BEFORE,), during=(DURING,), always=(HEALTH,), watch=(ready, leader))
    assert [probe.name for probe in plan.probes()] == ["ready", "health", "leader"]


def test_faults_are_planned_in_order_and_their_services_named_once() -> None:
    plan = planned(change("a"), change("b"))
    assert [made.what for made in plan.changes] == ["a", "b"]
    assert plan.services == ("redis",)
    assert plan.holds_s is None


def test_the_target_itself_is_locked_even_where_no_service_is_touched() -> None:
    assert planned().identities == ("target:http://localhost:8000",)
    bare = planning.make(experiment(recovery=(AFTER,), faults=(), traffic=LOAD), Target("x"))
    assert bare.identities == ("target:x",)


def test_what_breaks_nothing_and_sends_nothing_is_refused() -> None:
    with pytest.raises(BadExperiment, match=r"drill: it breaks nothing and sends no load"):
        planning.make(experiment(recovery=(AFTER,), faults=()), Target("x"))


def test_the_services_that_are_touched_are_locked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "resolved", controls.of)
    target = replace(TARGET, services={"redis": Service("redis", control={"docker": "redis"})})
    plan = planning.make(experiment(recovery=(AFTER,), faults=(Cut((change(),)),)), target)
    assert plan.identities == ("docker:local:redis", "target:http://localhost:8000")
    assert plan.controls["redis"].kind == "docker"


def test_a_service_is_locked_by_its_name_as_it_was_found_not_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    # One target says the container's name, the other its compose service: both runs must meet at one lock.
    found = controls.of(Service("redis", control={"docker": "shop-redis-1"}))
    monkeypatch.setattr(controls, "resolved", lambda service: found)
    target = replace(TARGET, services={"redis": Service("redis", control={"compose": "redis"})})
    plan = planning.make(experiment(recovery=(AFTER,), faults=(Cut((change(),)),)), target)
    assert plan.identities[0] == "docker:local:shop-redis-1"


def test_a_service_without_a_control_is_locked_by_its_address() -> None:
    target = replace(TARGET, services={"redis": Service("redis", "localhost:6379")})
    plan = planning.make(experiment(recovery=(AFTER,), faults=(Cut((change(),)),)), target)
    assert plan.identities[0] == "address:localhost:6379" and not plan.controls


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.2", "127.1.2.3", "LOCALHOST", "a.localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"],
)
def test_one_thing_has_one_lock_however_its_address_is_written_and_whoever_controls_it(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host == "[::1]":
        require("ipv6")
    monkeypatch.setattr(controls, "resolved", controls.of)
    one = Service("redis", f"{host}:6379", control={"docker": "redis"})
    target = replace(TARGET, api=f"http://{host}:8000/", services={"redis": one})
    plan = planning.make(experiment(recovery=(AFTER,), faults=(Cut((change(),)),)), target)
    assert plan.identities == ("docker:local:redis", "address:localhost:6379", "target:http://localhost:8000")


def test_another_address_is_not_taken_for_this_machine() -> None:
    service = replace(TARGET, services={"redis": Service("redis", "10.127.0.0.1:6379")})
    plan = planning.make(experiment(recovery=(AFTER,), faults=(Cut((change(),)),)), service)
    assert plan.identities[0] == "address:10.127.0.0.1:6379"


def test_what_is_held_longer_at_least_is_held_longer_at_most() -> None:
    assert planned(hold_min_s=300.0, hold_max_s=60.0).experiment.hold_max_s == 300.0


def test_a_change_by_hand_makes_a_plan_by_hand() -> None:
    assert not planned(change()).by_hand
    assert planned(change(), change("b", undo_by_hand=True)).by_hand


@plain
class Blip(Cut):
    """A cut of an exact length."""

    hold_s: float = 0.0


def test_the_longest_exact_hold_counts() -> None:
    plan = planning.make(
        experiment(recovery=(AFTER,), faults=(Blip((change(),), 0.2), Blip((change("b"),), 0.5), Cut((change("c"),)))),
        TARGET,
    )
    assert plan.holds_s == 0.5


@pytest.mark.parametrize(
    ("faults", "parts", "in_force_s"),
    [
        ((Cut((change(),)),), {}, 30 + 120 + 60),
        ((Cut((change(),)),), {"hold_min_s": 200.0}, 30 + 200 + 60),
        ((Cut((change(),)),), {"hold_max_s": 5.0, "undo_timeout_s": 7.0}, 30 + 5 + 7),
        ((Cut((change(),)), Blip((change("b"),), 0.5)), {}, 0.5 + 60),
        ((At(Cut((change(),)), 300, 5),), {}, 5 + 60),
        ((Cut((change(),)),), {"hold_max_s": 3600.0, "total_max_s": 7200.0}, 600),
    ],
)
def test_a_fault_is_told_how_long_the_run_may_need_it(
    faults: tuple[Any, ...], parts: dict[str, Any], in_force_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Target] = []
    monkeypatch.setattr(Cut, "plan", lambda self, target: (told.append(target), self.changes)[1])
    made = planning.make(experiment(recovery=(AFTER,), faults=faults, **parts), TARGET)
    assert {target.in_force_s for target in told} == {in_force_s}
    assert made.target == TARGET
    assert all(longest_s(made, one) <= in_force_s for one in made.changes)


def test_a_probe_that_follows_the_load_is_told_where_its_history_is() -> None:
    @plain
    class Follows(Seen):
        def at_history(self, path: Path) -> Seen:
            return Seen(self.name, str(path))

    made = experiment(recovery=(eventually(Follows("load").is_(1), name="x"), AFTER))
    told = planning.with_history(made, Path("/run/history.csv"))
    assert told.recovery[0].condition.probe == Seen("load", "/run/history.csv")
    assert told.recovery[1] == AFTER


# ---------------------------------------------------------------- refused


def refused(*changes: Change, kind: type[Refused] = BadExperiment, **parts: Any) -> str:
    with pytest.raises(kind) as caught:
        planned(*changes, **parts)
    return str(caught.value)


def test_a_fault_that_changes_nothing_is_refused() -> None:
    assert "changes nothing" in refused(kind=Refused, faults=(Cut(),))


@pytest.mark.parametrize("side", ["bites", "gone"])
def test_a_change_without_a_proof_is_refused(side: str) -> None:
    assert "no proof" in refused(replace(change(), **{side: ()}), kind=Refused)


def test_an_experiment_that_expects_nothing_is_refused() -> None:
    assert "expects nothing" in refused(change(), recovery=(), baseline=(BEFORE,))


def test_an_experiment_that_only_checks_is_not_refused() -> None:
    assert planned(change(), recovery=(), checks=(Check("exactly_once", "once"),)).experiment.checks


@pytest.mark.parametrize(
    "parts",
    [
        {"recovery": (AFTER, eventually(Seen("ready", "elsewhere").is_(1), name="x"))},
        {"watch": (Seen("ready", "elsewhere"),)},
        {"stop_if": (Seen("ready", "elsewhere").is_(1),)},
    ],
)
def test_two_different_probes_of_one_name_are_refused(parts: dict[str, Any]) -> None:
    assert 'two different probes are named "ready"' in refused(**parts)


@pytest.mark.parametrize("side", ["bites", "gone"])
def test_a_proof_whose_probe_has_the_name_of_another_is_refused(side: str) -> None:
    # Found only while the fault is in force, it would have kept the undo from being watched.
    other = {side: (Seen("ready", "elsewhere").is_(1),)}
    assert 'two different probes are named "ready"' in refused(change(**other))


def test_the_same_probe_in_expectations_and_proofs_is_fine() -> None:
    assert planned(change(), watch=(redis,)).changes


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (EvidenceRow("Old tokens", "reading", {"probe": "stale"}), "missing a required argument: 'wanted'"),
        (EvidenceRow("Old tokens", "backlog", {"probe": "a", "figure": "highest", "units": "s"}), "unexpected keyword"),
        (EvidenceRow("Old tokens", "backlogs"), 'nothing shows "backlogs". Did you mean "backlog"?'),
    ],
)
def test_a_row_of_the_evidence_that_no_run_could_tell_is_refused(row: EvidenceRow, told: str) -> None:
    said = refused(change(), evidence_rows=(row,))
    assert 'the row "Old tokens" of its evidence can never be told: ' in said and told in said


def test_two_expectations_of_one_name_are_refused() -> None:
    assert "two expectations are named after" in refused(during=(replace(DURING, name="after"),))


def test_a_check_with_the_name_of_an_expectation_is_refused() -> None:
    assert "two expectations are named after" in refused(checks=(Check("x", "after"),))


@pytest.mark.parametrize("made", [always(ready.is_(200), name="x"), never(ready.is_(503), name="x")])
def test_a_baseline_that_cannot_be_waited_for_is_refused(made: Any) -> None:
    assert "say eventually" in refused(baseline=(made,))


def test_an_eventually_that_would_have_no_limit_is_refused() -> None:
    assert "belongs to `during` or `recovery`" in refused(always=(eventually(health.is_("ok"), name="x"),))


def test_a_probe_that_cannot_be_recorded_is_refused() -> None:
    class Mine(Seen):
        """Not marked plain."""

    assert "can't be recorded" in refused(watch=(Mine("mine"),))


def test_a_step_that_cannot_be_recorded_is_refused_before_its_undo_is_needed() -> None:
    assert "can't be recorded" in refused(replace(change(), undo=(object(),)))


def test_a_service_that_the_target_does_not_have_is_the_faults_to_refuse() -> None:
    class Asks(Cut):
        def plan(self, target: Target) -> tuple[Change, ...]:
            target.service("redis")
            return (change(),)

    with pytest.raises(BadTarget, match='no service "redis"'):
        planned(faults=(Asks(),))


def test_a_probe_that_the_target_cannot_answer_is_refused() -> None:
    made = Experiment("x", "trader", "", recovery=(eventually(Bindable("b").is_(1), name="x"),))
    with pytest.raises(BadTarget, match="has no api"):
        planning.make(made, Target("bare"))


def drilled() -> Experiment:
    """It touches Redis, and says nothing of links or modes."""
    return experiment((Cut((change(),)),), recovery=(AFTER,))


def test_a_trader_that_trades_for_real_is_refused_by_every_experiment_also_one_that_says_nothing_of_it() -> None:
    plan = planning.make(drilled(), replace(TARGET, kind="trader"))
    assert [str(condition) for condition in plan.experiment.refuse_if] == [
        "mode is LIVE",
        "mode is not shown",
    ]
    assert not planning.make(drilled(), replace(TARGET, kind="unheard-of/../x")).experiment.refuse_if


def test_an_experiment_that_proves_nothing_takes_the_proofs_that_are_known_of_the_kind() -> None:
    target = replace(TARGET, kind="trader", services={"redis": Service("redis", address="localhost:6379")})
    plan = planning.make(drilled(), target)
    assert {proof.service for proof in plan.experiment.link} == {"redis"}
    assert not planning.make(drilled(), replace(target, kind="")).experiment.link
