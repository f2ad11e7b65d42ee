"""Hand-written runs for the tests of reports and evidence: a small trader, told reading by reading to a real journal.

Nothing is executed. `Drill` is the world that the readings come from; its fields are what goes wrong.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from blackstart.base import clock
from blackstart.base.codec import to_data
from blackstart.evidence import history, journal
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.evidence.journal import Journal, Record
from blackstart.faults.stop import Stop
from blackstart.model.change import Change
from blackstart.model.expect import always, eventually, never
from blackstart.model.experiment import Experiment, LogRow
from blackstart.model.reading import Reading
from blackstart.model.step import Command
from blackstart.probes.http import HttpJson, HttpStatus
from blackstart.probes.tcp import Tcp
from blackstart.verdict import from_folder
from blackstart.verdict.judge import Judgement

TICK_S = 0.05
T0_S = 1000.0
Seen = tuple[str, Any] | tuple[str, Any, str]

ready = HttpStatus("http://127.0.0.1:8000/ready", "ready")
health = HttpJson("http://127.0.0.1:8000/health", "status", "health")
leader = HttpJson("http://127.0.0.1:8000/state", "leader", "leader")
heartbeat = HttpJson("http://127.0.0.1:8000/state", "scan_age_s", "scan_heartbeat")
port = Tcp(address="127.0.0.1:6379", name="redis_port")

EXPERIMENT = Experiment(
    name="leader-lock",
    target="trader",
    hypothesis="Without Redis the leader steps down & pauses, stays healthy, and takes over again by itself.",
    baseline=(eventually(leader.is_(1), name="leader_before"), eventually(ready.is_(200), name="ready_before")),
    faults=(Stop("redis"),),
    during=(
        eventually(ready.is_(503), within_s=3, name="ready_503", hint="Does /ready follow the leader gauge?"),
        eventually(leader.is_(0), within_s=3, name="leader_0", hint="Check if Redis actually stopped."),
    ),
    recovery=(
        eventually(ready.is_(200), within_s=4, name="ready_200_again", hint="Raise WAIT_READY_TIMEOUT."),
        eventually(leader.is_(1), within_s=4, name="leader_1_again", hint="Check orchestrator logs."),
        eventually(heartbeat.below(5), within_s=4, name="heartbeat_fresh"),
    ),
    always=(always(health.is_("healthy"), name="health_healthy"), never(leader.above(1), name="one_leader")),
    log_rows=(LogRow("leader_before", "leader", "before"), LogRow("leader_after_stop", "leader", "fault")),
)
CHANGE = Change(
    what="stop redis",
    service="redis",
    do=(Command(("supervisorctl", "stop", "redis")),),
    undo=(Command(("supervisorctl", "start", "redis")),),
    bites=(port.silent(),),
    gone=(port.is_("open"),),
    undo_is_noop=True,
)


@dataclass
class Drill:
    """One run, as the world behaves. All times are seconds from the run's first phase."""

    run: str = "leader_lock_2026-11-20T14-30-00"
    began: str = "2026-11-20T14:30:00.000Z"
    stopped_s: float = 1.1
    notices_after_s: float = 1.2
    undone_s: float = 4.1
    returns_after_s: float = 1.5
    end_s: float = 7.0
    bites: bool = True
    gone_ok: bool = True
    health: Callable[[float], Seen] = lambda at_s: ("value", "healthy")
    leads_again: bool = True
    stop_at: str = ""
    extra: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    load: bool = False
    experiment: Experiment = EXPERIMENT
    target: dict[str, Any] = field(default_factory=dict)
    flags: dict[str, Any] = field(default_factory=dict)
    again: str = ""

    def seen(self, at_s: float) -> dict[str, Seen]:
        """What every probe would read at that time."""
        down = self.bites and self.stopped_s <= at_s < self.undone_s
        following = self.stopped_s + self.notices_after_s <= at_s < self.undone_s + self.returns_after_s
        led = not (following and self.bites) and not (at_s > self.undone_s and not self.leads_again)
        return {
            "ready": ("value", 200 if led else 503),
            "health": self.health(at_s),
            "leader": ("value", 1 if led else 0),
            "scan_heartbeat": ("value", round(0.2 + (at_s * 7 % 10) / 10, 2)),
            "redis_port": ("unreachable", None, "connection refused") if down else ("value", "open"),
        }


class Teller:
    """Writes a drill into a journal, with a clock of its own."""

    def __init__(self, drill: Drill, path: Path) -> None:
        self.drill, self.path = drill, path
        self.at_s = 0.0
        path.mkdir(parents=True)

    def tell(self) -> None:
        """The whole journal, up to where the drill stops."""
        with patch.object(clock, "now_s", lambda: T0_S + self.at_s):
            self.journal = Journal(self.path / "journal.jsonl")
            with contextlib.suppress(StopIteration):
                self._phases()
            self.journal.close()

    def _phases(self) -> None:
        drill, note = self.drill, self.journal.write
        target = {"name": "trader", "kind": "trader", "api": "http://127.0.0.1:8000", "why": "the lab that runs"}
        target |= {"lab": True, "mutant": "", "facts": {}, "max_rate_hz": 50.0} | drill.target
        note("run", run=drill.run, version="0.1.0", began=drill.began, experiment=to_data(drill.experiment),
             target=target, flags=drill.flags, **({"again": drill.again} if drill.again else {}))  # fmt: skip
        note("plan", changes=[to_data(CHANGE)])
        self._phase("baseline")
        self._sample(1.0)
        note("linked", service="redis")
        self._phase("fault")
        note("do", change=f"{drill.run}#0", what="stop redis")
        self._sample(1.05)
        note("step", step="supervisorctl stop redis", code=0, took_s=0.05)
        note("did", change=f"{drill.run}#0", what="stop redis")
        self._sample(drill.undone_s - 0.1)
        self._phase("recovery")
        note("undo", change=f"{drill.run}#0", what="stop redis")
        self._sample(drill.undone_s + 0.05)
        note("undone", change=f"{drill.run}#0", what="stop redis", ok=drill.gone_ok, took_s=0.15)
        self._sample(drill.end_s - 0.5)
        self._phase("settle")
        self._sample(drill.end_s)
        note("gone", change=f"{drill.run}#0", what="stop redis", ok=drill.gone_ok)
        self._phase("end")

    def _phase(self, name: str) -> None:
        if name in ("end", self.drill.stop_at):
            for event, fields in self.drill.extra:
                self.journal.write(event, **fields)
        if name == self.drill.stop_at:
            raise StopIteration
        utc = f"2026-11-20T14:30:{self.at_s + 0.25:06.3f}Z"
        self.journal.write("phase", phase=name, began=round(T0_S + self.at_s, 6), utc=utc)

    def _sample(self, until_s: float) -> None:
        while self.at_s < until_s - 1e-9:
            seen = self.drill.seen(self.at_s)
            for endpoint, probes in ENDPOINTS.items():
                self._read(endpoint, [(probe, seen[probe]) for probe in probes])
            self.at_s = round(self.at_s + TICK_S, 6)

    def _read(self, endpoint: str, picked: list[tuple[str, Seen]]) -> None:
        sent_s = T0_S + self.at_s
        readings = [
            Reading(probe, seen[0], sent_s, sent_s + 0.004, seen[1], seen[2] if len(seen) > 2 else "")  # type: ignore[arg-type]
            for probe, seen in picked
        ]
        self.journal.readings(endpoint, readings, TICK_S)


ENDPOINTS = {
    "GET http://127.0.0.1:8000/ready": ("ready",),
    "GET http://127.0.0.1:8000/health": ("health",),
    "GET http://127.0.0.1:8000/state": ("leader", "scan_heartbeat"),
    "TCP 127.0.0.1:6379": ("redis_port",),
}


def told(drill: Drill, reports: Path, *, verdict: bool = True) -> Path:
    """The evidence folder of the drill, with its journal, its CSV log and, where there was load, its history."""
    path = reports / drill.run
    Teller(drill, path).tell()
    if drill.load:
        _history(path / "history.csv")
    (path / "HEAL.sh").write_text("#!/bin/sh\nsupervisorctl start redis\n", encoding="utf-8")
    path.with_name(f"{drill.run}.log").write_text("leader_lock_chaos_test,...\n", encoding="utf-8")
    if verdict and not drill.stop_at:
        _verdict(path)
    return path


def _verdict(path: Path) -> None:
    """The engine's last line, appended with the chain kept."""
    judgement = from_folder.judge_folder(path)
    data = (path / "journal.jsonl").read_bytes()
    tail = journal._digest(data.rstrip(b"\n").rsplit(b"\n", 1)[-1])
    number = data.count(b"\n")
    line = journal.json.dumps(
        {"n": number, "at": T0_S + 8, "event": "verdict", "verdict": judgement.verdict,
         "reasons": list(judgement.reasons), "prev": tail}, separators=(",", ":"), ensure_ascii=False,
    )  # fmt: skip
    (path / "journal.jsonl").write_bytes(data + line.encode() + b"\n")


def judged(path: Path) -> tuple[Record, Judgement]:
    """Record and judgement of a told drill."""
    return journal.read(path / "journal.jsonl"), from_folder.judge_folder(path)


def _history(path: Path) -> None:
    with contextlib.closing(HistoryWriter(path)) as writer:
        for row in _rows():
            writer.append(row)


def _rows() -> Iterator[history.Row]:
    for number in range(120):
        due_s = T0_S + number * 0.05
        broken = T0_S + 1.1 <= due_s < T0_S + 4.1
        outcome: history.Outcome = ("info" if number % 3 else "fail") if broken else "ok"
        took_s = 1.0 if outcome == "info" else 0.012 + (number % 7) / 1000
        status = {"ok": 200, "fail": 503, "info": None}[outcome]
        yield history.Row("POST /orders", f"o-{number}", 1, due_s, due_s + 0.001, due_s + took_s, outcome, status)
