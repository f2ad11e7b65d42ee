"""The process control against a real PostgreSQL with its backends, and trees that try to get away."""

import contextlib
import getpass
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from blackstart import controls
from blackstart.base.errors import StepFailed
from blackstart.model.control import Control
from blackstart.model.target import Service
from tests.contract.process_control import of
from tests.services import by_shell, carry_out, connects, eventually, free_port

BREEDER = """
import os, signal, sys, time
open(sys.argv[1] + ".pid", "w").write(str(os.getpid()))
def child(depth):
    os.setsid()                       # like a PostgreSQL backend, it leaves the group
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        if depth and os.fork() == 0:
            child(depth - 1)
        open(sys.argv[1], "a").write(".")
        time.sleep(0.02)
        depth = 0
for _ in range(6):
    if os.fork() == 0:
        child(2)
while True:                           # and goes on to breed while it is being frozen
    if os.fork() == 0:
        time.sleep(0.03); os._exit(0)
    while os.waitpid(-1, os.WNOHANG)[0]: pass
    time.sleep(0.001)
"""


@pytest.fixture
def breeder(tmp_path: Path) -> Iterator[tuple[Control, Path]]:
    beats = tmp_path / "beats"
    program = tmp_path / "breeder.py"
    program.write_text(textwrap.dedent(BREEDER))
    argv = [sys.executable, str(program), str(beats)]
    found = of({"process": argv, "start": argv, "pidfile": f"{beats}.pid"})
    carry_out(found.start())
    assert eventually(lambda: beats.exists() and beats.stat().st_size > 100 and lasting(found) == 18)
    yield found, beats
    carry_out(found.resume())
    carry_out(found.kill())


def family(control: Control) -> list[psutil.Process]:
    root = psutil.Process(control.read_state().pid)
    return [root, *root.children(recursive=True)]


def lasting(control: Control) -> int:
    """How many of it are there to stay: each leads a session of its own; those that come and go do not."""
    found = 0
    for one in family(control)[1:]:
        with contextlib.suppress(ProcessLookupError):
            found += os.getsid(one.pid) == one.pid
    return found


def states(processes: list[psutil.Process]) -> set[str]:
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.add(process.status())
    return found - {psutil.STATUS_ZOMBIE}


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_freezing_takes_the_whole_tree_even_while_it_breeds(breeder: tuple[Control, Path], way) -> None:
    control, beats = breeder
    way(control.pause())
    everyone = family(control)
    assert len(everyone) >= 19
    assert states(everyone) == {psutil.STATUS_STOPPED}
    size = beats.stat().st_size
    assert not eventually(lambda: beats.stat().st_size > size, 0.5)
    way(control.resume())
    assert eventually(lambda: psutil.STATUS_STOPPED not in states(family(control)))
    assert eventually(lambda: beats.stat().st_size > size)


def test_orphans_of_a_frozen_parent_that_somebody_killed_are_let_go(breeder: tuple[Control, Path]) -> None:
    control, _ = breeder
    carry_out(control.pause())
    parent, *orphans = family(control)
    parent.kill()
    assert eventually(lambda: not parent.is_running() or parent.status() == psutil.STATUS_ZOMBIE)
    assert control.read_state().status == "stopped"
    carry_out(control.resume())
    assert eventually(lambda: psutil.STATUS_STOPPED not in states(orphans))
    for orphan in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            orphan.kill()
    carry_out(control.start())
    assert eventually(lambda: control.read_state().status == "running")


def test_what_was_stopped_before_the_freeze_stays_stopped_after_it(breeder: tuple[Control, Path]) -> None:
    control, _ = breeder
    root = psutil.Process(control.read_state().pid)
    debugged = next(one for one in root.children() if one.children())
    debugged.suspend()
    carry_out(control.resume())
    assert debugged.status() == psutil.STATUS_STOPPED
    carry_out(control.pause())
    carry_out(control.resume())
    assert eventually(lambda: root.status() != psutil.STATUS_STOPPED)
    assert debugged.status() == psutil.STATUS_STOPPED
    debugged.resume()


def test_a_lost_record_still_lets_the_tree_go_on(breeder: tuple[Control, Path]) -> None:
    control, _ = breeder
    carry_out(control.pause())
    for record in (Path(os.environ["BLACKSTART_STATE"]) / "frozen").iterdir():
        record.unlink()
    carry_out(control.resume())
    assert eventually(lambda: psutil.STATUS_STOPPED not in states(family(control)))


def test_kill_leaves_nobody_of_the_tree(breeder: tuple[Control, Path]) -> None:
    control, beats = breeder
    everyone = family(control)
    carry_out(control.kill())
    assert eventually(lambda: not states(everyone))
    size = beats.stat().st_size
    assert not eventually(lambda: beats.stat().st_size > size, 0.5)
    carry_out(control.start())
    assert eventually(lambda: control.read_state().status == "running")


def test_blackstart_does_not_freeze_itself() -> None:
    argv = psutil.Process().cmdline()
    own = of({"process": argv, "start": ["true"], "pidfile": pid_file_of_us()})
    with pytest.raises(StepFailed, match="Blackstart itself runs among these processes"):
        carry_out(own.pause())


def pid_file_of_us() -> str:
    path = Path(os.environ["BLACKSTART_STATE"]).parent / "us.pid"
    path.write_text(str(os.getpid()))
    return str(path)


def test_postgresql_is_frozen_with_its_backends_and_comes_back_with_the_same_connection(tmp_path_factory) -> None:
    binary = shutil.which("postgres")
    if not binary:
        pytest.skip("no postgres on PATH")
    folder, port = tmp_path_factory.mktemp("pg"), free_port()
    # nobody must get there, through however many folders of pytest's.
    for parent in folder.parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(0o755)
    user = "nobody" if os.geteuid() == 0 else getpass.getuser()
    shutil.chown(folder, user)
    run_as = ["setpriv", f"--reuid={user}", "--clear-groups"] if os.geteuid() == 0 else []
    bin_dir = Path(binary).resolve().parent
    subprocess.run(
        [*run_as, bin_dir / "initdb", "-D", folder / "data", "-U", "test", "-A", "trust", "-N"],
        check=True, timeout=60, capture_output=True, cwd="/",
    )  # fmt: skip
    server = [str(bin_dir / "postgres"), "-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
    table = {
        "process": server,
        "start": [*run_as, *server],
        "log": str(folder / "log"),
        "stop_signal": "INT",
        "cwd": "/",
    }
    control = controls.of(Service("postgres", control=table)).resolve()
    (folder / "log").touch()
    carry_out(control.start())
    dsn = f"host=127.0.0.1 port={port} user=test dbname=postgres connect_timeout=2"

    def answers() -> bool:
        try:
            with psycopg.connect(dsn) as fresh:
                return fresh.execute("select 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    try:
        assert eventually(answers, 20), (folder / "log").read_text()
        with psycopg.connect(dsn) as kept:
            backend = psutil.Process(kept.info.backend_pid)
            carry_out(control.pause())
            assert backend.status() == psutil.STATUS_STOPPED
            assert control.read_state().status == "paused" and connects(port)
            carry_out(control.resume())
            assert kept.execute("select 2").fetchone() == (2,)
        carry_out(control.stop())
        assert control.read_state().status == "stopped"
        carry_out(control.start())
        assert eventually(answers)
    finally:
        carry_out(control.kill())
