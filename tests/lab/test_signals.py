"""Ctrl-C, SIGTERM and SIGHUP in every phase: restored first, evidence whole, an exit code that says which."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.lab.drills import ROOT, Drill, command, environment, ledger
from tests.lab.lab_driver import LabDriver, eventually

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
PHASES = ("baseline", "fault", "recovery", "settle")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


def redis_is_up(lab: LabDriver) -> bool:
    """Asked by a client that has nothing to do with us."""
    parts = urlsplit(str(lab.target["services"]["redis"]["dsn"]))
    try:
        # The library tries again by itself for seconds; here one refusal is the answer.
        once = Retry(NoBackoff(), 0)
        with redis.Redis(host=parts.hostname or "", port=parts.port or 0, socket_timeout=1, retry=once) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def in_phase(reports: Path, phase: str) -> bool:
    """Whether the journal itself says that this phase has begun, read without our code.

    Only the lines that may say so are parsed: the settling is over in half a second.
    """
    journals = list(reports.glob("*/journal.jsonl"))
    lines = journals[0].read_bytes().split(b"\n")[:-1] if journals else []
    events = [json.loads(line) for line in lines if b'"phase"' in line]
    return any(event["event"] == "phase" and event["phase"] == phase for event in events)


def interrupt(lab: LabDriver, reports: Path, phase: str, signum: signal.Signals) -> Drill:
    """Start the drill, send the signal as soon as its journal says that the phase has begun, wait for its end."""
    child = subprocess.Popen(
        command("chaos.leader-lock"),
        cwd=ROOT,
        env=environment(lab.state, reports),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Whoever runs these tests under nohup has said that a terminal may go away; the drill has not been told so.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509  (no threads here)
    )
    try:
        eventually(lambda: in_phase(reports, phase), 60)
        if phase == "fault":
            eventually(lambda: not redis_is_up(lab), 30)
        # A terminal's Ctrl-C goes to the whole group, a supervisor's SIGTERM to the one process.
        (os.killpg if signum == signal.SIGINT else os.kill)(child.pid, signum)
        output, _ = child.communicate(timeout=60)
    finally:
        child.kill()
        child.wait()
    return Drill(child.returncode, output, reports)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=lambda signum: signum.name)
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_restores_first_and_leaves_whole_evidence(
    lab: LabDriver, tmp_path: Path, phase: str, signum: signal.Signals
) -> None:
    done = interrupt(lab, tmp_path, phase, signum)
    assert redis_is_up(lab), done.output
    assert done.code == CODES[signum], done.output
    assert ledger(lab.state) == []
    assert done.record.damage == ""
    assert done.record.of("interrupted"), done.output
    assert done.judged().verdict == "inconclusive"
    assert done.log[-1] == "test_result,INCONCLUSIVE"
    eventually(lambda: lab.status("/ready") == 200, 30)


def test_a_terminal_that_goes_away_restores_first(lab: LabDriver, tmp_path: Path) -> None:
    done = interrupt(lab, tmp_path, "fault", signal.SIGHUP)
    assert redis_is_up(lab)
    assert done.code == 129
    assert ledger(lab.state) == []
