"""The process control against a real Redis, a real PostgreSQL with its backends, and trees that try to get away."""

import contextlib
import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from blackstart import controls, machines
from blackstart.codec import from_data, to_data
from blackstart.controls import Control
from blackstart.errors import BadTarget, StepFailed
from blackstart.model import Step
from blackstart.target import Service
from tests.services import by_shell, carry_out, connects, eventually, free_port, pings, redis_server

Table = dict[str, object]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def table(port: int, tmp_path: Path) -> Table:
    """How the target describes a Redis that is a plain process: by the title that it gives itself."""
    start = [redis_server(), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    return {"process": f"{redis_server()} *:{port}", "start": start, "log": str(tmp_path / "redis.log")}


def of(table: Table) -> Control:
    return controls.of(Service("redis", control=table)).resolve()


@pytest.fixture
def control(table: Table, port: int) -> Iterator[Control]:
    found = of(table)
    carry_out(found.start())
    assert eventually(lambda: pings(port))
    yield found
    carry_out(found.resume())
    if found.facts().status != "stopped":
        carry_out(found.kill())


def test_start_runs_it_in_a_session_of_its_own_with_its_output_in_the_log(
    control: Control, port: int, tmp_path: Path
) -> None:
    state = control.facts()
    assert state.status == "running" and state.pid and not state.revives
    assert os.getsid(state.pid) != os.getsid(0)
    assert "Ready to accept connections" in (tmp_path / "redis.log").read_text()
    step = control.log_tail(50)
    assert step and "Ready to accept" in machines.carry_out(step).stdout
    status = Path(f"/proc/{state.pid}/status").read_text()
    ignored = int(status.split("SigIgn:")[1].split()[0], 16)
    assert not ignored & (1 << (signal.SIGINT - 1)), "a service must not be started deaf to SIGINT"


def test_a_second_start_starts_no_second_one(control: Control, port: int) -> None:
    before = control.facts()
    carry_out(control.start())
    by_shell(control.start())
    assert control.facts() == before


@pytest.mark.parametrize("way", [carry_out, by_shell])
@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_stop_and_kill_end_it_and_the_undo_is_another_process(control: Control, port: int, verb: str, way) -> None:
    before = control.facts()
    way(getattr(control, verb)())
    assert control.facts().status == "stopped"
    assert not connects(port)
    way(control.start())
    assert eventually(lambda: pings(port))
    assert control.facts().process != before.process


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_pause_and_resume_leave_the_same_process(control: Control, port: int, way) -> None:
    before = control.facts()
    way(control.pause())
    assert control.facts().status == "paused"
    assert connects(port) and not pings(port)
    way(control.resume())
    assert eventually(lambda: pings(port))
    assert control.facts() == before


def test_rights_signal_nothing(control: Control, port: int) -> None:
    before = control.facts()
    carry_out(control.rights() + control.resume() + control.crash(before, "0"))
    assert control.facts() == before


def test_a_process_that_only_contains_the_words_is_not_it(table: Table, port: int) -> None:
    decoy = subprocess.Popen([sys.executable, "-c", "input()", f"{redis_server()} *:{port}"], stdin=subprocess.PIPE)
    try:
        assert of(table).facts().status == "stopped"
    finally:
        decoy.kill()
        decoy.wait()


def test_two_processes_with_one_command_line_are_refused(table: Table) -> None:
    twins = [subprocess.Popen(["sleep", "12345.5"]) for _ in range(2)]
    try:
        with pytest.raises(BadTarget, match=r"Not started: more than one process is: sleep 12345\.5"):
            of({**table, "process": "sleep 12345.5"})
    finally:
        for twin in twins:
            twin.kill()
            twin.wait()


def test_a_pid_file_that_names_somebody_else_by_now_names_nobody(table: Table, port: int, tmp_path: Path) -> None:
    pidfile = tmp_path / "redis.pid"
    start = [*table["start"], "--pidfile", str(pidfile), "--daemonize", "yes"]  # type: ignore[misc]
    first = {"pidfile": str(pidfile), "start": start}
    carry_out(of({**first, "process": "x"}).start())
    assert eventually(lambda: pings(port) and pidfile.exists())
    control = of(first)
    assert control.facts().status == "running"
    carry_out(control.kill())
    pidfile.write_text(f"{os.getpid()}\n")
    assert control.facts().status == "stopped"
    with pytest.raises(StepFailed, match="no process runs"):
        carry_out(control.pause())
    carry_out(control.start())
    assert eventually(lambda: pings(port) and control.facts().status == "running")
    carry_out(control.kill())


def test_a_signal_for_a_process_that_was_replaced_hits_nobody(control: Control, port: int) -> None:
    before = control.facts()
    carry_out(control.kill() + control.start())
    assert eventually(lambda: pings(port))
    with pytest.raises(StepFailed, match="somebody restarted it"):
        carry_out(control.crash(before, "KILL"))
    reborn = controls.State("running", control.facts().pid, before.started)
    with pytest.raises(StepFailed, match="somebody restarted it"):
        carry_out(control.crash(reborn, "KILL"))
    assert pings(port)


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
def breeder(table: Table, tmp_path: Path) -> Iterator[tuple[Control, Path]]:
    beats = tmp_path / "beats"
    program = tmp_path / "breeder.py"
    program.write_text(textwrap.dedent(BREEDER))
    argv = [sys.executable, str(program), str(beats)]
    found = of({"process": argv, "start": argv, "pidfile": f"{beats}.pid"})
    carry_out(found.start())
    assert eventually(lambda: beats.exists() and beats.stat().st_size > 100)
    yield found, beats
    carry_out(found.resume())
    carry_out(found.kill())


def family(control: Control) -> list[psutil.Process]:
    root = psutil.Process(control.facts().pid)
    return [root, *root.children(recursive=True)]


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
    assert control.facts().status == "stopped"
    carry_out(control.resume())
    assert eventually(lambda: psutil.STATUS_STOPPED not in states(orphans))
    for orphan in orphans:
        if orphan.is_running():
            orphan.kill()
    carry_out(control.start())
    assert eventually(lambda: control.facts().status == "running")


def test_what_was_stopped_before_the_freeze_stays_stopped_after_it(breeder: tuple[Control, Path]) -> None:
    control, _ = breeder
    root = psutil.Process(control.facts().pid)
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
    assert eventually(lambda: control.facts().status == "running")


def test_the_hand_that_must_thaw_it_is_not_frozen() -> None:
    argv = psutil.Process().cmdline()
    own = of({"process": argv, "start": ["true"], "pidfile": pid_file_of_us()})
    with pytest.raises(StepFailed, match="would freeze the hand"):
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
            assert control.facts().status == "paused" and connects(port)
            carry_out(control.resume())
            assert kept.execute("select 2").fetchone() == (2,)
        carry_out(control.stop())
        assert control.facts().status == "stopped"
        carry_out(control.start())
        assert eventually(answers)
    finally:
        carry_out(control.kill())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"process": "redis", "strat": ["x"]}, 'Did you mean "start"'),
        ({"process": "redis"}, "say how the process is started again"),
        ({"process": "", "start": "x"}, '"process" is empty'),
        ({"process": "redis", "start": "no-such-program-here"}, "no such program"),
        ({"process": 7, "start": "x"}, "text or a list"),
    ],
)
def test_a_wrong_table_is_refused_by_name(wrong: Table, complaint: str) -> None:
    with pytest.raises(BadTarget, match="Not started") as refusal:
        of(wrong)
    assert complaint in str(refusal.value)


def test_it_survives_json(control: Control) -> None:
    again = from_data(to_data(control))
    assert again == control and hash(again) == hash(control)
    steps: tuple[Step, ...] = again.start()
    assert steps == control.start()
