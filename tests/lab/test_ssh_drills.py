"""Drills on services of another host, through a real sshd: held, refused, or not restored while it is away."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from tests.lab.drills import ROOT, Drill, command, drill, environment, ledger
from tests.lab.lab_driver import LabDriver, eventually
from tests.requirements import require
from tests.selected import slow_but
from tests.services import pings
from tests.ssh_host import SshHost, ssh_host

pytestmark = pytest.mark.ssh

# An undo is tried for a minute, and once more for a minute before the run gives up and says so.
GIVES_UP_WITHIN_S = 200


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    require("ssh")
    with ssh_host(tmp_path_factory.mktemp("ssh")) as made:
        yield made


@pytest.fixture
def target(lab: LabDriver, host: SshHost, tmp_path: Path) -> str:
    """The lab's target, with Redis and PostgreSQL controlled on the other host."""
    ctl = Path(sys.executable).with_name("supervisorctl")
    # What is not this machine is touched only where it is allowed by name.
    away = {**lab.target, "allow": ["127.0.0.1"]}
    for name in ("redis", "postgres"):
        away["services"][name]["control"] |= {"ctl": str(ctl), "host": host.url}
    (tmp_path / "away.toml").write_text(tomli_w.dumps(away))
    return str(tmp_path / "away.toml")


def redis_is_up(lab: LabDriver) -> bool:
    """Asked by a client that has nothing to do with us."""
    return pings(int(str(lab.target["services"]["redis"]["address"]).rpartition(":")[2]))


# The last one waits for PostgreSQL's own time limits over SSH: up to two minutes.
DRILLS = ("chaos.leader-lock", "chaos.postgres-blip", "chaos.postgres-blip --freeze")


@pytest.mark.parametrize("task", slow_but(DRILLS, "chaos.leader-lock"))
def test_a_drill_on_another_host_holds(lab: LabDriver, target: str, tmp_path: Path, task: str) -> None:
    name, *options = task.split()
    done = drill(name, lab.state, tmp_path / "reports", *options, TARGET=target)
    assert done.code == 0, done.output
    assert "ssh " in (done.folder / "HEAL.sh").read_text()
    assert ledger(lab.state) == []


def test_a_dead_key_shows_before_anything_is_broken(lab: LabDriver, host: SshHost, target: str, tmp_path: Path) -> None:
    pid = lab.pid("redis")
    (host.folder / "authorized_keys").rename(host.folder / "nobody")
    try:
        done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", TARGET=target)
    finally:
        (host.folder / "nobody").rename(host.folder / "authorized_keys")
    assert done.code == 40, done.output
    assert done.output.splitlines()[-1].startswith("Not started: ")
    assert "Permission denied" in done.output.splitlines()[-1]
    assert lab.pid("redis") == pid and redis_is_up(lab)


def invoke(lab: LabDriver, reports: Path, task: str) -> Drill:
    """`chaos.heal` or `chaos.status`."""
    return drill(task, lab.state, reports)


@pytest.mark.slow
def test_a_host_that_goes_away_in_the_fault_is_not_restored_until_it_is_back(
    lab: LabDriver, host: SshHost, target: str, tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    words = command("chaos.leader-lock")
    child = subprocess.Popen(
        words, cwd=ROOT, env=environment(lab.state, reports, TARGET=target), stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        said = []
        for line in child.stdout:
            said.append(line)
            if "the fault bites" in line:
                break
        host.stop()
        rest, _ = child.communicate(timeout=GIVES_UP_WITHIN_S)
    finally:
        child.kill()
        child.wait()
    done = Drill(child.returncode, "".join(said) + rest, reports)
    try:
        assert done.code == 50, done.output
        assert done.judged().verdict == "not-restored"
        assert done.output.splitlines()[-1].endswith("invoke chaos.heal"), done.output
        assert not redis_is_up(lab)
        assert len(ledger(lab.state)) == 1
        unmended = invoke(lab, reports, "chaos.status")
        assert "stop redis" in unmended.output
    finally:
        host.start()
    healed = invoke(lab, reports, "chaos.heal")
    assert healed.code == 0, healed.output
    # The guardian tries on by itself: whoever was first, it is mended and forgotten.
    eventually(lambda: redis_is_up(lab), 30)
    eventually(lambda: not ledger(lab.state), 30)
    assert invoke(lab, reports, "chaos.status").output.strip().endswith("nothing is broken that a drill did")
    eventually(lambda: lab.status("/ready") == 200, 30)
