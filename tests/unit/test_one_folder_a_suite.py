"""A suite is one folder, and a lab another: they are put beside ours, and all of it is there without another edit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.environment import ROOT

SUITE = {
    "__init__.py": '"""The drills of a shop."""\n',
    "system.py": '''"""What is known of a shop."""
from blackstart.model import facts
from blackstart.model.system import Call, SafeState, System

SYSTEM = System(
    kind="corner-shop",
    collection="corner",
    order=("sell-out",),
    tables=("tills",),
    facts={"doors_s": facts.SECONDS},
    metrics_page="/figures",
    safe_state=SafeState(
        (Call("/close", "close the tills", {"by": "drill"}),), ("queue", 3), ("closed", True),
        lambda told: float(told["doors_s"]), "selling",
    ),
    gauges={"queue": "people at the till"},
)
''',
    "readings.py": '''"""The readings of a shop."""
from blackstart.probes.http import HttpJson
from blackstart.probes.metrics import Metric


def queue() -> Metric:
    return Metric("till_queue", path="/figures", name="queue")


def closed() -> HttpJson:
    return HttpJson("/state", "closed", name="closed")


def counting() -> HttpJson:
    return HttpJson("/state", "counting", name="counting")
''',
    "link.py": '''"""When a shop is not touched."""
from blackstart.model.expect import Condition
from blackstart.suites.corner_shop.readings import counting


def forbidding() -> tuple[Condition, ...]:
    return (counting().is_(True),)
''',
    "sell_out.py": '''"""Everybody comes at once."""
from blackstart.loads import OpenLoop, Operation, Stage
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment, Traffic
from blackstart.suites.corner_shop import readings as read

VARIANTS = ("rush",)


def experiment(target, flags, variant=""):
    return Experiment(
        name="sell-out",
        target="corner-shop",
        hypothesis="The queue is soon gone.",
        during=(eventually(read.queue().is_(0), within_s=target.routes["tills"]["patience_s"], name="queue_gone"),),
        traffic=Traffic(OpenLoop((Operation("look", f"{target.api}/figures"),), (Stage(20.0),))),
        watch=(read.closed(),),
        hold_min_s=0.0,
        settle_s=0.0,
    )
''',
}
SUITE["count_till.py"] = '''"""How many wait at the till; --close sends them home."""
SWITCHES = {"close": "close the shop"}
VALUES = {"since": "from when on"}


def command(session):
    session.log_row("since", session.options["since"])
    if session.options["close"]:
        session.ask_leave("till", "close the till")
    return 20
'''
LAB = {
    "__init__.py": "",
    "lab.py": """from blackstart_lab.model import Layout


class Shop:
    name = "corner-shop"
    summary = "a shop"

    def mutants(self):
        return {}

    def lay_out(self, workspace, options):
        return Layout((), {})


LAB = Shop()
""",
    "options.py": """from blackstart_lab.option import Option

OPTIONS = {"shelves": Option("how many shelves there are", int, 4)}
""",
}
TARGET = """name = "mine"
kind = "corner-shop"
api = "{api}"
[tills]
patience_s = 0.5
[facts]
doors_s = 0.3
"""


@pytest.fixture(scope="module")
def lib(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our packages, with the two folders beside the others."""
    lib = tmp_path_factory.mktemp("one") / "lib"
    shutil.copytree(ROOT / "lib", lib, ignore=shutil.ignore_patterns("__pycache__"))
    for folder, files in ((lib / "blackstart/suites/corner_shop", SUITE), (lib / "blackstart_lab/corner_shop", LAB)):
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    return lib


class Shop(ThreadingHTTPServer):
    """Somebody always waits at its till; it closes when told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.state = {"closed": False, "counting": False}
        self.posted: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self._answer(json.dumps(self.server.state) if self.path == "/state" else "till_queue 3\n")

    def do_POST(self) -> None:
        self.server.posted.append(self.path)
        self.server.state["closed"] = True
        self._answer("{}")

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def called(lib: Path, here: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The tasks as these packages have them."""
    program = "import sys; from blackstart.tasks import main; main(['blackstart', *sys.argv[1:]])"
    ours = {"PYTHONPATH": str(lib), "NONINTERACTIVE": "1", "BLACKSTART_STATE": str(here / "state")}
    env = {**os.environ, **ours, **environ}
    return subprocess.run(
        [sys.executable, "-c", program, *words], cwd=here, env=env, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


def test_its_tasks_are_listed_with_its_options_and_variants_and_its_labs(lib: Path, tmp_path: Path) -> None:
    listed = called(lib, tmp_path, "--list").stdout
    assert all(task in listed for task in ("corner.sell-out", "corner.suite", "corner.run")), listed
    assert "Everybody comes at once." in listed and "corner.readings" not in listed
    told = called(lib, tmp_path, "--help", "corner.sell-out").stdout
    assert "--rush" in told and "--noninteractive" in told
    assert "--shelves=STRING" in called(lib, tmp_path, "--help", "lab.up").stdout


def test_a_command_of_its_own_that_is_no_drill_is_a_task_with_its_options_code_and_log(
    lib: Path, tmp_path: Path, shop: Shop
) -> None:
    (tmp_path / "mine.toml").write_text(TARGET.format(api=shop.url))
    told = called(lib, tmp_path, "--help", "corner.count-till").stdout
    assert "--close" in told and "--since=STRING" in told and "close the shop" in told and "--k6" not in told
    done = called(lib, tmp_path, "corner.count-till", "--target", "mine.toml", "--since", "=noon")
    assert done.returncode == 20, done.stdout + done.stderr
    (log,) = (tmp_path / "reports" / "chaos").glob("corner_shop_count_till_*.log")
    assert log.read_text().splitlines()[1:] == ["target,mine", "since,'=noon", "exit_code,20"]
    assert "count-till" not in called(lib, tmp_path, "chaos.list").stdout


def test_a_command_of_its_own_touches_nothing_without_leave(lib: Path, tmp_path: Path, shop: Shop) -> None:
    text = TARGET.format(api=shop.url)
    (tmp_path / "mine.toml").write_text(f'{text}[services.till]\ndsn = "redis://192.0.2.7:6379/0"\n')
    for words, said in {
        (): 'till is at 192.0.2.7, not on this machine. If that is meant, allow it by name: allow = ["192.0.2.7"]',
        ("--allow", "192.0.2.7"): "no proof that till is the one that mine uses",
    }.items():
        done = called(lib, tmp_path, "corner.count-till", "--target", "mine.toml", "--close", *words)
        assert done.returncode == 40 and said in done.stderr, done.stdout + done.stderr
    unknown = called(lib, tmp_path, "corner.count-till", "--target", "mine.toml", "--since=")
    assert unknown.returncode == 40 and "--since='': is empty" in unknown.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("doors_s = 0.3", "doors_s = -1", '"doors_s" in [facts] must be a number of seconds above 0'),
        ("[tills]", "[till]", 'unknown key "till". Did you mean "tills"?'),
    ],
)
def test_a_mistake_in_its_facts_and_tables_is_refused_by_name(
    lib: Path, tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    (tmp_path / "mine.toml").write_text(TARGET.format(api="http://127.0.0.1:9").replace(right, wrong))
    done = called(lib, tmp_path, "corner.sell-out", "--target", "mine.toml")
    assert done.returncode == 40 and said in done.stderr, done.stdout + done.stderr


def test_a_system_in_a_state_that_its_suite_forbids_is_not_touched(lib: Path, tmp_path: Path, shop: Shop) -> None:
    shop.state["counting"] = True
    (tmp_path / "mine.toml").write_text(TARGET.format(api=shop.url))
    done = called(lib, tmp_path, "corner.sell-out", "--target", "mine.toml")
    assert done.returncode == 40 and "mine: counting is True" in done.stderr, done.stdout + done.stderr


def test_a_drill_of_it_ends_in_its_own_safe_state_and_is_told_in_its_own_words(
    lib: Path, tmp_path: Path, shop: Shop
) -> None:
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "mine.toml").write_text(TARGET.format(api=shop.url))
    done = called(lib, tmp_path, "corner.run", "--scenario", "sell-out", PAUSE_ON_FAIL="1")
    assert done.returncode == 20, done.stdout + done.stderr
    assert shop.posted == ["/close"] and "PAUSE_ON_FAIL: selling is paused and stayed paused" in done.stdout
    assert "run again: " in done.stdout and "corner.sell-out" in done.stdout
    (run,) = (path for path in (tmp_path / "reports" / "chaos").iterdir() if (path / "journal.jsonl").exists())
    assert "people at the till" in (run / "report.html").read_text(encoding="utf-8")
    assert (run / "metrics" / "fault.prom").read_text(encoding="utf-8") == "till_queue 3\n"
