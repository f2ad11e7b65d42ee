"""Faults: one file, one way to break one thing. A fault turns a target into changes and does nothing itself.

Here is what the faults of a service share: the service with its control, checked to be in the state that the fault
starts from, and what an outsider sees of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from blackstart import controls
from blackstart.errors import BadTarget, Refused
from blackstart.expect import Condition
from blackstart.model import Change, Step
from blackstart.probes.control_state import ControlState
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.tcp import Tcp
from blackstart.target import Service, Target, secret

_DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "postgres": 5432, "postgresql": 5432}


@dataclass(frozen=True)
class Patient:
    """A service that is about to be hurt: its control, exactly resolved, its state before, and how it shows outside.

    `port` says whether it accepts connections, `pulse` whether it answers in its own protocol (None where it is not
    known to speak one). Both are asked without the control.
    """

    service: Service
    control: controls.Control
    state: controls.State
    port: Tcp | None
    pulse: RedisPing | None

    def change(
        self, what: str, do: tuple[Step, ...], undo: tuple[Step, ...], bites: tuple[Condition, ...], **more: bool
    ) -> Change:
        """A change of this service that is gone when it runs and answers as it did before."""
        return Change(
            what=what,
            service=self.service.name,
            do=do,
            undo=undo,
            bites=bites,
            gone=self.up(),
            rights=self.control.rights(),
            undo_is_noop=not self.control.by_hand,
            undo_by_hand=self.control.by_hand,
            **more,
        )

    def status(self, *wanted: str) -> tuple[Condition, ...]:
        """The control sees it in one of these states; nothing where a person is the control, who sees nothing."""
        if self.control.by_hand:
            return ()
        return (ControlState(self.service.name, self.control).is_one_of(*wanted),)

    def up(self) -> tuple[Condition, ...]:
        """Runs, accepts connections and answers."""
        return (
            *self.status("running"),
            *((self.port.is_("open"),) if self.port else ()),
            *((self.pulse.is_one_of("PONG", "NOAUTH"),) if self.pulse else ()),
        )

    def down(self) -> tuple[Condition, ...]:
        """Does not run and can't be talked to."""
        seen = self.pulse or self.port
        return (*self.status("stopped", "failed"), *((seen.silent(),) if seen else ()))


def patient(target: Target, name: str) -> Patient:
    """The target's service of that name. Raises Refused where it does not run, since what is down can't be broken."""
    service = target.service(name)
    control = controls.of(service).resolve()
    port, pulse = _outside(service)
    if control.by_hand and not port and not pulse:
        raise BadTarget(
            f'service "{name}" is controlled by hand, so its effect must be seen from outside: give it an address'
        )
    state = control.facts()
    if state.status != "running":
        detail = f" ({state.detail})" if state.detail else ""
        raise Refused(f"{name} is {state.status}{detail}, and only what runs can be broken. Start it first.")
    return Patient(service, control, state, port, pulse)


def _outside(service: Service) -> tuple[Tcp | None, RedisPing | None]:
    dsn = secret(service.dsn) if service.dsn else ""
    parts = urlsplit(dsn)
    address = service.address
    if not address and parts.hostname and parts.scheme in _DEFAULT_PORTS:
        address = f"{parts.hostname}:{parts.port or _DEFAULT_PORTS[parts.scheme]}"
    port = Tcp(address=address, name=f"{service.name}_port") if address else None
    if parts.scheme in ("redis", "rediss") or (address and (service.name == "redis" or address.endswith(":6379"))):
        dsn = service.dsn or f"redis://{address}"
        return port, RedisPing(service=service.name, name=f"{service.name}_ping", dsn=dsn)
    return port, None
