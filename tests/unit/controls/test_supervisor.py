"""supervisord: what its tools print and what its configuration says."""

import socket
from pathlib import Path

import pytest

from blackstart.base.errors import BadTarget, StepFailed, StepTimedOut
from blackstart.controls import supervisor_rpc
from blackstart.controls.supervisor import Supervisor, parse_status
from blackstart.controls.supervisor_rpc import ask, read_settings
from tests.unit.probes.servers import answering, serving


@pytest.mark.parametrize(
    ("printed", "status", "process"),
    [
        ("redis                  RUNNING   pid 123, uptime 0:00:05\nS 1 4711\n", "running", "123:4711"),
        ("redis                  RUNNING   pid 123, uptime 0:00:05\nTl 1 4711\n", "paused", "123:4711"),
        ("redis                  RUNNING   pid 123, uptime 0:00:05\n", "running", "123:"),
        ("redis                  STOPPED   Nov 21 12:00 AM\n", "stopped", ""),
        ("redis                  STARTING  \n", "starting", ""),
        ("redis                  STOPPING  \n", "stopping", ""),
        ("redis                  BACKOFF   Exited too quickly (process log may have details)\n", "starting", ""),
        ("redis                  FATAL     Exited too quickly\n", "failed", ""),
        ("redis                  EXITED    Nov 21 12:00 AM\n", "stopped", ""),
        ("redis: ERROR (no such process)\n", "absent", ""),
    ],
)
def test_the_status_is_read(printed: str, status: str, process: str) -> None:
    state = parse_status(printed, revives=True)
    assert (state.status, state.instance) == (status, process)


@pytest.mark.parametrize(
    "printed", ["", "unix:///run/s.sock no such file\n", "error: <class 'TimeoutError'>, timed out\n"]
)
def test_a_supervisord_that_does_not_answer_says_nothing_of_a_program(printed: str) -> None:
    with pytest.raises(StepFailed, match=f"says nothing of the program: {printed.strip()[:20] or 'it printed'}"):
        parse_status(printed, revives=True)


def test_settings_are_read_with_what_they_include(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUP_PASSWORD", "geheim")
    config = tmp_path / "s.conf"
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "more.ini").write_text("[program:more]\nautorestart=false\n")
    config.write_text("""[supervisorctl]
serverurl = unix://%(here)s/s.sock ; where it listens
username = ops
password = %(ENV_SUP_PASSWORD)s
[program:redis]
command = redis-server --save "" ; a comment
[program:never]
autorestart = False
[include]
files = conf.d/*.ini
""")
    settings = read_settings(str(config))
    assert settings.url == f"unix://{tmp_path}/s.sock"
    assert (settings.username, settings.password) == ("ops", "geheim")
    assert settings.revived == {"redis": True, "never": False, "more": False}
    config.write_bytes(b"\xef\xbb\xbf" + config.read_bytes())
    assert read_settings(str(config)) == settings


@pytest.mark.parametrize("text", ["", "[program:x]\n", "no section\n", "[supervisorctl\n"])
def test_a_configuration_that_can_not_be_used_is_refused(tmp_path: Path, text: str) -> None:
    config = tmp_path / "s.conf"
    config.write_text(text)
    with pytest.raises(BadTarget, match="Not started: supervisor's configuration .*s.conf"):
        read_settings(str(config))


def test_nobody_at_the_socket_is_a_failure_that_asks_the_right_question(tmp_path: Path) -> None:
    config = tmp_path / "s.conf"
    config.write_text("[supervisorctl]\nserverurl=http://127.0.0.1:1\n")
    with pytest.raises(StepFailed, match=r"127\.0\.0\.1:1 does not answer: .*refused.*Is it running"):
        ask(read_settings(str(config)), "getState")


def test_the_start_accepts_that_it_runs_and_waits_for_the_programs_own_time() -> None:
    (step,) = Supervisor("redis", "/s.conf", "/bin/supervisorctl").start()
    assert step.argv == ("/bin/supervisorctl", "-c", "/s.conf", "start", "redis")
    assert step.accepts == ("already started",) and step.timeout_s == 60


def test_settings_are_read_again_only_when_the_file_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "s.conf"
    config.write_text("[supervisorctl]\nserverurl=http://127.0.0.1:1\n")
    first = supervisor_rpc.remembered_settings(str(config))
    assert supervisor_rpc.remembered_settings(str(config)) is first
    config.write_text("[supervisorctl]\nserverurl=http://127.0.0.1:22\n")
    assert supervisor_rpc.remembered_settings(str(config)).url == "http://127.0.0.1:22"
    config.unlink()
    with pytest.raises(BadTarget, match="can't be read"):
        supervisor_rpc.remembered_settings(str(config))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.0 401 Unauthorized\r\n\r\n", "answered 401 Unauthorized"),
        (b"SSH-2.0-OpenSSH\r\n", "is no supervisord: SSH-2.0"),
        (b"", "is no supervisord: Remote end closed"),
        (b"HTTP/1.0 200 OK\r\n\r\n<methodResponse><par", "can't be read"),
        (b"HTTP/1.0 200 OK\r\n\r\n<a/>", "can't be read"),
    ],
)
def test_what_is_no_answer_of_supervisord_is_a_failure_that_says_so(answer: bytes, told: str) -> None:
    with serving(answering(answer, close=True)) as port:
        settings = supervisor_rpc.Settings(f"http://127.0.0.1:{port}", "ops", "x", {})
        with pytest.raises(StepFailed, match=told):
            ask(settings, "getState", timeout_s=2.0)


def test_a_supervisord_that_hangs_is_timed_out() -> None:
    def silent(conn: socket.socket) -> None:
        while conn.recv(10_000):
            pass

    with serving(silent) as port:
        settings = supervisor_rpc.Settings(f"http://127.0.0.1:{port}", "", "", {})
        with pytest.raises(StepTimedOut, match=r"within 0\.2 s"):
            ask(settings, "getState", timeout_s=0.2)
