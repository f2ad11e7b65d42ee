"""The page of the chaos blocks: its blocks are right, its tables are the vocabulary, its mistake is told as it says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from blackstart.dsl.custom import Known
from blackstart.dsl.injector import Injector
from blackstart.dsl.parse import parse
from blackstart.dsl.problems import BadSpec
from blackstart.dsl.vocabulary import CALLED_EXPECTATIONS, EXPECTATIONS, INJECTIONS
from blackstart.suites import injectors
from tests.docs.pages import blocks, section, table, words
from tests.environment import ROOT, require_own_environment
from tests.unit.dsl.documents import CONCURRENT, claim

PAGE = ROOT / "docs" / "chaos-blocks.md"


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Known:
    """What blocks may inject where the page's own injectors are. What they do is tested in tests/contract."""
    monkeypatch.chdir(tmp_path)
    for text in blocks(PAGE, "python"):
        path = Path(text.splitlines()[0].removeprefix("# "))
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return injectors.words()


@pytest.mark.parametrize("text", blocks(PAGE, "isl"))
def test_its_blocks_are_right(text: str, known: Known) -> None:
    found = parse(text, "", known).blocks
    assert found and all(block.behavior == "CreateCheckoutSession" and block.scenarios for block in found)


def test_what_is_said_of_an_injector_is_what_it_has() -> None:
    methods = re.findall(r"^\| `(\w+)\([^)]*\)` \|", section(PAGE, "An injector of your own"), flags=re.MULTILINE)
    assert {name for name in vars(Injector) if not name.startswith("_")} == set(methods)


def test_its_injections_are_all_there_are_with_their_parameters() -> None:
    rows = {next(iter(words(row[0]))): row[1] for row in table(PAGE, "Injections")}
    assert set(rows) == set(INJECTIONS)
    for name, cell in rows.items():
        needed = {key for key, parameter in INJECTIONS[name].parameters.items() if parameter.required}
        assert set(re.findall(r"\*\*`(\w+)`\*\*", cell)) == needed
        values = re.sub(r"\([^)]*\)", "", cell)
        assert words(values) == set(INJECTIONS[name].parameters)


def test_its_expectations_are_all_there_are_and_each_is_right() -> None:
    rows = {row[0]: words(row[1]) for row in table(PAGE, "Expectations")}
    assert rows["a word"] == set(EXPECTATIONS)
    assert {call.partition("(")[0] for call in rows["with an argument"]} == set(CALLED_EXPECTATIONS)
    for written in rows["with an argument"] | rows["other parameters under a key"]:
        assert claim(written)
    for written in (one for one in rows["a comparison"] if "result" in one):
        parse(CONCURRENT.replace("exactly_one_created", written))


def test_its_commands_run() -> None:
    require_own_environment()
    for command in "".join(blocks(PAGE, "bash")).splitlines():
        done = subprocess.run(
            ["bash", "-ec", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_mistake_is_told_so() -> None:
    with pytest.raises(BadSpec) as refused:
        parse(CONCURRENT.replace("concurrent_requests", "concurent_requests"), "shop.isl")
    assert refused.value.lines() == "".join(blocks(PAGE, "text")).splitlines()
