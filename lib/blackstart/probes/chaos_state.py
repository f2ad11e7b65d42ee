"""How far a resource of Chaos Mesh has come: injected, failed, recovered, absent."""

from blackstart.base.codec import plain
from blackstart.controls.kubernetes_chaos import REPLACED, stage
from blackstart.controls.kubernetes_context import Context
from blackstart.controls.kubernetes_workload import ApiClient
from blackstart.model.expect import Condition
from blackstart.model.reading import Answer, Endpoint
from blackstart.probes.api_server_endpoint import ApiServerEndpoint
from blackstart.probes.mixed_in import AsAnswered, Bound


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
        return ChaosStateEndpoint(self.place, self.resource, self.called, self.selector, self.uids)

    def lost(self) -> Condition:
        """What spoils a run while it lasts: a pod that has come meanwhile is not broken."""
        return self.is_(REPLACED)


@plain("endpoint.chaos")
class ChaosStateEndpoint(ApiServerEndpoint):
    """One look at a resource and its pods."""

    place: Context
    resource: str
    called: str
    selector: str
    uids: tuple[str, ...]

    def look(self, api: ApiClient) -> Answer:
        """Its stage."""
        found = api.get(self.resource, self.called, self.place.namespace)
        pods = api.list("pod", self.place.namespace, self.selector) if found else ()
        word, note = stage(found, pods, self.uids)
        return Answer("answer", word, note=note)

    def describe(self) -> str:
        """Where it looks."""
        return f"{self.resource} {self.place.namespace}/{self.called}"
