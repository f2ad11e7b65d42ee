"""From the freeze to the catalog, as a team types it: a site of its own, refused, drilled, learned from, not due."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.drills import BIN
from tests.services import connects, eventually, free_port

EXPERIMENT = '''"""The site goes away, and is there again."""

from blackstart.faults.stop import Stop
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.probes.http import HttpStatus

front = HttpStatus("/", "front")
experiment = Experiment(
    name="site-stop",
    target="site",
    hypothesis="A site that is started again answers.",
    baseline=(eventually(front.is_(200), name="before"),),
    faults=(Stop("web"),),
    during=(eventually(front.unreachable(), within_s=20, name="away"),),
    recovery=(eventually(front.is_(200), within_s=30, name="back"),),
    hold_min_s=0.5,
    settle_s=0.5,
)
'''
SCHEDULE = """begins = 2026-01-05
[[drill]]
experiment = "experiments/site_stop.py"
week = 1
target = "targets/site.toml"
"""
Typed = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[Typed]:
    """Types a command in a folder with a target, an experiment and a calendar; the site is up."""
    port = free_port()
    start = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    again = ["sh", "-c", f"echo $$ >{tmp_path}/pid; exec {' '.join(start)}"]
    texts = {
        "experiments/site_stop.py": EXPERIMENT,
        "targets/site.toml": f'name = "site"\nkind = "site"\napi = "http://127.0.0.1:{port}"\n'
        f'[services.web]\naddress = "127.0.0.1:{port}"\n'
        f'control = {{ process = "{" ".join(start)}", start = {again}, cwd = "{tmp_path}", log = "{tmp_path}/log" }}\n',
        "schedule.toml": SCHEDULE,
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    env = {**os.environ, "NONINTERACTIVE": "1", "ASSUME_LINK": "1", "TARGET": "targets/site.toml"}

    def type_(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "blackstart"), *words], cwd=tmp_path, env={**env, **more}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    with subprocess.Popen(start, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as site:
        assert eventually(lambda: connects(port))
        try:
            yield type_
        finally:
            site.kill()
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # what the drill has started again
                os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_a_drill_is_refused_while_frozen_and_is_learned_from_afterwards(tmp_path: Path, typed: Typed) -> None:
    reports = tmp_path / "reports" / "chaos"
    assert typed("chaos.freeze", "--reason", "the exchange opens").returncode == 0
    frozen = typed("chaos.due", "--run")
    assert frozen.returncode == 40, frozen.stdout + frozen.stderr
    assert "set by" in frozen.stderr and "the exchange opens" in frozen.stderr and not reports.exists()
    assert typed("chaos.heal").returncode == 0  # mending is never frozen
    assert typed("chaos.thaw").returncode == 0

    done = typed("chaos.due", "--run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing is due" in typed("chaos.due", "--run").stdout
    (run,) = reports.glob("site_stop_*/")

    noted = typed("report.note", run.name, "--learning", "it takes a while", "--improvement", "start two", "--by=anna")
    assert noted.returncode == 0, noted.stderr
    assert typed("report.verify").returncode == 0
    shown = typed("report.show").stdout
    assert "no surprise: everything that was expected was seen" in shown and "learning, anna: it takes a while" in shown
    assert typed("report.catalog").returncode == 0
    text = (reports / "catalog.md").read_text()
    assert re.search(r"\*\*How to trigger it\*\*: `\S+ chaos\.run", text)
    assert ": stop web, hold it for 0.5 s or more; undo it" in text
    assert "**Prevention**: start two (anna, 20" in text and "**Learned**: it takes a while (anna, 20" in text
    assert "<h1>Failure catalog</h1>" in (reports / "catalog.html").read_text()
