"""The search for an order says what Porcupine says, of the same histories: its models are written once more, in Go."""

from __future__ import annotations

import json
import math
import random
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from blackstart.verdict.linearizability import Operation, Search
from blackstart.verdict.sequential_models import MODELS
from tests.registries import install
from tests.requirements import require

SOURCE = Path(__file__).with_name("porcupine")
PLANTED = ("nothing", "another answer", "an answer of before", "two that changed places", "one that came later")


@pytest.fixture(scope="session")
def porcupine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, built outside of the repository."""
    require("go")
    made = tmp_path_factory.mktemp("porcupine") / "porcupine"
    install("go", "build", "-o", str(made), ".", cwd=SOURCE, within_s=300)
    return made


class System:
    """One key of a real system: it carries out one operation at a time, and remembers what it was."""

    def __init__(self, kind: str, dice: random.Random) -> None:
        self.kind, self.dice = kind, dice
        self.states: list[Any] = [{"register": "", "list": (), "idempotency": None}[kind]]

    def carry_out(self, at: int) -> tuple[str, Any, Any]:
        """An operation with its true answer."""
        state, value = self.states[-1], self.dice.choice("abc")
        if self.kind == "idempotency":
            made = state or (value, f"s-{at}")
            self.states.append(made)
            answers = ("created" if state is None else "same", made[1]), ("conflict", "")
            return "request", value, answers[value != made[0]]
        if self.dice.random() < 0.5:
            return "read", None, state
        self.states.append((*state, value) if self.kind == "list" else value)
        return ("append" if self.kind == "list" else "write"), value, None

    def other(self, one: Operation) -> Any:
        """Any answer that such an operation could get from some system."""
        if one.action == "request":
            return self.dice.choice([("created", "s-0"), ("same", "s-1"), ("done", ""), ("conflict", "")])
        return self.dice.choice(self.states)


def generated(kind: str, number: int) -> list[Operation]:
    """A history of up to 30 operations, of which up to six overlap; in four of five of them something is planted."""
    dice = random.Random(f"{kind}/{number}")
    system, width = System(kind, dice), dice.choice([1, 2, 4, 6])
    made, lost = [], 0
    for at in range(dice.randint(2, 30)):
        action, value, answer = system.carry_out(at)
        start, end = (10 * at - dice.randint(0, 5 * width), 10 * at + dice.randint(0, 5 * width))
        if action != "read" and lost < 4 and dice.random() < 0.15:
            lost += 1
            made.append(Operation(action, value, None, start, math.inf))
        else:
            made.append(Operation(action, value, answer, start, end))
    planted, told = PLANTED[number % len(PLANTED)], [at for at, one in enumerate(made) if one.answer is not None]
    if told and planted in ("another answer", "an answer of before"):
        at = dice.choice(told)
        before = system.other(made[at]) if planted == "another answer" else made[dice.choice(told)].answer
        made[at] = made[at]._replace(answer=before)
    elif planted == "two that changed places":
        certain = [at for at, one in enumerate(made) if one.certain] or [0]
        one, other = dice.choice(certain), dice.choice(certain)
        times = [(made[at].start_s, made[at].end_s) for at in (other, one)]
        for at, (start_s, end_s) in zip((one, other), times, strict=True):
            made[at] = made[at]._replace(start_s=start_s, end_s=end_s)
    elif planted == "one that came later":
        at = dice.randrange(len(made))
        made[at] = made[at]._replace(start_s=made[at].start_s + 15, end_s=made[at].end_s + 15)
    return made


def as_line(kind: str, operations: list[Operation]) -> str:
    def told(one: Operation) -> dict[str, str] | None:
        if not one.certain:
            return None
        answer: Any = one.answer
        if kind == "idempotency":
            return {"kind": answer[0], "text": answer[1]}
        return {"text": "".join(f"{value}," for value in answer) if isinstance(answer, tuple) else answer or ""}

    listed = [
        {"action": one.action, "value": one.value or "", "answer": told(one), "start": one.start_s,
         "end": one.end_s if one.certain else 0}
        for one in operations
    ]  # fmt: skip
    return json.dumps({"model": kind, "operations": listed})


@pytest.mark.parametrize("count", [600, pytest.param(10_000, marks=pytest.mark.slow)])
def test_it_agrees_with_porcupine(porcupine: Path, count: int) -> None:
    kinds = sorted(MODELS)
    histories = [(kinds[number % 3], generated(kinds[number % 3], number // 3)) for number in range(count)]
    lines = "".join(as_line(kind, operations) + "\n" for kind, operations in histories)
    done = subprocess.run([porcupine], input=lines, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    theirs = [{"Ok": True, "Illegal": False}[word] for word in done.stdout.split()]
    ours = [Search(MODELS[kind], operations, 10**7).run() for kind, operations in histories]
    differing = [
        as_line(*history) for history, own, other in zip(histories, ours, theirs, strict=True) if own is not other
    ]
    assert not differing, f"{len(differing)} differ, the shortest is {min(differing, key=len)}"
    found = Counter((kind, possible) for (kind, _), possible in zip(histories, ours, strict=True))
    for kind in kinds:  # each verdict is there often enough to differ in
        assert min(found[kind, True], found[kind, False]) > count / 3 / 10, found
