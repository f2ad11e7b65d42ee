"""Faults: one file, one way to break one thing. A fault turns a target into changes and does nothing itself.

Here is what the faults of a service share: the service with its control, checked to be in the state that the fault
starts from, and what an outsider sees of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from blackstart import controls
from blackstart.controls.docker import Docker
from blackstart.controls.systemd import Systemd
from blackstart.errors import BadTarget, Refused, StepFailed
from blackstart.expect import Condition
from blackstart.model import Change, Step
from blackstart.probes.control_state import ControlState
from blackstart.probes.postgres_ping import PostgresPing
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.tcp import Tcp
from blackstart.target import Service, Target, secret

_REDIS = ("redis", "rediss", "valkey")
_POSTGRES = ("postgres", "postgresql")
_STARTS_WITHIN_S = 8.0
_DEFAULT_PORTS = {**dict.fromkeys(_REDIS, 6379), **dict.fromkeys(_POSTGRES, 5432)}
Pulse = RedisPing | PostgresPing


@dataclass(frozen=True)
class Patient:
    """A service that is about to be hurt: its control, exactly resolved, its state before, and how it shows outside.

    `port` says whether it accepts connections, `pulse` whether it answers in its own protocol (None where it is not
    known to speak one). Both are asked without the control. In all conditions what an outsider sees stands first: its
    moment is the effect, from which limits count.
    """

    service: Service
    control: controls.Control
    state: controls.State
    port: Tcp | None
    pulse: Pulse | None

    def change(
        self,
        what: str,
        do: tuple[Step, ...],
        undo: tuple[Step, ...],
        bites: tuple[Condition, ...],
        rights: tuple[Step, ...] = (),
    ) -> Change:
        """A change of this service that is gone when it runs and answers as it did before."""
        return Change(
            what=what,
            service=self.service.name,
            do=do,
            undo=undo,
            bites=bites,
            gone=self.up(),
            rights=(*self.control.rights(), *rights),
            undo_is_noop=not self.control.by_hand,
            undo_by_hand=self.control.by_hand,
        )

    def status(self, *wanted: str) -> tuple[Condition, ...]:
        """The control sees it in one of these states; nothing where a person is the control, who sees nothing."""
        if self.control.by_hand:
            return ()
        probe = ControlState(self.service.name, self.control)
        return (probe.is_(wanted[0]) if len(wanted) == 1 else probe.is_one_of(*wanted),)

    def up(self) -> tuple[Condition, ...]:
        """Answers, accepts connections and runs."""
        answering = {RedisPing: ("PONG", "NOAUTH"), PostgresPing: ("accepting",)}
        return (
            *((self.pulse.is_one_of(*answering[type(self.pulse)]),) if self.pulse else ()),
            *((self.port.is_("open"),) if self.port else ()),
            *self.status("running"),
        )

    def unheard(self) -> tuple[Condition, ...]:
        """Can't be talked to; nothing where it has no address."""
        seen = self.pulse or self.port
        return (seen.silent(),) if seen else ()

    def down(self) -> tuple[Condition, ...]:
        """Can't be talked to and does not run."""
        return (*self.unheard(), *self.status("stopped", "failed"))

    def refuse_lost(self, target: Target) -> None:
        """Raise Refused where the service could not be started again once it has ended, or where that would not mend
        what ends with it and is not allowed by name: no rehearsal shows either."""
        self.refuse_bereaved(target)
        if self.state.lost:
            raise Refused(
                f"{self.service.name} could not be started again once it has ended: {self.state.lost}. "
                "Run it in a way that lasts, or break it without ending it (pause, or a fault on the wire)."
            )

    def refuse_bereaved(self, target: Target) -> None:
        """Raise Refused where its end takes others along that its start does not bring back, unless the target allows
        them by name."""
        if not isinstance(self.control, Docker | Systemd):
            return
        try:
            others = [name for name in self.control.takes_along() if name not in target.allow]
        except StepFailed as error:
            raise Refused(f"what ends with {self.service.name} can't be seen: {error}") from error
        if others:
            why = "live in its container's network" if isinstance(self.control, Docker) else "are stopped with its unit"
            raise Refused(
                f"{', '.join(others)} would be left broken by the end of {self.service.name}: they {why}, and its "
                "start does not bring them back. Pause it instead; or, if you will start them again, allow them by "
                f"name: --allow {','.join(others)}"
            )

    def refuse_by_hand(self, why: str) -> None:
        """Raise Refused where a person is the control."""
        if self.control.by_hand:
            raise Refused(
                f"{self.service.name} is controlled by hand, and {why}. Give it a control that a machine has."
            )


def patient(target: Target, name: str) -> Patient:
    """The target's service of that name. Raises Refused where it does not run, since what is down can't be broken."""
    service = target.service(name)
    control = controls.resolved(service)
    port, pulse = _outside(service)
    if control.by_hand and not port and not pulse:
        raise BadTarget(
            f'service "{name}" is controlled by hand, so its effect must be seen from outside: give it an address'
        )
    state = _settled(control, name)
    if state.status != "running":
        detail = f" ({state.detail})" if state.detail else ""
        raise Refused(f"{name} is {state.status}{detail}, and only what runs can be broken. Start it first.")
    return Patient(service, control, state, port, pulse)


def _settled(control: controls.Control, name: str) -> controls.State:
    """The state of the service, once it is no longer on its way up."""
    retrying = Retrying(
        stop=stop_after_delay(_STARTS_WITHIN_S),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda state: state.status == "starting"),
        retry_error_callback=lambda attempt: attempt.outcome.result() if attempt.outcome else None,
    )
    state: controls.State = retrying(controls.facts, control, name)
    return state


def _outside(service: Service) -> tuple[Tcp | None, Pulse | None]:
    parts = urlsplit(secret(service.dsn) if service.dsn else "")
    address = service.address
    if not address and parts.hostname and parts.scheme in _DEFAULT_PORTS:
        address = f"{parts.hostname}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"
    if not address:
        return None, None
    # Without a DSN its name or its port tells what it speaks.
    speaks = (parts.scheme, "" if parts.scheme else service.name, "" if parts.scheme else address.rpartition(":")[2])
    port = Tcp(address=address, name=f"{service.name}_port")
    if any(word in speaks for word in (*_REDIS, "6379")):
        dsn = service.dsn or f"redis://{address}"
        return port, RedisPing(service=service.name, name=f"{service.name}_ping", dsn=dsn)
    if any(word in speaks for word in (*_POSTGRES, "5432")):
        user = parts.username or "postgres"
        return port, PostgresPing(service=service.name, address=address, user=user, name=f"{service.name}_ping")
    return port, None
