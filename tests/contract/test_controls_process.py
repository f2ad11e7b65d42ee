"""The process control against a real Redis: one process is started, ended, frozen, and never another one."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, StepFailed
from blackstart.controls.steps.local import carry_out as carried_out
from blackstart.model.control import Control, State
from blackstart.model.step import Step
from tests.contract.process_control import Table, of, shows
from tests.services import by_shell, carry_out, connects, eventually, free_port, pings, redis_server


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def table(port: int, tmp_path: Path) -> Table:
    """How the target describes a Redis that is a plain process: by the title that it gives itself."""
    start = [redis_server(), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    return {"process": f"{redis_server()} *:{port}", "start": start, "log": str(tmp_path / "redis.log")}


@pytest.fixture
def control(table: Table, port: int) -> Iterator[Control]:
    found = of(table)
    carry_out(found.start())
    assert eventually(lambda: pings(port))
    yield found
    carry_out(found.resume())
    if found.read_state().status != "stopped":
        carry_out(found.kill())


def test_start_runs_it_in_a_session_of_its_own_with_its_output_in_the_log(
    control: Control, port: int, tmp_path: Path
) -> None:
    state = control.read_state()
    assert state.status == "running" and state.pid and not state.revives
    assert os.getsid(state.pid) != os.getsid(0)
    assert "Ready to accept connections" in (tmp_path / "redis.log").read_text()
    step = control.log_tail(50)
    assert step and "Ready to accept" in carried_out(step).stdout
    status = Path(f"/proc/{state.pid}/status").read_text()
    ignored = int(status.split("SigIgn:")[1].split()[0], 16)
    assert not ignored & (1 << (signal.SIGINT - 1)), "a service must not be started deaf to SIGINT"


def test_a_second_start_starts_no_second_one(control: Control, port: int) -> None:
    before = control.read_state()
    carry_out(control.start())
    by_shell(control.start())
    assert control.read_state() == before


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_a_process_that_is_known_by_its_bare_name_is_found_again_after_its_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way
) -> None:
    (tmp_path / "sleeper").symlink_to(shutil.which("sleep") or "")
    before = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{tmp_path}:{before}")
    known = of({"process": "sleeper 48153.5", "start": "sleeper 48153.5"})
    monkeypatch.setenv("PATH", before)  # of whoever carries it out later: guardian, chaos.heal, HEAL.sh
    way(known.start())
    try:
        assert eventually(lambda: known.read_state().status == "running")
    finally:
        way(known.kill())
    assert eventually(lambda: known.read_state().status == "stopped")


@pytest.mark.parametrize("way", [carry_out, by_shell])
@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_stop_and_kill_end_it_and_the_undo_is_another_process(control: Control, port: int, verb: str, way) -> None:
    before = control.read_state()
    way(getattr(control, verb)())
    assert control.read_state().status == "stopped"
    assert not connects(port)
    way(control.start())
    assert eventually(lambda: pings(port))
    assert control.read_state().instance != before.instance


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_pause_and_resume_leave_the_same_process(control: Control, port: int, way) -> None:
    before = control.read_state()
    way(control.pause())
    assert control.read_state().status == "paused"
    assert connects(port) and not pings(port)
    way(control.resume())
    assert eventually(lambda: pings(port))
    assert control.read_state() == before


def test_rights_signal_nothing(control: Control, port: int) -> None:
    before = control.read_state()
    carry_out(control.rights() + control.resume() + control.crash(before, "0"))
    assert control.read_state() == before


def test_a_process_that_only_contains_the_words_is_not_it(table: Table, port: int) -> None:
    words = [sys.executable, "-c", "input()", f"{redis_server()} *:{port}"]
    decoy = subprocess.Popen(words, stdin=subprocess.PIPE)
    try:
        assert eventually(lambda: shows(decoy, words))
        assert of(table).read_state().status == "stopped"
    finally:
        decoy.kill()
        decoy.wait()


def test_two_processes_with_one_command_line_are_refused(table: Table) -> None:
    words = ["sleep", "12345.5"]
    twins = [subprocess.Popen(words) for _ in range(2)]
    try:
        assert eventually(lambda: all(shows(twin, words) for twin in twins))
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
    assert control.read_state().status == "running"
    carry_out(control.kill())
    assert eventually(lambda: not connects(port))  # or the next one would not get the port
    pidfile.write_text(f"{os.getpid()}\n")
    assert control.read_state().status == "stopped"
    with pytest.raises(StepFailed, match="no process runs"):
        carry_out(control.pause())
    carry_out(control.start())
    assert eventually(lambda: pings(port) and control.read_state().status == "running")
    carry_out(control.kill())


def test_a_signal_for_a_process_that_was_replaced_hits_nobody(control: Control, port: int) -> None:
    before = control.read_state()
    carry_out(control.kill())
    carry_out(control.start())
    assert eventually(lambda: pings(port))
    with pytest.raises(StepFailed, match="somebody restarted it"):
        carry_out(control.crash(before, "KILL"))
    reborn = State("running", f"{control.read_state().pid}:{before.instance.partition(':')[2]}")
    with pytest.raises(StepFailed, match="somebody restarted it"):
        carry_out(control.crash(reborn, "KILL"))
    assert pings(port)


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
