"""docs/gateway.md says what is true: its tables are those of the code, and its target file is one."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from blackstart.base.errors import BadTarget
from blackstart.commands.target_file import from_table
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.gateway import (
    baseline,
    redis_bandwidth,
    redis_flapping,
    redis_latency,
    redis_unavailable,
    thundering_herd,
)
from blackstart.suites.gateway.link import requests
from blackstart.suites.gateway.system import SYSTEM
from blackstart.suites.source import experiments
from blackstart_lab.gateway import mutants
from blackstart_lab.gateway.as_coded import BREAKS
from tests.docs.gateway_page import PAGE, example
from tests.docs.pages import section, table, words
from tests.environment import ROOT

SUITE = ROOT / "lib/blackstart/suites/gateway"
MAKERS = (baseline, redis_unavailable, redis_latency, redis_flapping, thundering_herd, redis_bandwidth)
# Another value of each kind than its default.
OTHERS: dict[str, Any] = {
    "breaker_name": "another", "breaker_open_s": 7.0, "max_workers": 7, "limit_per_window": 7, "window_s": 7.0,
}  # fmt: skip


def target(**facts: Any) -> Target:
    return from_table({**example(), "facts": facts}, "docs/gateway.md")


def made(**facts: Any) -> dict[str, Experiment]:
    """Every experiment of the suite for a target with these facts, by its name."""
    experiments = (maker.experiment(target(**facts), Flags()) for maker in MAKERS)
    return {experiment.name: experiment for experiment in experiments}


def expected(experiment: Experiment, *parts: str) -> dict[str, Any]:
    """What the experiment expects, by name."""
    return {one.name: one for part in parts for one in getattr(experiment, part)}


def everything(experiment: Experiment) -> dict[str, Any]:
    return expected(experiment, "baseline", "during", "recovery", "always", "checks")


def drills() -> Mapping[str, list[str]]:
    """The rows of the drills' table, by the drill's name."""
    rows = table(PAGE, "What is broken and what is expected")
    return {next(iter(words(row[0]))).removeprefix("gateway."): row for row in rows}


def facts_table() -> Mapping[str, list[str]]:
    return {next(iter(words(row[0]))): row for row in table(PAGE, "Facts")}


class Asked(dict[str, Any]):
    """Facts that know which of them were asked for."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__(facts)
        self.names: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.names.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self.names.add(name)
        return super().__getitem__(name)


def test_each_fact_of_the_page_is_read_and_each_fact_that_is_read_is_on_the_page() -> None:
    for facts in (example()["facts"], {}):
        asked = Asked(facts)
        for maker in MAKERS:
            maker.experiment(replace(target(), facts=asked), Flags())
        assert asked.names == facts_table().keys() == OTHERS.keys() == example()["facts"].keys() <= SYSTEM.facts.keys()


@pytest.mark.parametrize("fact", OTHERS)
def test_a_fact_changes_exactly_the_expectations_that_the_page_names(fact: str) -> None:
    plain, other = made(**example()["facts"]), made(**{**example()["facts"], fact: OTHERS[fact]})
    changed = {
        name
        for experiment in plain
        for name, one in everything(plain[experiment]).items()
        if one != everything(other[experiment])[name]
    }
    assert changed == words(facts_table()[fact][2])


@pytest.mark.parametrize("fact", OTHERS)
def test_a_target_without_a_fact_is_treated_as_the_page_says(fact: str) -> None:
    told, facts = facts_table()[fact][3], example()["facts"]
    without = made(**{name: value for name, value in facts.items() if name != fact})
    full = made(**facts)
    lost = [
        repr(one)
        for experiment in full
        for name, one in everything(without[experiment]).items()
        if one != everything(full[experiment])[name]
    ]
    if told == "not observed":
        assert lost and all("UndeclaredFact(" in one or "'undeclared_fact'" in one for one in lost)
    elif fact == "max_workers":
        assert told == "`gateway_workers_max` of its page" and all("gateway_workers_max" in one for one in lost)
    else:  # what the page's example has is what is taken without it
        assert told == f"`{facts[fact]}`" and not lost


def test_the_expectations_of_every_drill_are_on_the_page() -> None:
    assert {name: words(row[3]) for name, row in drills().items()} == {
        name: expected(one, "during", "recovery", "always", "checks").keys() - {"no_crash"}
        for name, one in made().items()
    }
    assert all("no_crash" in everything(one) for one in made().values())


def test_the_keys_of_requests_are_those_of_the_page() -> None:
    keys = [next(iter(words(row[0]))) for row in table(PAGE, "Requests")]
    assert set(keys) == example()["requests"].keys()
    assert requests(target()).ok_details == ("counted", "bypassed")
    with pytest.raises(BadTarget, match="no such key: rout"):
        requests(from_table({**example(), "requests": {**example()["requests"], "rout": "/"}}, "x"))


def test_every_mutant_is_on_the_page_with_what_it_must_break() -> None:
    told = {next(iter(words(row[0]))): (words(row[1]), words(row[2])) for row in table(PAGE, "The lab")}
    known = {name: mutants.load(name) for name in mutants.names()}
    assert told == {name: ({mutant.experiment}, set(mutant.must_fail)) for name, mutant in known.items()}


def test_the_gateway_as_coded_breaks_where_the_page_says() -> None:
    codes = [row[0].partition("(")[2].rstrip(")") for name, row in drills().items() if BREAKS[name]]
    assert codes == re.findall(r"C-0\d", section(PAGE, "The lab"))


def test_every_task_that_the_page_names_exists() -> None:
    tasks = {f"gateway.{path.stem.replace('_', '-')}" for path in experiments(SUITE)}
    assert set(re.findall(r"`(gateway\.[a-z-]+)", PAGE.read_text())) == {*tasks, "gateway.suite", "gateway.run"}
