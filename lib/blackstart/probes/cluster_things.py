"""How many things of one name there are in a cluster, with the pods that are labelled with it."""

from blackstart.base.codec import plain
from blackstart.controls.kubernetes_context import Context
from blackstart.controls.kubernetes_workload import ApiClient
from blackstart.model.reading import Answer, Endpoint
from blackstart.probes.api_server_endpoint import ApiServerEndpoint
from blackstart.probes.mixed_in import AsAnswered, Bound


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
        return ClusterThingsEndpoint(self.place, self.called, self.label, self.kinds)


@plain("endpoint.cluster_things")
class ClusterThingsEndpoint(ApiServerEndpoint):
    """One look at the things of a name."""

    place: Context
    called: str
    label: str
    kinds: tuple[str, ...]

    def look(self, api: ApiClient) -> Answer:
        """How many there are, and of what kinds."""
        found = [kind for kind in self.kinds if api.get(kind, self.called, self.place.namespace)]
        found += ["pod"] * len(api.list("pod", self.place.namespace, f"{self.label}={self.called}"))
        return Answer("answer", len(found), note=", ".join(found))

    def describe(self) -> str:
        """Where it looks."""
        return f"{self.place.namespace}/{self.called}"
