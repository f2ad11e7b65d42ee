"""A disk for the evidence that fills up during a drill: what was proved back is not called broken."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import ROOT, command, environment, ledger
from tests.lab.lab_driver import LabDriver
from tests.tiny_disk import fill, tiny_disk


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    """One healthy lab, which each drill must leave as it found it."""
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    with tiny_disk(tmp_path, "1m") as made:
        yield made


@pytest.mark.root
@pytest.mark.parametrize("at", ["doing: stop redis", "the fault bites", "undoing: stop redis"])
@pytest.mark.parametrize("state_too", [False, True], ids=["reports", "reports and state"])
def test_a_full_disk_is_no_redis_that_was_not_restored(lab: LabDriver, disk: Path, at: str, state_too: bool) -> None:
    env = environment(lab.state, disk / "reports")
    if state_too:
        env |= {"BLACKSTART_STATE": str(disk / "state"), "TARGET": str(lab.folder / "target.toml")}
    run = subprocess.Popen(
        command("chaos.leader-lock"), cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert run.stdout
    said = []
    for line in run.stdout:
        said.append(line)
        if at in line and not (disk / "filler").exists():
            fill(disk)
    output = "".join(said)
    assert (disk / "filler").exists() and "undone, and proved: stop redis" in output, output
    assert run.wait(30) == 30, output
    assert "the evidence could not be written" in output and "not restored" not in output.lower(), output
    assert ledger(Path(env["BLACKSTART_STATE"])) == [] and lab.redis().ping()
