"""Declarations survive being written and read back, and what could not survive is refused before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.codec import from_data, name_of, plain, to_data
from blackstart.discover import load_file
from blackstart.errors import Damaged
from blackstart.model import Ask, Change, Check, Command, HttpCall
from tests.unit.builders import AFTER, DURING, Seen, change, drill

NAMES = st.text(max_size=8)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20))
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(NAMES, st.sampled_from(["is", "pairs", "float"])), inner, max_size=4),
    ),
    max_leaves=15,
)
ARGV = st.lists(st.text(max_size=10), min_size=1, max_size=4).map(tuple)
STEPS = st.one_of(
    st.builds(Command, ARGV, env=st.dictionaries(NAMES, NAMES, max_size=3), timeout_s=st.floats(0.1, 100)),
    st.builds(HttpCall, NAMES, NAMES, body=DATA, headers=st.dictionaries(NAMES, NAMES, max_size=3)),
    st.builds(Ask, NAMES),
)
CHANGES = st.builds(
    Change,
    what=NAMES,
    service=NAMES,
    do=st.lists(STEPS, max_size=3).map(tuple),
    undo=st.lists(STEPS, max_size=3).map(tuple),
    bites=st.just((Seen("redis").silent(),)),
    gone=st.just((Seen("redis").is_one_of("PONG", "NOAUTH"),)),
)


def there_and_back(thing: Any) -> Any:
    return from_data(json.loads(json.dumps(to_data(thing))))


@given(DATA)
def test_plain_data_comes_back_as_it_was(data: Any) -> None:
    assert there_and_back(data) == data


@given(CHANGES)
def test_a_change_comes_back_as_it_was(made: Change) -> None:
    assert there_and_back(made) == made


@given(st.dictionaries(NAMES, DATA, max_size=4))
def test_the_parameters_of_a_check_come_back_as_they_were(params: dict[str, Any]) -> None:
    assert there_and_back(Check("x", "y", params)) == Check("x", "y", params)


def test_an_experiment_comes_back_as_it_was() -> None:
    made = drill()
    assert there_and_back(made) == made
    assert there_and_back((DURING, AFTER, change())) == (DURING, AFTER, change())


def test_lists_come_back_as_tuples() -> None:
    assert there_and_back([1, [2]]) == (1, (2,))


def test_a_key_that_the_class_no_longer_has_is_dropped() -> None:
    data = to_data(Ask("please")) | {"gone_since": 1}
    assert from_data(data) == Ask("please")


@dataclass(frozen=True)
class NotMarked:
    x: int = 0


class Inherits(Ask):
    """A subclass that nobody marked: its own name would bring back something else."""


@pytest.mark.parametrize("thing", [NotMarked(), Inherits("x"), object(), {1, 2}, b"bytes", [object()], {"a": 1j}])
def test_what_is_not_plain_is_refused_by_name(thing: object) -> None:
    with pytest.raises(TypeError):
        to_data(thing)


def test_a_class_made_inside_a_function_is_refused_when_it_is_written() -> None:
    @plain
    class Local:
        x: int = 0

    with pytest.raises(TypeError, match="inside a function"):
        to_data(Local())


class Outer:
    @plain
    class Inner:
        x: int = 0


def test_a_class_inside_a_class_comes_back() -> None:
    assert name_of(Outer.Inner).endswith(":Outer.Inner")
    assert there_and_back(Outer.Inner(3)) == Outer.Inner(3)


@pytest.mark.parametrize(
    "data",
    [
        {"is": "no.such.module:Thing"},
        {"is": "blackstart.model:NoSuchThing"},
        {"is": "blackstart.model:Command"},
        {"is": "blackstart.model:Any"},
        {"is": "os:system"},
        {"is": "builtins:dict"},
        {"is": ""},
        {"is": ":"},
        {"is": 7},
        {"is": None},
        {"is": "/no/such/file.py:Thing"},
        {"is": "pairs"},
        {"is": "pairs", "pairs": [1]},
        {"is": "blackstart.expect:Condition", "probe": None, "op": "no such op"},
    ],
)
def test_what_cannot_be_rebuilt_is_damaged(data: dict[str, Any]) -> None:
    with pytest.raises(Damaged):
        from_data(data)


# ---------------------------------------------------------------- classes from a user's file

FILE = """
from blackstart.codec import plain

@plain
class Mine:
    x: int = 1
"""


def test_a_class_of_a_users_file_comes_back_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    made = load_file(str(path)).Mine(42)
    data = to_data(made)
    assert data["is"] == f"{path}:Mine"
    program = (
        f"import json\nfrom blackstart.codec import from_data\nprint(from_data(json.loads({json.dumps(data)!r})).x)"
    )
    program = program.replace("json.loads", "json.loads")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("42\n", "")


@pytest.mark.parametrize("text", ["def broken(:", "raise RuntimeError('x')", "import no_such_module_at_all", ""])
def test_a_users_file_that_is_broken_by_now_is_damaged(tmp_path: Path, text: str) -> None:
    path = tmp_path / f"mine_{abs(hash(text))}.py"
    path.write_text(text)
    with pytest.raises(Damaged):
        from_data({"is": f"{path}:Mine", "x": 1})
