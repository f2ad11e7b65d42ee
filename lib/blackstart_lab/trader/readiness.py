"""`/ready`: the leader with three fresh heartbeats is ready. Neither Redis nor PostgreSQL is asked."""

from typing import Any

from blackstart_lab.event_log import EventLog
from blackstart_lab.trader.config import HEARTBEAT_MAX_S
from blackstart_lab.trader.desk import Desk
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.lock import LeaderLock


class Readiness:
    """Answers in the newer build's flat form, or in the older one with a Python repr inside a string."""

    def __init__(self, lock: LeaderLock, heart: Heart, desk: Desk, events: EventLog, older_build: bool) -> None:
        self.lock = lock
        self.heart = heart
        self.desk = desk
        self.events = events
        self.older_build = older_build
        self._last: bool | None = None

    def is_ready(self) -> bool:
        return self.lock.certain() and max(self.heart.shown_s.values()) < HEARTBEAT_MAX_S

    def note(self) -> bool:
        """The present state, recorded in the event log when it has changed."""
        ready = self.is_ready()
        if ready != self._last:
            self.events.write("ready", ok=ready)
        self._last = ready
        return ready

    def answer(self) -> tuple[int, dict[str, Any]]:
        """HTTP status and body."""
        ready = self.note()
        leader = int(self.lock.leading)
        beats = {f"{name}_heartbeat": round(age_s, 3) for name, age_s in self.heart.shown_s.items()}
        flat = {"mode": self.desk.mode, "leader": leader, **beats}
        if self.older_build:
            if ready:
                return 200, {"status": "ready", "leader": float(leader), **beats}
            inner = {"status": "not_ready", "leader": float(leader), **beats}
            return 503, {"detail": f"Readiness check error: 503: {inner!r}"}
        if ready:
            return 200, {"ok": True, "ready": True, "status": "ready", **flat}
        return 503, {"ok": False, "ready": False, "status": "not_ready", **flat, "heartbeat_max": HEARTBEAT_MAX_S}
