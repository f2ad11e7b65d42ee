"""Answers that nobody should send, in the middle of a drill: the verdict of the precedence, in time, in small memory.

What is expected here follows from DESIGN's table of readings: what is absent, or beyond what we read, is not observed
(inconclusive); what is malformed or late is "not yet" for `eventually`, and so a miss at its deadline, and a violation
of `always`.
"""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.lab import hostile_api
from tests.lab.drills import ROOT, Drill, command, environment, ledger
from tests.lab.hostile_api import HostileApi, Trouble
from tests.lab.lab_driver import LabDriver, eventually
from tests.selected import slow_but

MEMORY_KB = 150_000
RECOVERY_S = 8.0
# Baseline 15, fault 2 to notice and 5 for a reader that hangs, hold 4, recovery limit and 10 more, two last readings
# at 10 each: what the engine's own limits come to at the worst.
LONGEST_S = 58.0

INTRUDER = 'trader_is_leader{instance_id="intruder"} 1.0'
SECOND_BEAT = 'trader_scan_heartbeat_seconds{instance_id="intruder"} 0.1'


@dataclass(frozen=True)
class Case:
    """What goes wrong at which path, and what has to come of it: the verdict, what breaks, what may break besides, what
    is not known."""

    path: str
    trouble: Trouble | None  # None: drips
    verdict: str
    broke: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    may_break: frozenset[str] = frozenset()


BEATS = frozenset({"scan_heartbeat_fresh", "order_heartbeat_fresh", "marketdata_heartbeat_fresh"})
METRICS = BEATS | {"leader_0", "leader_1_again", "no_crash", "same_instance", "one_leader"}
CASES = {
    "the leader series is absent": Case(
        "/metrics",
        hostile_api.without_series("trader_is_leader"),
        "inconclusive",
        unknown=frozenset({"leader_0", "leader_1_again", "same_instance", "one_leader"}),
    ),
    "the counter of a check is absent": Case(
        "/metrics",
        hostile_api.without_series("trader_kill_switch_total"),
        "inconclusive",
        unknown=frozenset({"backoff_grows"}),
    ),
    "a second leader's label set": Case(
        # The sum is never 0 and at last 2, and which of two leaders' ids is meant can't be read.
        "/metrics",
        hostile_api.with_line(INTRUDER),
        "broke",
        frozenset({"leader_0", "leader_1_again", "one_leader", "same_instance", "ready_means_leader"}),
        # The intruder leads while nobody has the lock, for about as long as a leader has to notice that.
        may_break=frozenset({"leader_means_lock"}),
    ),
    "a heartbeat with two label sets": Case(
        "/metrics", hostile_api.with_line(SECOND_BEAT), "inconclusive", unknown=frozenset({"scan_heartbeat_fresh"})
    ),
    "broken JSON under 200 at /state": Case(
        "/state", hostile_api.broken_json, "broke", frozenset({"paused", "resumed"})
    ),
    "broken JSON under 200 at /health": Case(
        "/health", hostile_api.broken_json, "broke", frozenset({"health_healthy"})
    ),
    "2 GB of metrics": Case(
        "/metrics", hostile_api.two_gigabytes, "inconclusive", unknown=METRICS
    ),
    "metrics without end": Case("/metrics", hostile_api.endless, "inconclusive", unknown=METRICS),
    "a state without end": Case(
        "/state", hostile_api.endless, "inconclusive", unknown=frozenset({"paused", "resumed"})
    ),
    "a state of one byte a second": Case("/state", None, "broke", frozenset({"paused", "resumed"})),
    "health of one byte a second": Case("/health", None, "broke", frozenset({"health_healthy"})),
}  # fmt: skip

# From the start on: what can't be asked whether it may be touched, or has no baseline, is not touched.
REFUSED = {
    "broken JSON at /state": ("/state", hostile_api.broken_json, "mode is malformed"),
    "a state without end": ("/state", hostile_api.endless, "mode is unreadable"),
    "a state of one byte a second": ("/state", None, "mode is timed"),
    "the leader series is absent": ("/metrics", hostile_api.without_series("trader_is_leader"), "leader was absent"),
    "a second leader's label set": ("/metrics", hostile_api.with_line(INTRUDER), "leader was 2"),
    "2 GB of metrics": ("/metrics", hostile_api.two_gigabytes, "leader was unreadable"),
}


@pytest.fixture
def api(lab: LabDriver) -> Iterator[HostileApi]:
    with HostileApi(str(lab.target["api"])).running() as hostile:
        yield hostile


def run_id(lab: LabDriver) -> str:
    """Which Redis answers, asked by a client that has nothing to do with us; "" where none does."""
    port = int(str(lab.target["services"]["redis"]["address"]).rpartition(":")[2])
    try:
        with redis.Redis(
            host="127.0.0.1", port=port, socket_timeout=2, retry=Retry(NoBackoff(), 0), decode_responses=True
        ) as client:
            return str(client.info("server")["run_id"])
    except redis.RedisError:
        return ""


def peak_kb(pid: int) -> int:
    """The most memory that the process has had in use so far, all its threads included; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


@dataclass
class Ran:
    drill: Drill
    took_s: float
    peak_kb: int


def run(lab: LabDriver, api: HostileApi, folder: Path) -> Ran:
    """The drill through the man in the middle; the answers are spoiled as soon as the journal says: fault."""
    target = folder / "trader.toml"
    target.write_text((lab.folder / "target.toml").read_text().replace(str(lab.target["api"]), api.url))
    reports, began_s, peak = folder / "reports", time.monotonic(), 0
    with (folder / "output").open("w+") as output:
        child = subprocess.Popen(
            command("chaos.leader-lock"),
            cwd=ROOT,
            env=environment(lab.state, reports, TARGET=str(target), WAIT_READY_TIMEOUT=str(RECOVERY_S)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while child.poll() is None and time.monotonic() - began_s < 2 * LONGEST_S:
                peak = max(peak, peak_kb(child.pid))
                if not api.began.is_set() and in_fault(reports):
                    api.begin()
                time.sleep(0.01)
            took_s = time.monotonic() - began_s
        finally:
            child.kill()
            child.wait()
        output.seek(0)
        return Ran(Drill(child.returncode, output.read(), reports), took_s, peak)


def in_fault(reports: Path) -> bool:
    return any(b'"phase":"fault"' in file.read_bytes().replace(b" ", b"") for file in reports.glob("*/journal.jsonl"))


CODES = {"broke": 20, "inconclusive": 30}


@pytest.mark.parametrize(
    "name",
    slow_but(
        CASES,
        "a second leader's label set",
        "metrics without end",
        "health of one byte a second",
    ),
)
def test_a_hostile_answer_gets_the_verdict_of_the_precedence(
    lab: LabDriver, api: HostileApi, tmp_path: Path, name: str
) -> None:
    case = CASES[name]
    api.troubles = {case.path: case.trouble or hostile_api.dripping(api.ended)}
    before = run_id(lab)
    ran = run(lab, api, tmp_path)
    done = ran.drill
    assert api.spoiled, done.output
    assert done.code == CODES[case.verdict], done.output
    status = {finding.name: finding.status for finding in done.judged().findings}
    broke = {found for found, word in status.items() if word == "broke"} - case.may_break
    # Beside other work on the machine, what is lost again for a moment accuses nobody.
    crowded = {one.name for one in done.judged().findings if "threads for each processor" in one.message}
    assert broke <= case.broke and case.broke - broke <= crowded, done.output
    assert case.unknown <= {found for found, word in status.items() if word == "inconclusive"}, done.output
    assert "Traceback" not in done.output
    assert ran.took_s < LONGEST_S, done.output
    assert 0 < ran.peak_kb < MEMORY_KB
    # The fault was real, and it is undone.
    assert run_id(lab) not in ("", before)
    assert ledger(lab.state) == []
    eventually(lambda: lab.status("/ready") == 200, 30)


@pytest.mark.parametrize("name", slow_but(REFUSED, "the leader series is absent"))
def test_a_target_that_is_hostile_from_the_start_is_not_touched(
    lab: LabDriver, api: HostileApi, tmp_path: Path, name: str
) -> None:
    path, trouble, told = REFUSED[name]
    api.troubles = {path: trouble or hostile_api.dripping(api.ended)}
    api.begin()
    before = run_id(lab)
    ran = run(lab, api, tmp_path)
    assert ran.drill.code == 40, ran.drill.output
    last = ran.drill.output.strip().splitlines()[-1]
    assert last.startswith("Not started: ")
    assert told in last
    assert ran.took_s < LONGEST_S
    assert 0 < ran.peak_kb < MEMORY_KB
    assert run_id(lab) == before
    assert ledger(lab.state) == []
