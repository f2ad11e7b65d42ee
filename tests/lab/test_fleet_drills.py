"""A drill on a service that runs on three hosts, through a real sshd: so many are broken, and no other one."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import tomli_w

from tests.lab.drills import ROOT, Drill, command, environment, ledger
from tests.requirements import require
from tests.services import eventually, free_port
from tests.ssh_host import ssh_host

pytestmark = pytest.mark.ssh

HOSTS = tuple(f"127.0.0.{number}" for number in (2, 3, 4))
MINE = """\"\"\"Some caches end, and come back once somebody has looked at them.\"\"\"

from blackstart.faults.stop import Stop
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.probes.command_state import CommandState
from blackstart.probes.tcp import Tcp


def experiment(target, flags, variant=""):
    back = [eventually(Tcp(name).is_("open"), name=f"{name}_back") for name in target.fleets["cache"]]
    looked = eventually(CommandState(("test", "-e", "LOOKED"), "looked").is_("there"), within_s=60)
    faults = (Stop("cache"),)
    return Experiment("mine", "caches", "It comes back.", faults=faults, during=(looked,), recovery=tuple(back))
"""


@dataclass
class Caches:
    """Three real Redis servers, each on an address of its own with its own pid file."""

    folder: Path
    target: Path
    port: int

    @property
    def looked(self) -> Path:
        """Until this file is there the fault is held: three looks may take a busy machine longer than any hold."""
        return self.folder / "looked"

    def pid(self, host: str) -> int:
        return int((self.folder / f"{host}.pid").read_text())

    def answers(self, host: str) -> bool:
        argv = ["redis-cli", "-h", host, "-p", str(self.port), "ping"]
        return "PONG" in subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[Caches]:
    require("ssh", "redis-cli")
    (tmp_path / "ssh").mkdir()
    port = free_port()
    start = ["redis-server", "--bind", "{host}", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    start += ["--pidfile", f"{tmp_path}/{{host}}.pid"]
    name = f"caches-{port}"  # one target is one run's at a time, on the whole machine
    (tmp_path / "mine.py").write_text(MINE.replace('"caches"', f'"{name}"').replace("LOOKED", str(tmp_path / "looked")))
    with ssh_host(tmp_path / "ssh", *HOSTS) as host:
        table = {
            "hosts": [host.called(one) for one in HOSTS],
            "address": f"{{host}}:{port}",
            "control": {"pidfile": f"{tmp_path}/{{host}}.pid", "start": start},
        }
        target = tmp_path / "caches.toml"
        target.write_text(tomli_w.dumps({"name": name, "allow": list(HOSTS), "services": {"cache": table}}))
        made = Caches(tmp_path, target, port)
        for one in HOSTS:
            argv = [word.replace("{host}", one) for word in start]
            subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            assert eventually(lambda: all(made.answers(one) for one in HOSTS))
            yield made
        finally:
            for one in HOSTS:
                os.kill(made.pid(one), signal.SIGTERM)


def begun(caches: Caches, *options: str) -> "subprocess.Popen[str]":
    """The drill, as soon as its fault bites."""
    words = command("chaos.run", str(caches.folder / "mine.py"), "--assume-link", *options)
    told = environment(caches.folder / "state", caches.folder / "reports", TARGET=str(caches.target))
    child = subprocess.Popen(
        words, cwd=ROOT, env=told, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert child.stdout is not None
    said = []
    for line in child.stdout:
        said.append(line)
        if "the fault bites" in line:
            return child
    pytest.fail("".join(said))


@pytest.mark.parametrize(("many", "left"), [("1", 2), ("67%", 0), ("50%", 1)])
def test_so_many_are_broken_and_all_come_back(caches: Caches, many: str, left: int) -> None:
    before = {one: caches.pid(one) for one in HOSTS}
    child = begun(caches, f"--on-hosts={many}", "--hosts-seed=7")
    answering = [one for one in HOSTS if caches.answers(one)]
    caches.looked.touch()
    output, _ = child.communicate(timeout=120)
    done = Drill(child.returncode, output, caches.folder / "reports")
    assert done.code == 0, done.output
    assert len(answering) == left
    assert {one: caches.pid(one) == pid for one, pid in before.items()} == {one: one in answering for one in HOSTS}
    heal = (done.folder / "HEAL.sh").read_text()
    assert [one in heal for one in HOSTS] == [one not in answering for one in HOSTS]
    assert f"({3 - left} of 3 hosts, seed 7)" in (done.folder / "report.html").read_text()
    assert ledger(caches.folder / "state") == []
    others = [one.message for one in done.judged().findings if one.name == "others_as_before"]
    assert others == ([f"{', '.join(f'cache@{one}' for one in answering)}: as before"] if answering else [])


def test_a_runner_that_is_killed_leaves_none_of_them_down(caches: Caches) -> None:
    child = begun(caches, "--on-hosts=2")
    child.kill()
    child.wait()
    assert eventually(lambda: all(caches.answers(one) for one in HOSTS), 60)
    assert eventually(lambda: ledger(caches.folder / "state") == [], 60)


def test_a_host_that_is_not_allowed_is_refused(caches: Caches) -> None:
    text = caches.target.read_text().replace(f'    "{HOSTS[0]}",\n', "", 1)
    caches.target.write_text(text)
    words = command("chaos.run", str(caches.folder / "mine.py"), "--assume-link", "--on-hosts=100%")
    told = environment(caches.folder / "state", caches.folder / "reports", TARGET=str(caches.target))
    done = subprocess.run(
        words, cwd=ROOT, env=told, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 40 and HOSTS[0] in done.stderr, done.stdout + done.stderr
    assert all(caches.answers(one) for one in HOSTS)
