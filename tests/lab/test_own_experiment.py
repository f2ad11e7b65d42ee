"""An experiment of a user's own finds its target as a shipped one does, and runs and is planned with its variants."""

import subprocess
from pathlib import Path

import pytest

from tests.lab.drills import Drill, command, environment
from tests.lab.lab_driver import LabDriver

MINE = """\"\"\"Redis goes away for a moment; the trader says so and comes back.\"\"\"

from blackstart.model.expect import eventually
from blackstart.faults.stop import Stop
from blackstart.model.experiment import Experiment
from blackstart.suites.trader.link import links
from blackstart.suites.trader import readings as read

VARIANTS = ("strict",)


def experiment(target, flags, variant=""):
    return Experiment(
        name=f"mine-{variant}" if variant else "mine",
        target="trader",
        hypothesis="It is ready again by itself.",
        link=links(target),
        baseline=(eventually(read.ready().is_(200), name="ready_before"),),
        faults=(Stop("redis"),),
        during=(eventually(read.ready().is_(503), within_s=5, name="ready_503"),),
        recovery=(eventually(read.ready().is_(200), within_s=10 if variant else 30, name="ready_again"),),
    )
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder of the user's, with nothing of ours in it but the experiment."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "mine.py").write_text(MINE)
    (tmp_path / "tasks.py").write_text("from blackstart.tasks import namespace as collections\nns = collections()\n")
    return tmp_path


def typed(here: Path, lab: LabDriver, *words: str, **more: str) -> Drill:
    done = subprocess.run(
        command(words[0], *words[1:]),
        cwd=here,
        env=environment(lab.state, here / "reports", **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Drill(done.returncode, done.stdout + done.stderr, here / "reports")


@pytest.mark.parametrize("name", ["mine", "experiments/mine.py"])
def test_it_holds_on_the_lab_that_is_named(lab: LabDriver, here: Path, name: str) -> None:
    done = typed(here, lab, "chaos.run", name, TARGET="lab")
    assert done.code == 0, done.output
    assert "target: trader" in done.output and "run again: invoke chaos.run experiments/mine.py" in done.output


def test_it_takes_the_one_file_in_targets_that_is_called_so(lab: LabDriver, here: Path) -> None:
    (here / "targets").mkdir()
    text = (lab.folder / "target.toml").read_text()
    (here / "targets" / "trader.toml").write_text(text.replace('kind = "trader"\n', ""))
    (here / "targets" / "shop.toml").write_text('name = "shop"\nkind = "shop"\n')
    done = typed(here, lab, "chaos.plan", "mine", "--variant", "strict", TARGET="")
    assert done.code == 0, done.output
    assert "mine-strict on trader" in done.output and "from file targets/trader.toml" in done.output


def test_a_lab_that_was_not_named_is_left_alone_by_an_unattended_run(lab: LabDriver, here: Path) -> None:
    done = typed(here, lab, "chaos.run", "mine", TARGET="")
    assert done.code == 40, done.output


def test_a_shipped_variant_is_planned(lab: LabDriver, here: Path) -> None:
    text = (lab.folder / "target.toml").read_text()
    second = text[text.index("[services.api]") :].replace("[services.api", "[services.api-2")
    (here / "two.toml").write_text(f"{text}\n{second}")
    done = typed(here, lab, "chaos.plan", "leader-lock", "--bounce", TARGET="two.toml")
    assert done.code == 0, done.output
    assert "leader-lock-bounce on trader" in done.output and "Nothing was touched." in done.output
