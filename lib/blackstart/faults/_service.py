"""What the faults of a service share: the service with its control, checked to be in the state that the fault starts
from, and what an outsider sees of it.
"""

from dataclasses import dataclass

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from blackstart import controls
from blackstart.base.errors import BadTarget, NotAvailable, Refused, StepFailed
from blackstart.model import protocols
from blackstart.model.change import Change
from blackstart.model.control import Control, State
from blackstart.model.expect import Condition
from blackstart.model.step import Step
from blackstart.model.target import Service, Target
from blackstart.probes.control_state import ControlState
from blackstart.probes.postgres_ping import PostgresPing
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.tcp import Tcp

_STARTS_WITHIN_S = 8.0
LivenessProbe = RedisPing | PostgresPing
# Whoever answers in its own protocol is up, unless it says that it is still on its way. A replica that misses its
# master is: the master is another service, whose undo may come after this one's.
_UP = {
    RedisPing: ("PONG", "NOAUTH", "NOPERM", "DENIED", "MAXCLIENTS", "MISCONF", "BUSY", "MASTERDOWN"),
    PostgresPing: ("accepting",),
}


@dataclass(frozen=True)
class ServiceUnderTest:
    """A service that a fault is about to touch: its control, exactly resolved, its state before, and how it shows.

    `port` says whether it accepts connections, `liveness` whether it answers in its own protocol (None where it is not
    known to speak one). Both are asked without the control, and without a login: a server may have lost its users by
    the restart, and what is written down of the undo needs no password. In all conditions what an outsider sees stands
    first: its moment is the effect, from which limits count.
    """

    service: Service
    control: Control
    state: State
    port: Tcp | None
    liveness: LivenessProbe | None

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
        return (
            *((self.liveness.is_one_of(*_UP[type(self.liveness)]),) if self.liveness else ()),
            *((self.port.is_("open"),) if self.port else ()),
            *self.status("running"),
        )

    def unheard(self) -> tuple[Condition, ...]:
        """Can't be talked to; nothing where it has no address."""
        seen = self.liveness or self.port
        return (seen.silent(),) if seen else ()

    def down(self) -> tuple[Condition, ...]:
        """Can't be talked to and does not run."""
        return (*self.unheard(), *self.status("stopped", "failed"))

    def refuse_lost(self, target: Target, stays_down: bool = True) -> None:
        """Raise Refused where the service could not be started again once it has ended, or where that would not mend
        what ends with it and is not allowed by name: no rehearsal shows either. And, where it is to stay down, who else
        would start it."""
        self.refuse_dependents(target)
        if stays_down:
            self.refuse_rivals(target)
        if self.state.lost:
            raise Refused(
                f"{self.service.name} could not be started again once it has ended: {self.state.lost}. "
                "Run it in a way that lasts, or break it without ending it (pause, or a fault on the wire)."
            )

    def refuse_dependents(self, target: Target) -> None:
        """Raise Refused where others depend on it that its start does not bring back, unless the target allows them by
        name."""
        try:
            others = [name for name in self.control.dependents() if name not in target.allow]
        except NotAvailable:
            return
        except StepFailed as error:
            raise Refused(f"what ends with {self.service.name} can't be seen: {error}") from error
        if others:
            raise Refused(
                f"{', '.join(others)} would be left broken by the end of {self.service.name}: they "
                f"{self.control.dependents_why}, and its "
                "start does not bring them back. Pause it instead; or, if you will start them again, allow them by "
                f"name: --allow {','.join(others)}"
            )

    def refuse_rivals(self, target: Target) -> None:
        """Raise Refused where something else sets whether the service runs, unless the target allows it by name."""
        try:
            rivals = {word: does for word, does in self.control.rivals().items() if word not in target.allow}
        except StepFailed as error:
            raise Refused(f"what else sets whether {self.service.name} runs can't be seen: {error}") from error
        if rivals:
            told = "; ".join(f"{word} {does}" for word, does in rivals.items())
            raise Refused(
                f"{self.service.name} is {self.control.called()}, and its end is not ours alone to undo: {told}. If "
                f"that is meant all the same, allow it by name: --allow {','.join(rivals)}"
            )

    def refuse_by_hand(self, why: str) -> None:
        """Raise Refused where a person is the control."""
        if self.control.by_hand:
            raise Refused(
                f"{self.service.name} is controlled by hand, and {why}. Give it a control that a machine has."
            )


def service_under_test(target: Target, name: str) -> ServiceUnderTest:
    """The target's service of that name. Raises Refused where it does not run, since what is down can't be broken, and
    where an orchestrator owns it."""
    service = target.service(name)
    control = controls.resolved(service)
    port, liveness = _outside(service)
    if control.by_hand and not port and not liveness:
        raise BadTarget(
            f'service "{name}" is controlled by hand, so its effect must be seen from outside: give it an address'
        )
    state = _settled(control, name)
    if state.owner:
        raise Refused(
            f"{name} is {control.called()}, which belongs to {state.owner}: another would be started in its place, and "
            "the undo would start the old one beside it. Break it by its orchestrator's own means or on the wire, or "
            "run one for the drill that is nobody else's."
        )
    if state.status != "running":
        detail = f" ({state.detail})" if state.detail else ""
        raise Refused(f"{name} is {state.status}{detail}, and only what runs can be broken. Start it first.")
    return ServiceUnderTest(service, control, state, port, liveness)


def _settled(control: Control, name: str) -> State:
    """The state of the service, once it is no longer on its way up."""
    retrying = Retrying(
        stop=stop_after_delay(_STARTS_WITHIN_S),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda state: state.status == "starting"),
        retry_error_callback=lambda attempt: attempt.outcome.result() if attempt.outcome else None,
    )
    state: State = retrying(controls.read_state, control, name)
    return state


def _outside(service: Service) -> tuple[Tcp | None, LivenessProbe | None]:
    address = service.address or protocols.address_of(service)
    if not address:
        return None, None
    port, name = Tcp(address=address, name=f"{service.name}_port"), f"{service.name}_ping"
    speaks = protocols.spoken_by(service)
    if speaks == "redis":
        # Up is who answers in the protocol: a login may be lost by the very restart that is proved.
        return port, RedisPing(service=service.name, name=name, dsn=protocols.redis_of(service).without_login())
    if speaks == "postgres":
        return port, PostgresPing(service=service.name, address=address, user=protocols.user_of(service), name=name)
    return port, None
