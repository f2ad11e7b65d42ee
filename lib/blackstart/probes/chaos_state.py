"""How far a resource of Chaos Mesh has come: injected, failed, recovered, absent."""

from blackstart.base.codec import plain
from blackstart.base.errors import BlackstartError, StepTimedOut
from blackstart.controls.kubernetes_chaos import REPLACED, stage
from blackstart.controls.kubernetes_context import Context
from blackstart.model.expect import Condition
from blackstart.model.reading import Answer, Endpoint, Reader
from blackstart.probes.mixed_in import AsAnswered, Bound
from blackstart.probes.visitor import HoldsNothing


@plain("probe.chaos_state")
class ChaosState(AsAnswered, Bound):
    """The stage of the `resource` (its kind in small letters) `called` so at the `place`, in a word of
    `controls.kubernetes_chaos`. It was made for the pods `uids`, which the label `selector` picks."""

    place: Context
    resource: str
    called: str
    selector: str
    uids: tuple[str, ...]
    name: str

    def endpoint(self) -> Endpoint:
        """The API server, asked for it and its pods."""
        return ChaosAsked(self.place, self.resource, self.called, self.selector, self.uids)

    def lost(self) -> Condition:
        """What spoils a run while it lasts: a pod that has come meanwhile is not broken."""
        return self.is_(REPLACED)


@plain("endpoint.chaos")
class ChaosAsked:
    """One look at a resource and its pods."""

    place: Context
    resource: str
    called: str
    selector: str
    uids: tuple[str, ...]

    @property
    def least_tick_s(self) -> float:
        """How often it may be asked, in seconds."""
        return 0.1 if self.place.local else 0.5

    def open(self) -> Reader:
        """A reader; the connection is kept by the client."""
        return _Looker(self)

    def describe(self) -> str:
        """Where it looks."""
        return f"{self.resource} {self.place.namespace}/{self.called}"


class _Looker(HoldsNothing):
    def __init__(self, what: ChaosAsked) -> None:
        self._what = what

    def read(self, timeout_s: float) -> Answer:
        what, place = self._what, self._what.place
        try:
            api = place.api(timeout_s)
            found = api.get(what.resource, what.called, place.namespace)
            word, note = stage(found, api.list("pod", place.namespace, what.selector) if found else (), what.uids)
        except StepTimedOut as error:
            return Answer("timed_out", note=str(error))
        except BlackstartError as error:
            return Answer("unreadable", note=str(error))
        return Answer("answer", word, note=note)
