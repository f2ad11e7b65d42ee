"""Steps carried out on this machine: what came of them, their time limits, and their sessions."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

import blackstart
from blackstart.base.errors import BadTarget, StepFailed, StepTimedOut
from blackstart.controls.steps.local import carry_out, run
from blackstart.controls.steps.shell import to_shell
from blackstart.model.step import Ask, Command, HttpCall
from blackstart.safety.heal import heal_script


def wait_for(fact) -> bool:
    end = time.monotonic() + 20
    while not fact() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(fact())


def test_success_shows_output_and_time() -> None:
    outcome = run(Command(("sh", "-c", "echo out; echo err >&2; sleep 0.1")))
    assert (outcome.ok, outcome.code, outcome.stdout, outcome.stderr) == (True, 0, "out\n", "err\n")
    assert 0.1 <= outcome.took_s < 5 and not outcome.already


def test_failure_is_an_outcome_of_run_and_an_error_of_carry_out() -> None:
    step = Command(("sh", "-c", "for i in 1 2 3 4 5 6 7; do echo line $i; done; exit 3", "count"))
    assert run(step).code == 3
    with pytest.raises(StepFailed) as failure:
        carry_out(step)
    assert "`count` ended with exit code 3" in str(failure.value)
    assert "line 7" in str(failure.value) and "line 2" not in str(failure.value)


def test_other_codes_and_already_so_can_be_meant_as_success() -> None:
    assert run(Command(("sh", "-c", "exit 7"), ok_codes=(0, 7))).ok
    already = run(Command(("sh", "-c", "echo already started; exit 1"), accepts=("already started",)))
    assert already.ok and already.already and already.code == 1


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(StepFailed, match="no-such-program: no such program on this machine"):
        run(Command(("no-such-program", "x")))


def test_folder_environment_and_secrets_reach_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "geheim")
    step = Command(
        ("sh", "-c", "echo $PWD $WHO $PGPASSWORD"),
        cwd=str(tmp_path),
        env={"WHO": "me", "PGPASSWORD": "env:DB_PASSWORD"},
    )
    assert run(step).stdout == f"{tmp_path} me geheim\n"
    monkeypatch.delenv("DB_PASSWORD")
    with pytest.raises(BadTarget, match="DB_PASSWORD is empty or not set"):
        run(step)


def test_nothing_can_be_asked_of_the_terminal() -> None:
    assert run(Command(("sh", "-c", "read x; echo got $?"))).stdout == "got 1\n"


def test_a_late_program_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    step = Command(("sh", "-c", f"sleep 60 & echo $$ $! >{pids}; wait", "late"), timeout_s=1.0)
    with pytest.raises(StepTimedOut, match=r"`late` did not come back within 1 s and was ended"):
        run(step)
    assert wait_for(lambda: not any(psutil.pid_exists(int(pid)) for pid in pids.read_text().split()))


def test_a_grandchild_that_keeps_the_output_open_does_not_hold_us_up() -> None:
    outcome = run(Command(("sh", "-c", "sleep 9 & echo done")))
    assert outcome.stdout == "done\n" and outcome.took_s < 6


def test_only_the_end_of_a_flood_is_kept() -> None:
    outcome = run(Command(("sh", "-c", "yes 0123456789 | head -c 5000000; echo end")))
    assert len(outcome.stdout) <= 64 * 1024 and outcome.stdout.endswith("end\n")


def test_the_pid_is_told_while_the_step_is_under_way() -> None:
    seen: list[tuple[int, bool]] = []
    run(Command(("sleep", "0.2")), on_start=lambda pid: seen.append((pid, os.getsid(pid) == pid)))
    assert seen and seen[0][1], "the child is the leader of its own session"


def test_a_signal_in_the_middle_is_held_back_until_the_step_has_ended(tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    mark = tmp_path / "mark"
    before = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        with pytest.raises(KeyboardInterrupt):
            run(Command(("sh", "-c", f"sleep 1.5; echo done >{mark}")), on_start=lambda pid: timer.start())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert mark.read_text() == "done\n"


def test_ctrl_c_on_our_terminal_does_not_reach_a_step(tmp_path: Path) -> None:
    """A process group gets SIGINT, as from a terminal; the step that its leader had begun goes on to its end."""
    mark = tmp_path / "mark"
    program = f"""
import sys; sys.path.insert(0, {str(Path(blackstart.__file__).parents[1])!r})
from blackstart.model.step import Command
from blackstart.controls.steps.local import run
run(Command(("sh", "-c", "echo began >{mark}; sleep 2; echo ended >{mark}")))
"""
    runner = subprocess.Popen([sys.executable, "-c", program], start_new_session=True, stderr=subprocess.PIPE)
    assert wait_for(lambda: mark.exists() and mark.read_text() == "began\n")
    os.killpg(runner.pid, signal.SIGINT)
    runner.communicate(timeout=10)
    assert wait_for(lambda: mark.read_text() == "ended\n")


def test_a_detached_program_goes_on_in_its_own_session_and_leaves_no_zombie(tmp_path: Path) -> None:
    log, pids = tmp_path / "log", []
    log.write_text("before\n")
    step = Command(("sh", "-c", "echo began; sleep 2; echo ended"), detach=True, log=str(log))
    outcome = run(step, on_start=pids.append)
    assert outcome.ok and outcome.took_s < 2 and "ended" not in log.read_text()
    assert os.getsid(pids[0]) == pids[0]
    assert wait_for(lambda: log.read_text() == "before\nbegan\nended\n")
    assert wait_for(lambda: not psutil.pid_exists(pids[0])), "collected, not a zombie"


def test_a_detached_program_whose_log_can_not_be_written_is_not_started(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="can't be started"):
        run(Command(("true",), detach=True, log=str(tmp_path / "none" / "log")))


def test_what_a_person_must_do_is_not_done_here() -> None:
    with pytest.raises(StepFailed, match="only a person can do this: Stop it"):
        run(Ask("Stop it"))


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.path == "/slow":
            time.sleep(1.5)
        status = 404 if self.path == "/none" else 302 if self.path.startswith("/moved") else 200
        self.server.asked = [*getattr(self.server, "asked", []), self.path]  # type: ignore[attr-defined]
        told = f"{self.headers.get('X-Ops-Key')} {body.decode()}".encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.path.removeprefix("/moved?to="))
        if self.path == "/endless":
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b"x")
                    time.sleep(0.02)
            return
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def _serving() -> Iterator[tuple[str, ThreadingHTTPServer]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", server
    server.shutdown()
    server.server_close()


@pytest.fixture
def api() -> Iterator[str]:
    with _serving() as (url, _):
        yield url


def test_a_call_sends_its_body_and_its_secret_header(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_KEY", "k1")
    outcome = run(HttpCall("POST", f"{api}/pause", {"a": 1}, {"X-Ops-Key": "env:OPS_KEY"}))
    assert outcome.ok and outcome.code == 200 and outcome.stdout == 'k1 {"a": 1}'


def test_a_status_that_is_not_meant_is_a_failure_with_its_text(api: str) -> None:
    with pytest.raises(StepFailed, match=r"`POST .*/none` answered 404"):
        carry_out(HttpCall("POST", f"{api}/none"))
    assert run(HttpCall("POST", f"{api}/none", ok_statuses=(200, 404))).ok


def test_a_late_answer_and_a_refused_connection_are_told_apart(api: str) -> None:
    with pytest.raises(StepTimedOut, match=r"did not answer within 0\.2 s"):
        run(HttpCall("POST", f"{api}/slow", timeout_s=0.2))
    with pytest.raises(StepFailed, match="refused"):
        run(HttpCall("POST", "http://127.0.0.1:1/pause"))


def test_an_endless_answer_is_not_waited_for(api: str) -> None:
    outcome = run(HttpCall("POST", f"{api}/endless", timeout_s=0.5))
    assert outcome.ok and outcome.took_s < 10


def test_a_web_proxy_of_the_shell_sees_no_call_and_no_secret_header(
    api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password netrc-password\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPS_KEY", "k1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    step = HttpCall("POST", f"{api}/pause", {"a": 1}, {"X-Ops-Key": "env:OPS_KEY"})
    with _serving() as (web_proxy, seen):
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, web_proxy)
        assert run(step).stdout == 'k1 {"a": 1}'
        for stand_in in ("", heal_script.CURL.read_text().replace("! command -v curl >/dev/null", "true")):
            if stand_in or shutil.which("curl"):
                assert run(Command(("sh", "-c", stand_in + to_shell(step)))).ok
        assert not hasattr(seen, "asked")


def test_a_redirect_is_not_followed_and_is_no_success(api: str) -> None:
    with _serving() as (elsewhere, seen):
        outcome = run(HttpCall("POST", f"{api}/moved?to={elsewhere}/pause", headers={"X-Ops-Key": "k1"}))
        assert not outcome.ok and outcome.code == 302
        assert not hasattr(seen, "asked")
