"""The page's own injector on a real shop: planned, run, proved, undone by others, and judged without its file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import readings_of
from tests.docs.pages import blocks
from tests.environment import ROOT
from tests.processes import guardians
from tests.services import eventually

PAGE = ROOT / "docs" / "chaos-blocks.md"
(INJECTOR,) = blocks(PAGE, "python")
(SPEC,) = [text for text in blocks(PAGE, "isl") if "maintenance(" in text]


class Shop(ThreadingHTTPServer):
    """Opens sessions. While it is switched to maintenance it refuses, unless it is `deaf` to the switch.

    Where it is `stuck` it answers that it was switched back, and is not. Where it `lacks` it, nothing opens a session.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.on, self.status, self.refused, self.deaf, self.stuck = False, 503, 0, False, False
        self.lacks = False
        self.switched: list[bool] = []
        self.opened: dict[str, object] = {}


class _Asked(BaseHTTPRequestHandler):
    server: Shop

    def do_POST(self) -> None:
        self._body()
        shop = self.server
        if shop.lacks:
            self._say(404, {})
        elif shop.on:
            shop.refused += 1
            self._say(shop.status, {"error": {"code": "SERVICE_UNAVAILABLE"}})
        else:
            key = self.headers["Idempotency-Key"]
            mine = object()
            created = shop.opened.setdefault(key, mine) is mine
            self._say(201 if created else 200, {"session": {"id": key}})

    def do_PUT(self) -> None:
        told = self._body()
        shop = self.server
        shop.switched.append(told["on"])
        if not shop.deaf and not (shop.stuck and shop.on):
            shop.on, shop.status = told["on"], told.get("status", 503)
        self._say(200, {})

    def do_GET(self) -> None:
        self._say(200, {"on": self.server.on, "refused": self.server.refused})

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")

    def _say(self, status: int, told: Any) -> None:
        data = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop that answers, and a folder with its target file, the page's injector and the page's specification."""
    with Shop() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        (tmp_path / "t.toml").write_text(
            f'name = "shop"\napi = "http://{place}"\n[facts]\nanswer_timeout_s = 1.0\n'
            f'[services.api]\nurl = "http://{place}"\naddress = "{place}"\n[components]\nCheckoutAPI = "api"\n'
            '[behaviors.CreateCheckoutSession]\nroute = "/open"\nkey_header = "Idempotency-Key"\n'
            'result_from = "json:session.id"\ncode_from = "json:error.code"\n'
        )
        (tmp_path / "experiments").mkdir()
        (tmp_path / "experiments" / "maintenance.py").write_text(INJECTOR)
        (tmp_path / "spec.isl").write_text(SPEC)
        for name, value in {
            "REPORTS": tmp_path / "reports",
            "TARGET": tmp_path / "t.toml",
            "NONINTERACTIVE": 1,
        }.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.chdir(tmp_path)
        yield server
        server.shutdown()


def start(*words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), *words]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def typed(*words: str, within_s: float = 120) -> tuple[int, str]:
    process = start(*words)
    out, _ = process.communicate(timeout=within_s)
    return process.returncode, out


def evidence(folder: Path) -> Path:
    (path,) = folder.glob("reports/*/journal.jsonl")
    return path.parent


def test_it_is_planned_run_and_judged_as_any_other_fault_is(shop: Shop, tmp_path: Path) -> None:
    code, out = typed("dsl.check", "spec.isl")
    assert (code, out) == (0, "spec.isl: 1 chaos block, 1 scenario\n")
    code, out = typed("chaos.plan", "spec.isl")
    assert code == 0 and "maintenance of api" in out and "maintenance is True" in out and shop.switched == [], out
    code, out = typed("chaos.run", "spec.isl", "--assume-link")
    assert code == 0 and "held" in out, out
    # Tried before the fault, made, taken back.
    assert shop.switched == [False, True, False] and shop.refused and not shop.on
    folder = evidence(tmp_path)
    found = json.loads((folder / "results" / "chaos.json").read_text())
    (injection,) = found["scenarios"][0]["injections"]
    assert injection["type"] == "maintenance" and injection["activated"] and injection["deactivated"]
    events = journal.read(folder / "journal.jsonl").of(EventName.READ)
    watched = {reading.value for event in events for reading in readings_of(event) if reading.probe == "refused_so_far"}
    assert watched >= {0, shop.refused}
    # What was recorded is data: nobody needs the class any more.
    (tmp_path / "experiments" / "maintenance.py").unlink()
    code, out = typed("report.judge")
    assert code == 0, out


def test_a_behavior_that_the_system_does_not_have_is_never_held(shop: Shop) -> None:
    shop.lacks = True
    code, out = typed("chaos.run", "spec.isl", "--assume-link")
    assert (code, shop.switched, shop.opened) == (30, [], {}), out
    assert "load_outcome was fail (404)" in out and "0 of 1 held" in out, out


@pytest.mark.slow
def test_what_does_not_bite_is_never_held(shop: Shop) -> None:
    shop.deaf = True
    code, out = typed("chaos.run", "spec.isl", "--assume-link")
    assert code == 30 and "maintenance is True" in out and shop.switched[-1] is False, out


@pytest.mark.slow
def test_what_is_not_taken_back_is_never_held_and_mended_once_it_can_be(shop: Shop) -> None:
    shop.stuck = True
    code, out = typed("chaos.run", "spec.isl", "--assume-link", within_s=300)
    assert code == 50 and "maintenance of api" in out and shop.on and shop.switched[-1] is False, (code, out)
    shop.stuck = False
    code, out = typed("chaos.heal")
    assert code == 0 and not shop.on, out


@pytest.mark.slow
@pytest.mark.parametrize("guarded", [True, False])
def test_it_is_undone_by_others_where_its_run_was_killed(shop: Shop, tmp_path: Path, guarded: bool) -> None:
    (tmp_path / "spec.isl").write_text(SPEC.replace("2s", "1m"))
    run = start("chaos.run", "spec.isl", "--assume-link")
    assert eventually(lambda: shop.on, 60)
    (tmp_path / "experiments" / "maintenance.py").unlink()
    if not guarded:
        run.send_signal(signal.SIGSTOP)
        for pid in guardians():
            os.kill(pid, signal.SIGKILL)
    run.kill()
    run.wait(timeout=10)
    if not guarded:
        done = subprocess.run(["sh", evidence(tmp_path) / "HEAL.sh"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert eventually(lambda: not shop.on, 30)
    assert eventually(lambda: not guardians(), 30)
    code, out = typed("chaos.heal")
    assert code == 0 and not shop.on, out
