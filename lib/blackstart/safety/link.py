"""Proof that the services about to be touched are the target's own, and that the target may be touched at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import psutil
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from blackstart.codec import plain
from blackstart.errors import Refused
from blackstart.expect import Condition
from blackstart.model import Probe, Reading
from blackstart.probes.control_state import ControlState
from blackstart.reading import read_once
from blackstart.safety import guard_rails

if TYPE_CHECKING:
    from blackstart.console import Console
    from blackstart.flags import Flags
    from blackstart.observer import Observer
    from blackstart.planning import Plan

_WITHIN_S = 5.0


class Proof(Protocol):
    """One way to prove that a service is the target's own, as plain data."""

    @property
    def service(self) -> str:
        """The service that it is about."""
        ...

    def bind(self, target: Any) -> Proof:
        """With absolute addresses."""
        ...

    def missing(self) -> str:
        """Empty where the link is proved now, else what was seen instead."""
        ...


@plain
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


@plain
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


@plain
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
    _refuse_forbidden(plan)


def _refuse_forbidden(plan: Plan) -> None:
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


def prove(plan: Plan, flags: Flags, observer: Observer, console: Console) -> None:
    """Prove the link of every service that will be touched. Raises Refused where there is no proof and no consent, and
    where the target has come into a state meanwhile in which it must not be touched: the baseline takes its time, and
    an operator may think for minutes."""
    for service in plan.services:
        proofs = [proof.bind(plan.target) for proof in plan.experiment.link if proof.service == service]
        missing = _first_proved(proofs) if proofs else "this experiment knows no way to prove it"
        if not missing:
            observer.note("linked", service=service)
            continue
        if flags.assume_link:
            observer.note("link assumed", service=service, missing=missing)
            console.say(f"ASSUMED, not proved, that {service} is {plan.target.name}'s own: {missing}")
            continue
        question = f"No proof that {service} belongs to {plan.target.name} ({missing}). Touch it all the same?"
        if console.interactive and console.ask(question):
            observer.note("link confirmed by the operator", service=service, missing=missing)
            continue
        raise Refused(
            f"no proof that {service} is the one that {plan.target.name} uses: {missing}. "
            "Check the addresses, or say --assume-link."
        )
    _refuse_forbidden(plan)


def _first_proved(proofs: list[Proof]) -> str:
    """Empty as soon as one way proves it; a value may be just changing, so each gets a few tries."""

    def attempt() -> str:
        told = []
        for proof in proofs:  # one is enough: some look at every socket of the machine
            told.append(proof.missing())
            if not told[-1]:
                return ""
        return "; ".join(told)

    retrying = Retrying(
        stop=stop_after_delay(_WITHIN_S),
        wait=wait_fixed(0.2),
        retry=retry_if_result(bool),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else "nothing was read",
    )
    return str(retrying(attempt))
