"""A lease: how long a toxic may stay without its owner asking again, or outlive the process that owns it."""

from dataclasses import dataclass
from typing import Any

from blackstart.base import clock
from blackstart.proxy.errors import bad_body
from blackstart.safety.processes import identity


@dataclass(frozen=True)
class Lease:
    """Over as soon as the process `pid` with start mark `started` is gone, or `expires_at_s` (BOOTTIME) has come."""

    pid: int | None
    started: str | None
    seconds: float | None
    expires_at_s: float | None

    def ended(self) -> str | None:
        """Why the lease is over, None while it holds. Raises OSError where its owner can't be looked at."""
        if self.expires_at_s is not None and clock.now_s() >= self.expires_at_s:
            return f"it was not renewed within {self.seconds:g} s"
        if self.pid is not None and identity.started(self.pid) != self.started:
            return f"its owner, pid {self.pid}, is gone"
        return None

    def to_json(self) -> dict[str, Any]:
        """As the API shows it; `remaining_s` is how long it lasts without renewal."""
        shown: dict[str, Any] = {}
        if self.pid is not None:
            shown |= {"pid": self.pid, "started": self.started}
        if self.expires_at_s is not None:
            shown |= {"seconds": self.seconds, "remaining_s": round(max(0.0, self.expires_at_s - clock.now_s()), 3)}
        return shown


def read_lease(body: object, before: Lease | None = None) -> Lease | None:
    """A lease from `{"pid", "started", "seconds"}`, beginning now; None from null. ApiError 400 says what is wrong.

    `started` is the kernel's start mark of the process (`safety.processes.identity`); without it, the process that has
    the pid now is the owner. A pid means a process of the machine that the proxy runs on. What a renewal does not
    mention stays as it was `before`.
    """
    if body is None:
        return None
    if not isinstance(body, dict) or body.keys() - {"pid", "started", "seconds", "remaining_s"}:
        raise bad_body(f"lease must be an object of pid, started and seconds, not {body!r}")
    if before is not None and body.get("pid", before.pid) == before.pid:
        body = {"pid": before.pid, "started": before.started, "seconds": before.seconds, **body}
    given: dict[str, Any] = body
    pid, started, seconds = given.get("pid"), given.get("started"), given.get("seconds")
    if pid is None and seconds is None:
        raise bad_body("a lease needs a pid or seconds")
    if pid is not None:
        started = _owner(pid, started)
    elif started is not None:
        raise bad_body("lease.started is the start of the process lease.pid, which is missing")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
        raise bad_body(f"lease.seconds must be a number, not {seconds!r}")
    if seconds is not None and not 0 < seconds <= 10**9:
        raise bad_body(f"lease.seconds must be more than 0 and at most 10^9, not {seconds!r}")
    return Lease(pid, started, seconds, None if seconds is None else clock.now_s() + seconds)


def _owner(pid: object, mark: object) -> str:
    if isinstance(pid, bool) or not isinstance(pid, int) or not 0 < pid < 2**31:
        raise bad_body(f"lease.pid must be a process id, not {pid!r}")
    if mark is not None and not isinstance(mark, str):
        raise bad_body(f"lease.started must be a string, not {mark!r}")
    now = identity.started(pid)
    if now is None:
        raise bad_body(f"lease.pid {pid} does not run on the proxy's machine; from elsewhere, lease by seconds")
    if mark not in (None, now):
        raise bad_body(f"lease.pid {pid} is another process now: it started at {now}, not at {mark}")
    return now
