"""How many things of one name there are in a cluster, with the pods that are labelled with it."""

from blackstart.base.codec import plain
from blackstart.base.errors import BlackstartError, StepTimedOut
from blackstart.controls.kubernetes_context import Context
from blackstart.model.reading import Answer, Endpoint, Reader
from blackstart.probes.mixed_in import AsAnswered, Bound
from blackstart.probes.visitor import HoldsNothing


@plain("probe.cluster_things")
class ClusterThings(AsAnswered, Bound):
    """The number of things called `called` at the `place`: of each of the `kinds` none or one, and of pods those whose
    label `label` is that name."""

    place: Context
    called: str
    label: str
    kinds: tuple[str, ...]

    @property
    def name(self) -> str:
        """As in "things called load-1"."""
        return f"things called {self.called}"

    def endpoint(self) -> Endpoint:
        """The API server, asked for these."""
        return ClusterAsked(self.place, self.called, self.label, self.kinds)


@plain("endpoint.cluster_things")
class ClusterAsked:
    """One look at the things of a name."""

    place: Context
    called: str
    label: str
    kinds: tuple[str, ...]

    @property
    def least_tick_s(self) -> float:
        """How often it may be asked, in seconds."""
        return 0.1 if self.place.local else 0.5

    def open(self) -> Reader:
        """A reader; the connection is kept by the client."""
        return _Looker(self)

    def describe(self) -> str:
        """Where it looks."""
        return f"{self.place.namespace}/{self.called}"


class _Looker(HoldsNothing):
    def __init__(self, what: ClusterAsked) -> None:
        self._what = what

    def read(self, timeout_s: float) -> Answer:
        what, place = self._what, self._what.place
        try:
            api = place.api(timeout_s)
            found = [kind for kind in what.kinds if api.get(kind, what.called, place.namespace)]
            found += ["pod"] * len(api.list("pod", place.namespace, f"{what.label}={what.called}"))
        except StepTimedOut as error:
            return Answer("timed_out", note=str(error))
        except BlackstartError as error:
            return Answer("unreadable", note=str(error))
        return Answer("answer", len(found), note=", ".join(found))
