"""The right system: a link that is proved, agreed to or refused, and targets that say that they must not be touched."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.codec import plain
from blackstart.base.console import Console
from blackstart.base.errors import Refused
from blackstart.engine import link_check
from blackstart.engine.observer import Observer
from blackstart.evidence import journal
from blackstart.evidence.journal import Journal
from blackstart.model.expect import Conditions
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.plan import Plan
from blackstart.model.reading import Answer, Endpoint, ReadingKind, Scalar
from blackstart.model.target import Target
from blackstart.safety.preflight import forbidden_states, link_proofs
from blackstart.verdict.monitors import Monitors
from tests.unit.builders import KINDS, change, experiment
from tests.unit.safety.file_fault import FileThere

TARGET = Target("trader", why="a test")


@plain
class Says:
    """An endpoint that always says the same, or can't be read in one way."""

    what: Any

    def open(self) -> Says:
        return self

    def read(self, timeout_s: float) -> Answer:
        if self.what in ("unreachable", "timed_out", "malformed"):
            return Answer(self.what, note="as made")
        return Answer("answer", self.what)

    def close(self) -> None:
        """Nothing is held."""

    def describe(self) -> str:
        return "says"


@plain
class Fixed(Conditions):
    """A probe that reads the same for ever."""

    name: str
    what: Any = None

    def bind(self, target: object) -> Fixed:
        return self

    def endpoint(self) -> Endpoint:
        return Says(self.what)

    def pick(self, answer: Answer) -> tuple[ReadingKind, Scalar, str]:
        return (answer.body, None, "none") if answer.body in ("absent", "unreadable") else ("value", answer.body, "")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_check, "_WITHIN_S", 0.1)


def same(left: Any, right: Any) -> link_proofs.SameValue:
    return link_proofs.SameValue("redis", Fixed("lock_key", left), Fixed("instance_id", right))


# ---------------------------------------------------------------- proofs


def test_the_same_value_on_both_sides_is_a_proof() -> None:
    assert same("7f3a", "7f3a").missing() == ""


@pytest.mark.parametrize(
    ("left", "right"),
    [("a", "b"), (None, None), ("", ""), ("absent", "absent"), ("unreachable", "unreachable"), ("a", "malformed")],
)
def test_anything_else_is_none(left: Any, right: Any) -> None:
    assert "lock_key is" in same(left, right).missing()


def moving(monkeypatch: pytest.MonkeyPatch, *pairs: tuple[Any, Any]) -> str:
    """What is missing where the two sides show these, one pair after the other."""
    values = chain.from_iterable(pairs)
    monkeypatch.setattr(Fixed, "endpoint", lambda self: Says(next(values)))
    return same(None, None).missing()


def test_a_name_that_changes_is_a_proof_once_both_have_shown_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders flow: the newest one at the broker is older than the newest that the API shows right after it."""
    assert moving(monkeypatch, ("o-58", "o-59"), ("o-59", "o-60")) == ""
    assert moving(monkeypatch, ("o-58", ""), ("", "o-59"), *[("x", "y")] * 3) != ""  # two times nothing
    assert moving(monkeypatch, *[(n, n + 1) for n in range(9)]) != ""  # counters of two, by chance
    assert moving(monkeypatch, ("o-58", "o-59"), ("malformed", "o-58")) != ""


def test_a_connection_that_is_seen_is_a_proof() -> None:
    assert link_proofs.SeenIn("redis", Fixed("clients", 3).at_least(1)).missing() == ""
    assert "wanted: clients at least 1" in link_proofs.SeenIn("redis", Fixed("clients", 0).at_least(1)).missing()


# ---------------------------------------------------------------- proving


def proved(
    tmp_path: Path, *proofs: Any, console: Console | None = None, drill: Experiment | None = None, **flags: Any
) -> list[str]:
    """The events that proving left."""
    made = Journal(tmp_path / "journal.jsonl")
    plan = Plan(drill or experiment(link=proofs), TARGET, (change(),), (), None)
    observer = Observer(Monitors(plan.experiment), made, 5.0, 1.0)
    try:
        link_check.prove(plan, Flags(**flags), observer, console or Console(True, out=io.StringIO()))
    finally:
        made.close()
    return [event["event"] for event in journal.read(made.path).events]


def test_one_proof_of_several_is_enough(tmp_path: Path) -> None:
    assert proved(tmp_path, same("a", "b"), same("a", "a")) == ["linked"]


@pytest.mark.parametrize("proofs", [(), (same("a", "b"),)])
def test_without_a_proof_it_is_refused(tmp_path: Path, proofs: tuple[Any, ...]) -> None:
    with pytest.raises(Refused, match="--assume-link"):
        proved(tmp_path, *proofs)


def test_a_proof_of_another_service_is_none(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="knows no way"):
        proved(tmp_path, replace(same("a", "a"), service="postgres"))


def test_an_assumed_link_is_said_in_the_evidence(tmp_path: Path) -> None:
    assert proved(tmp_path, same("a", "b"), assume_link=True) == ["link assumed"]


class Operator(Console):
    """A console with somebody who always says the same."""

    def __init__(self, says: bool) -> None:
        super().__init__(True, out=io.StringIO())
        self.interactive, self._says = True, says

    def ask(self, question: str, within_s: float = 600.0) -> bool:
        return self._says


def test_an_operator_can_take_it_on(tmp_path: Path) -> None:
    assert proved(tmp_path, same("a", "b"), console=Operator(True)) == ["link confirmed by the operator"]


def test_an_operator_who_does_not_say_yes_refuses(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        proved(tmp_path, same("a", "b"), console=Operator(False))


class Switching(Operator):
    """Thinks about it while somebody else switches the target to LIVE."""

    def __init__(self, live: Path) -> None:
        super().__init__(True)
        self.live = live

    def ask(self, question: str, within_s: float = 600.0) -> bool:
        self.live.touch()
        return True


def test_a_target_that_became_live_while_somebody_thought_about_it_is_refused(tmp_path: Path) -> None:
    live = tmp_path / "live"
    forbidden = (FileThere(str(live)).is_(True),)
    with pytest.raises(Refused, match="trader: live is True"):
        proved(tmp_path, console=Switching(live), drill=experiment(refuse_if=forbidden))


# ---------------------------------------------------------------- fit to be touched


def unfit(mode: str, *allow: str) -> None:
    made = experiment(refuse_if=(Fixed("mode", mode).is_("LIVE"),))
    forbidden_states.refuse_unfit(Plan(made, replace(TARGET, allow=allow), (), (), None))


def test_a_live_target_is_refused_and_says_how_to_allow_it() -> None:
    with pytest.raises(Refused, match=r'allow = \["live"\]'):
        unfit("LIVE")


@pytest.mark.parametrize("word", ["live", "LIVE", "Live"])
def test_a_live_target_that_is_allowed_by_name_is_not_refused(word: str) -> None:
    unfit("LIVE", word)


@pytest.mark.parametrize("mode", ["PAPER", "absent"])
def test_another_mode_or_none_is_fine(mode: str) -> None:
    unfit(mode)


@pytest.mark.parametrize("mode", [kind for kind in KINDS if kind != "absent"])
def test_a_mode_that_cannot_be_read_is_refused(mode: str) -> None:
    with pytest.raises(Refused, match="can't be asked whether it may be touched"):
        unfit(mode)
