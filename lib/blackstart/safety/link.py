"""Proofs that a service is the target's own (`blackstart.link.Proof`), and whether the target may be touched at all."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import psutil

from blackstart.codec import plain
from blackstart.errors import Refused
from blackstart.expect import Condition
from blackstart.model import Probe, Reading
from blackstart.plan import Plan
from blackstart.probes.control_state import ControlState
from blackstart.reading import read_once
from blackstart.safety import guard_rails


@plain("link.same_value")
class SameValue:
    """Two probes read the same: the lock key in that Redis holds the instance id that the target's metrics show."""

    service: str
    in_service: Probe
    in_target: Probe

    def bind(self, target: Any) -> SameValue:
        """With absolute addresses."""
        return SameValue(self.service, self.in_service.bind(target), self.in_target.bind(target))

    def missing(self) -> str:
        """Compares the two, read one after the other."""
        left, right = read_once(self.in_service, 2.0), read_once(self.in_target, 2.0)
        if left.kind == right.kind == "value" and left.value == right.value and left.value not in (None, ""):
            return ""  # two times nothing is no proof
        return f"{_told(left)}, but {_told(right)}"


@plain("link.seen_in")
class SeenIn:
    """A reading of the service shows the target: its connections stand in CLIENT LIST or pg_stat_activity."""

    service: str
    condition: Condition

    def bind(self, target: Any) -> SeenIn:
        """With absolute addresses."""
        return SeenIn(
            self.service, Condition(self.condition.probe.bind(target), self.condition.op, self.condition.wanted)
        )

    def missing(self) -> str:
        """Reads once."""
        reading = read_once(self.condition.probe, 2.0)
        return "" if self.condition.matches(reading) else f"{_told(reading)} (wanted: {self.condition})"


@plain("link.listens")
class Listens:
    """The process that the service's control shows is the one that listens at the service's own url."""

    service: str
    port: int = 0
    process: Probe | None = None

    def bind(self, target: Any) -> Listens:
        """With the port of the url and the process that the control shows."""
        port = urlsplit(target.service(self.service).url).port or 80
        return Listens(self.service, port, ControlState(self.service, field="process").bind(target))

    def missing(self) -> str:
        """Looks at the sockets of the process and its children."""
        if self.process is None:
            return "not bound to a target"
        seen = read_once(self.process, 5.0)
        if seen.kind != "value":
            return _told(seen)
        pid = str(seen.value).partition(":")[0]
        if not pid.isdigit():
            return f"the control of {self.service} knows no process (it is {seen.value})"
        try:
            root = psutil.Process(int(pid))
            family = [root, *root.children(recursive=True)]
            ports = {c.laddr.port for p in family for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
        except psutil.Error as error:
            return f"the sockets of {self.service} can't be seen: {error}"
        return "" if self.port in ports else f"{self.service} (pid {root.pid}) does not listen at port {self.port}"


def _told(reading: Reading) -> str:
    return (
        f"{reading.probe} is {reading.value}"
        if reading.kind == "value"
        else f"{reading.probe} is {reading.kind}: {reading.note}"
    )


def refuse_unfit(plan: Plan) -> None:
    """Refuse what is touched without leave, and a target that says of itself that it must not be (a LIVE mode)."""
    guard_rails.refuse(plan, os.environ.get("SSH_CONNECTION", ""))
    refuse_forbidden(plan)


def refuse_forbidden(plan: Plan) -> None:
    """Refuse a target that says of itself that it must not be touched, or that does not say."""
    for condition in plan.experiment.refuse_if:
        reading = read_once(condition.probe, 2.0)
        word = str(condition.wanted).lower()
        allowed = word in [item.lower() for item in plan.target.allow]
        if reading.kind not in ("value", "absent") and not allowed:
            raise Refused(
                f"{plan.target.name} ({plan.target.api}) can't be asked whether it may be touched: {_told(reading)}. "
                "See that it is up and answers, or name the right one with --target or --api."
            )
        if condition.matches(reading) and not allowed:
            raise Refused(
                f"{plan.target.name}: {condition}. If that is meant, allow it by name in the target file: "
                f'allow = ["{word}"]'
            )
