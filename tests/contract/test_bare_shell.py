"""What our shell does on a machine that has little: it uses what is there, or names what is missing beforehand."""

import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blackstart.base import trust
from blackstart.base.errors import Refused, StepFailed
from blackstart.faults.latency import Latency
from blackstart.model.change import Change
from blackstart.model.step import HttpCall
from blackstart.safety.heal import heal_script
from blackstart.safety.preflight import rehearsal
from tests import certificates
from tests.contract.fault_proxies import FaultProxy, hanging_port
from tests.contract.network_runs import untouched
from tests.contract.process_control import of, shows
from tests.contract.test_heal_script_proxy import planned
from tests.path_without import path_without
from tests.requirements import require
from tests.services import carry_out, eventually, free_port

# ---------------------------------------------------------------- processes without ps


@pytest.fixture
def without_ps(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    require("proc")
    monkeypatch.setenv("PATH", path_without(tmp_path_factory, "ps", "pgrep"))


@pytest.mark.parametrize("known_by", ["process", "pidfile"])
def test_a_process_is_started_frozen_and_ended_without_ps(tmp_path: Path, without_ps: None, known_by: str) -> None:
    tree = f'echo $$ >"{tmp_path}/pid"; sleep 48155.5 & wait; # {tmp_path}'
    words = ["sh", "-c", tree]
    table = {"process": words} if known_by == "process" else {"pidfile": str(tmp_path / "pid")}
    control = of({**table, "start": words})
    carry_out(control.start())
    try:
        assert eventually(lambda: control.read_state().status == "running")
        carry_out(of({**table, "start": words}).pause())
        assert control.read_state().status == "paused"
        carry_out(control.resume())
        assert control.read_state().status == "running"
    finally:
        carry_out(control.kill())
    assert control.read_state().status == "stopped"


@contextmanager
def odd(code: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process with an odd command line, and what ps shows of it."""
    words = [sys.executable, "-c", code, "two  blanks", "", "é Ё", "back\\slash", "*?"]
    with subprocess.Popen(words) as process:
        try:
            assert eventually(lambda: shows(process, words))
            yield process, " ".join(words).replace("\n", " ")
        finally:
            process.kill()


def test_a_command_line_is_what_ps_shows() -> None:
    require("proc", "ps")
    with odd("import time; time.sleep(600)") as (process, line):
        told = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(process.pid)], env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
        assert told.stdout.rstrip() == line
        assert of({"process": [line], "start": "true"}).read_state().pid == process.pid


def test_a_process_with_a_line_break_in_its_command_line_is_found() -> None:
    with odd("import time\ntime.sleep(600)") as (process, line):
        assert of({"process": [line], "start": "true"}).read_state().pid == process.pid


def test_what_the_shell_needs_of_processes_is_named_before_one_is_touched(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_without(tmp_path_factory, "awk"))
    with pytest.raises(StepFailed, match="there is no awk here"):
        of({"process": "sleep 48156.5", "start": "true"})


# ---------------------------------------------------------------- calls without curl

WAYS = {"curl": (), "wget": ("curl", "python3"), "python3": ("curl", "wget")}


@pytest.fixture(params=WAYS)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which that one program is all that can send a request."""
    require(request.param)
    return path_without(tmp_path_factory, *(name for name in WAYS if name != request.param))


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    made = FaultProxy("embedded")
    yield made
    made.close()


@dataclass(frozen=True)
class Seen:
    """A request as a server saw it. `line` is its method and target."""

    line: str
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def told_by(status: int = 200, certificate: tuple[Path, Path] | None = None) -> Iterator[tuple[int, list[Seen]]]:
    """A server that gives every request that status: its port, and what it was asked."""
    seen: list[Seen] = []

    class Answer(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(Seen(f"{self.command} {self.path}", dict(self.headers), body))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            said = b"" if status == 204 else b"\033[31m::error::no\n"
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_DELETE = handle_any

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate[1], certificate[0])
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.server_port, seen
        finally:
            server.shutdown()
            thread.join(5)


def call(method: str, url: str, **more: object) -> Change:
    step = HttpCall(method, url, **{"timeout_s": 2.0, **more})  # type: ignore[arg-type]
    return Change("call it", "redis", (), (step,), (), ())


def once(path: str, change: Change) -> "subprocess.CompletedProcess[str]":
    """The call as HEAL.sh makes it, without HEAL.sh's patience."""
    text = heal_script.text("r", [change]).replace("\neverything\n", "\nstep_0; exit\n", 1)
    return subprocess.run(
        ["sh", "-c", text], env={"PATH": path}, capture_output=True, text=True, timeout=60, check=False
    )


def healed(folder: Path, path: str, change: Change, **env: str) -> "subprocess.CompletedProcess[str]":
    heal_script.write(folder / "HEAL.sh", "r", [change])
    return subprocess.run(
        ["sh", str(folder / "HEAL.sh")], env={"PATH": path, **env}, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_the_script_takes_a_fault_out_of_a_proxy_by_whatever_is_there(
    proxy: FaultProxy, upstream: int, tmp_path: Path, path: str
) -> None:
    change = planned(proxy, upstream, Latency("redis", 300))
    carry_out(change.do)
    done = healed(tmp_path, path, change)
    assert done.returncode == 0 and untouched(proxy), done.stdout + done.stderr
    proxy.close()
    done = healed(tmp_path, path, change)
    assert done.returncode == 0 and "the fault proxy has ended" in done.stdout, done.stdout + done.stderr


def test_a_call_is_the_same_by_whatever_is_there(tmp_path: Path, path: str) -> None:
    with told_by() as (port, seen):
        url = f"http://127.0.0.1:{port}/a/b?x=1&y=2"
        change = call("POST", url, body={"a": "it's é"}, headers={"X-Ops-Key": "env:OPS_KEY", "X-A": "b: c"})
        done = healed(tmp_path, path, change, OPS_KEY='k "1" \\ #')
        assert done.returncode == 0, done.stdout + done.stderr
    first = seen[0]
    assert first.line == "POST /a/b?x=1&y=2"
    assert first.headers["X-Ops-Key"] == 'k "1" \\ #' and first.headers["X-A"] == "b: c"
    assert first.headers["Content-Type"] == "application/json" and json.loads(first.body) == {"a": "it's é"}


@pytest.mark.parametrize(
    ("status", "accepted", "ok"),
    [(204, (200, 204), True), (404, (200, 204), False), (404, (204, 404), True), (500, (204, 404), False),
     (302, (200, 204), True), (302, (204, 404), False)],
)  # fmt: skip
def test_an_answer_is_judged_alike(path: str, status: int, accepted: tuple[int, ...], ok: bool) -> None:
    with told_by(status) as (port, seen):
        change = call("DELETE", f"http://127.0.0.1:{port}/x", ok_statuses=accepted)
        done = once(path, change)
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    assert [one.line for one in seen] == ["DELETE /x"] and "error::" not in done.stdout + done.stderr


def test_nobody_there_and_no_answer_are_told_apart(path: str) -> None:
    more = {"if_refused": "it has ended", "timeout_s": 0.3}
    done = once(path, call("POST", f"http://127.0.0.1:{free_port()}/x", **more))
    assert done.returncode == 0 and "it has ended" in done.stdout, done.stdout + done.stderr
    with hanging_port() as port:
        done = once(path, call("POST", f"http://127.0.0.1:{port}/x", **more))
    assert done.returncode == 1 and "it has ended" not in done.stdout, done.stdout + done.stderr


def test_a_machine_that_can_send_nothing_is_refused_by_name_before_anything_is_touched(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = call("POST", f"http://127.0.0.1:{free_port()}/x")
    poor = path_without(tmp_path_factory, *WAYS)
    done = healed(tmp_path, poor, change)
    assert done.returncode == 1 and "curl, wget or python3 is needed" in done.stderr
    monkeypatch.setenv("PATH", poor)
    with pytest.raises(Refused, match="Not started: HEAL.sh could undo nothing here: it needs curl, wget or python3"):
        rehearsal.rehearse([change])


def test_a_wget_that_only_gets_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poor = tmp_path
    (poor / "wget").write_text('#!/bin/sh\necho "Usage: wget [-c] [-q] URL" >&2\n')
    (poor / "wget").chmod(0o755)
    monkeypatch.setenv("PATH", str(poor))
    assert heal_script.lacks([call("POST", "http://127.0.0.1:1/x")]) == "curl, wget or python3"


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_script_trusts_whom_the_run_did_in_a_shell_that_names_nobody(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in trust.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    certificate = certificates.made(tmp_path)
    with told_by(certificate=certificate) as (port, seen):
        change = call("POST", f"https://127.0.0.1:{port}/undo")
        assert once(path, change).returncode != 0 and not seen
        monkeypatch.setenv(variable, str(certificate[1]))
        done = once(path, change)
        assert done.returncode == 0 and [one.line for one in seen] == ["POST /undo"], done.stdout + done.stderr
