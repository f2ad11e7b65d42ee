"""Declarations survive being written and read back, and what could not survive is refused before it is needed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base import codec, record_aliases
from blackstart.base.codec import digest_of, from_data, plain, to_data
from blackstart.base.errors import Damaged
from blackstart.base.user_files import load_again, load_file
from blackstart.model.change import Change
from blackstart.model.experiment import Check
from blackstart.model.step import Ask, Command, HttpCall
from tests.environment import ROOT
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
    assert to_data(Outer.Inner(3))["is"] == f"user:{digest_of(Path(__file__))}:Outer.Inner"
    assert there_and_back(Outer.Inner(3)) == Outer.Inner(3)


@pytest.mark.parametrize(
    "data",
    [
        {"is": "no.such.module:Thing"},
        {"is": "blackstart.model:NoSuchThing"},
        {"is": "blackstart.model:Any"},
        {"is": "step.no_such_step"},
        {"is": "step.command"},
        {"is": "os:system"},
        {"is": "builtins:dict"},
        {"is": ""},
        {"is": ":"},
        {"is": 7},
        {"is": None},
        {"is": "/no/such/file.py:Thing"},
        {"is": "user:0123456789abcdef:Thing"},
        {"is": "user::Thing"},
        {"is": "pairs"},
        {"is": "pairs", "pairs": [1]},
        {"is": "condition", "probe": None, "op": "no such op"},
    ],
)
def test_what_cannot_be_rebuilt_is_damaged(data: dict[str, Any]) -> None:
    with pytest.raises(Damaged):
        from_data(data)


# ---------------------------------------------------------------- the registry


def test_every_plain_class_of_ours_has_a_tag_of_its_own_that_leads_to_it() -> None:
    lib = Path(codec.__file__).parents[1]
    texts = [path.read_text() for path in lib.rglob("*.py")]
    assert not [text for text in texts if re.search(r"^ *@plain$", text, re.MULTILINE)]
    tags = [tag for text in texts for tag in re.findall(r'^ *@plain\("(.+)"\)', text, re.MULTILINE)]
    assert sorted(tags) == sorted(set(tags)) == sorted(codec.modules())
    for tag, module in codec.modules().items():
        assert codec.tag_of(codec._find(tag)) == tag and codec._find(tag).__module__ == module


def test_every_tag_that_a_record_may_hold_is_known_for_ever() -> None:
    """A new one is written down in that file, which no line leaves: one that is renamed gets an entry in
    `record_aliases`."""
    written = (ROOT / "tests" / "samples" / "tags.txt").read_text().split()
    assert set(codec.modules()) <= set(written) and all(codec._find(tag) for tag in written)


def test_every_name_of_old_records_still_leads_to_a_class() -> None:
    assert len(record_aliases.TAGS) == 103
    for name, tag in record_aliases.TAGS.items():
        assert codec.tag_of(codec._find(name)) == tag


def test_a_tag_is_found_in_a_process_that_has_imported_nothing_of_it() -> None:
    assert printed("print(from_data({'is': 'probe.redis_ping', 'service': 'redis'}).name)") == "PING of redis\n"


def test_a_tag_is_only_for_classes_of_ours() -> None:
    with pytest.raises(TypeError, match="Blackstart's own"):

        @plain("step.command")
        class Mine:
            x: int = 0


PLANTED = """
from pathlib import Path
Path({trace!r}).touch()
from blackstart.base.codec import plain

@plain
class Mine:
    x: int = 1
"""


def test_nothing_is_imported_because_a_record_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, trace = tmp_path / "planted.py", tmp_path / "trace"
    path.write_text(PLANTED.format(trace=str(trace)))
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("planted:Mine", "planted", f"{path}:Mine", str(path), f"user:{digest_of(path)}:Mine"):
        with pytest.raises(Damaged, match="Mine|planted"):
            from_data({"is": name, "x": 1})
    assert not trace.exists() and "planted" not in sys.modules
    made = load_file(str(path)).Mine(42)  # the user has named it
    assert trace.exists() and there_and_back(made) == made


# ---------------------------------------------------------------- classes from a user's file

FILE = """
from blackstart.base.codec import plain

@plain
class Mine:
    x: int = 1
"""


def printed(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"from blackstart.base.codec import from_data\n{program}"],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.stderr
    return done.stdout


def test_a_class_of_a_users_file_comes_back_in_another_process_that_has_loaded_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    data = to_data(load_file(str(path)).Mine(42))
    assert data["is"] == f"user:{digest_of(path)}:Mine"
    load = f"from blackstart.base.user_files import load_again, load_file\nload_file({str(path)!r})\n"
    assert printed(f"{load}print(from_data({data!r}).x)") == "42\n"
    path.write_text(f"{FILE}\n# another file by now\n")
    told = printed(f"{load}try:\n from_data({data!r})\nexcept Exception as error:\n print(error)")
    assert "holds the class Mine of an experiment of your own" in told and data["is"].split(":")[1] in told


def test_another_process_of_a_run_is_told_what_to_load_and_nothing_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    made = load_file(str(path)).Mine(1)
    told = codec.sources(to_data((made, Outer.Inner(2), Ask("please"))))
    assert told == {type(made).__module__: str(path), __name__: __file__}
    for module, file in told.items():
        load_again(module, file)
