"""Whole sessions as a tired person sees them: a golden file of each that is recorded, narrow, wide and in a pipe.

Recorded once on real labs (`python -m tests.sessions.record`). A golden file is made anew where GOLDEN=1 is set, to be
looked at before it is committed.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

import pytest

from tests.environment import ROOT
from tests.requirements import require
from tests.sessions.record import COLUMNS, SITUATIONS, lab_of, read, recorded
from tests.sessions.replay import BLOCKS, Told

GOLDEN = Path(__file__).with_name("golden")
FORMS = {
    "80": (80, False), "80_coloured": (80, True), "140": (140, False), "140_coloured": (140, True), "pipe": (0, False)
}  # fmt: skip
ASKED = [(name, form) for name in SITUATIONS for form in FORMS if form != "pipe" or "prompt" not in name]
_LEAST_LETTERS = 4  # of a text that is told apart from others


@pytest.mark.parametrize(("name", "form"), ASKED, ids=str)
def test_a_session_looks_as_it_was_looked_at(name: str, form: str, tmp_path: Path) -> None:
    require("terminal")
    text = Told(read(name), tmp_path, *FORMS[form]).text()
    file = GOLDEN / f"{name}_{form}.txt"
    if os.environ.get("GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@lru_cache
def written() -> list[re.Pattern[str]]:
    """The texts that stand in the source, with anything where something is filled in."""
    found = set()
    for path in sorted((ROOT / "lib" / "blackstart").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            told = [part.value if isinstance(part, ast.Constant) else None for part in parts]
            if len(re.findall("[a-zA-Z]", "".join(one for one in told if isinstance(one, str)))) >= _LEAST_LETTERS:
                found.add("".join(re.escape(one) if isinstance(one, str) else ".*" for one in told))
    return [re.compile(one, re.DOTALL) for one in sorted(found)]


def test_what_the_engine_said_and_is_told_again_still_stands_so_in_the_source() -> None:
    """Else it is to be recorded anew."""
    calls = [one for name in SITUATIONS for one in read(name) if one["call"] in ("say", "line")]
    said = {str(one["args"][0]).removesuffix(" [y/N] ") for one in calls}
    assert said and [text for text in sorted(said) if not any(one.fullmatch(text) for one in written())] == []


def shapes(text: str, folder: Path) -> list[str]:
    """The lines without what differs from run to run: numbers, and where it was."""
    return [re.sub(r"[\d.]+", "N", line.replace(str(folder), "/tmp/drill")).rstrip() for line in text.splitlines()]


# What differs between two runs of one situation.
_VARIES = (
    (r"(last lines of \S+ log:\n).*?(?=last lines of |because: |\n\n)", r"\1"),  # a service's own words
    (r"set by \S+ since", "set by WHO since"),
    (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ID"),
    (r"\S*/supervisorctl\b", "supervisorctl"),
    (r"\d+(?:\.\d+)*(?:e[+-]\d+)?", "N"),
    (r"\bN (?:ms|s|min N s)(?![a-z])", "TIME"),
    (r"\bN(?:(?:, |\.\.)N)+", "N"),
    (r"[- ]{3,}", "  "),  # how wide a column is
)
_THE_SAME_EACH_TIME = ("held", "broke_by_one_cause", "refused_without_orders", "ctrl_c_at_the_first_prompt")
_IN_ANY_ORDER = re.compile("N:N:NZ  |N  ")  # lines of a run, and of its table of what became true


def shape(text: str, folder: Path) -> list[str]:
    """All that a person reads: the lines of a run, each once, and every word of the table, the last lines, chaos.status
    and the report. What was seen within one moment may come in any order, and `still:` when it likes."""
    told = text.replace(str(folder), "/tmp/drill")
    told = re.sub(rf"(?m)^(.{{{COLUMNS}}})\n(?=\S)", r"\1", told)  # the screen breaks what is to be typed where it ends
    for pattern, hole in _VARIES:
        told = re.sub(pattern, hole, told, flags=re.DOTALL)
    lines = [line.rstrip() for line in told.splitlines() if not line.startswith("N:N:NZ  still: ")]
    free = {line for line in lines if _IN_ANY_ORDER.match(line)}
    return [*sorted(free), *" ".join(line for line in lines if line not in free).split()]


@pytest.fixture
def drill() -> Iterator[Path]:
    """A folder whose name is as long as that of the recorded ones: lines are broken where they were."""
    folder = Path(f"/tmp/{uuid4().hex[:5]}")
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", SITUATIONS)
def test_a_session_recorded_anew_is_told_again_as_it_was_seen_and_says_the_same(
    name: str, tmp_path: Path, drill: Path
) -> None:
    with lab_of(name, drill) as lab:
        session = recorded(name, drill, lab)
        seen, told = session.seen.text(), Told(session.recorded(), tmp_path, COLUMNS, False)
        again = told.text().partition(BLOCKS)[0]
    ours = [line for line in again.splitlines() if not line.startswith(("$ ", "[exit code "))]
    # What was seen within one moment may come in any order, and a guardian writes to the terminal by itself.
    by_another = re.compile(r"\S+  guardian of |something broken|$")
    lines = [
        sorted(line for line in shapes(text, drill) if not by_another.match(line)) for text in ("\n".join(ours), seen)
    ]
    assert lines[0] == lines[1]
    if name not in _THE_SAME_EACH_TIME:
        return  # how far the system had come by then, and how often an undo was tried, differs
    golden = (GOLDEN / f"{name}_140.txt").read_text(encoding="utf-8").partition(BLOCKS)[0]
    assert shape(again, drill) == shape(golden, drill)
