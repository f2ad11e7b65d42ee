"""The page of the chaos blocks: its blocks are right, its tables are the vocabulary, its mistake is told as it says."""

from __future__ import annotations

import re
import subprocess

import pytest

from blackstart.dsl.parse import parse
from blackstart.dsl.problems import BadSpec
from blackstart.dsl.vocabulary import CALLED_EXPECTATIONS, EXPECTATIONS, INJECTIONS
from tests.docs.pages import blocks, table, words
from tests.environment import ROOT, require_own_environment
from tests.unit.dsl.documents import CONCURRENT, claim

PAGE = ROOT / "docs" / "chaos-blocks.md"


@pytest.mark.parametrize("text", blocks(PAGE, "isl"))
def test_its_blocks_are_right(text: str) -> None:
    assert all(block.behavior == "CreateCheckoutSession" and block.scenarios for block in parse(text).blocks)
    assert parse(text).blocks


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
    assert all(claim(written) for written in rows["a comparison"] if "result" in written)


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
