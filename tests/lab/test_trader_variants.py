"""Healthy traders of other shapes: every drill holds on each of them, and nobody is accused for a shape."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from blackstart_lab.trader import variants
from tests.lab.drills import drill, ledger
from tests.lab.lab_driver import LabDriver
from tests.lab.labs import TRADER_DRILLS, Drills
from tests.selected import slow_but

FLAGS = {"older-503-body": ("--older-build",), **{name: ("--variant", name) for name in variants.names()}}


@pytest.fixture
def up(own_state: Path) -> Iterator[Callable[..., LabDriver]]:
    driver = LabDriver(own_state)
    yield driver.up
    driver.command("down")


# What each change is tested with: the drill that looks at most of a shape. All of them take minutes.
ONE = {name: (("postgres-blip" if name in ("other-columns", "quoted-names") else "leader-lock", ()),) for name in FLAGS}


@pytest.mark.parametrize("name", slow_but(FLAGS, "older-503-body", "stale-label-set"))
def test_a_drill_holds_on_a_healthy_trader_of_another_shape(
    up: Callable[..., LabDriver], tmp_path: Path, name: str
) -> None:
    holds(up(*FLAGS[name]), tmp_path, ONE[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", FLAGS)
def test_every_drill_holds_on_a_healthy_trader_of_another_shape(
    up: Callable[..., LabDriver], tmp_path: Path, name: str
) -> None:
    lab = up(*FLAGS[name])
    holds(lab, tmp_path, TRADER_DRILLS)
    # By now it has grown; else nothing would have been shown by it.
    assert (len(lab.get("/metrics").content) > 2**20) is (name == "growing-page")


def holds(lab: LabDriver, tmp_path: Path, drills: Drills) -> None:
    for experiment, options in drills:
        done = drill(f"chaos.{experiment}", lab.state, tmp_path / experiment, *options, within_s=300)
        assert done.code == 0, f"{experiment}\n{done.output}"
        assert {one.status for one in done.judged().findings if one.criterion} == {"held"}, experiment
    assert ledger(lab.state) == []


def test_columns_that_are_not_declared_are_no_criterion_and_the_drill_says_what_it_did_not_see(
    up: Callable[..., LabDriver], tmp_path: Path
) -> None:
    lab = up("--variant", "other-columns")
    target = tmp_path / "trader.toml"
    told = (lab.folder / "target.toml").read_text()
    target.write_text(re.sub(r"(?m)^orders_(table|key_column|number_column) = .*\n", "", told))
    assert target.read_text().count("\n") == told.count("\n") - 3
    for experiment, unseen in (
        ("leader-lock", "no_order_while_paused"),
        ("rate-limit-spike", "no_duplicate_in_database"),
    ):
        done = drill(f"chaos.{experiment}", lab.state, tmp_path / experiment, TARGET=str(target))
        assert done.code == 0, done.output
        (found,) = [one for one in done.judged().findings if one.name == unseen]
        assert (found.status, found.criterion) == ("inconclusive", False)
        assert "unreadable" in found.message and 'relation "orders" does not exist' in found.message
    # Where orders are what it is about, nothing can be said without them.
    done = drill("chaos.postgres-blip", lab.state, tmp_path / "blip", TARGET=str(target))
    assert done.code == 30, done.output
    assert "BROKE" not in done.output.upper().splitlines()[-3:]
