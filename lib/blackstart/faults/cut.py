"""Cut the wire to a service: its proxy refuses connections and ends those that stand, while the service goes on."""

from blackstart.base.codec import plain
from blackstart.faults import _chaos_mesh
from blackstart.faults._proxied import ProxyRoute, proxy_route_to
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.proxy_state import NO_PROXY


@plain("fault.cut")
class Cut:
    """The proxy is down: the toxic `down` where it knows that (it has a lease), else `enabled: false`.

    It bites when connections are refused, or end at once where something before the proxy takes them. Pods of
    Kubernetes to which no proxy leads are cut off by Chaos Mesh: nothing passes in either direction, and it bites when
    connections time out.
    """

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service, or it is down already."""
        if _chaos_mesh.in_unproxied_pods(target, self.service):
            pods, route = _chaos_mesh.network_of(target, self.service)
            return (pods.network(self.describe(), _chaos_mesh.dropped("both"), route.port().timed_out()),)
        proxied = proxy_route_to(target, self.service)
        proxied.route.normal()
        refused, answers = proxied.route.silent(), proxied.route.answers()
        if proxied.embedded:
            return (proxied.toxic_change(self.describe(), proxied.toxic("down", existing="cut"), refused, answers),)
        return (self._disabled(proxied),)

    def _disabled(self, proxied: ProxyRoute) -> Change:
        # Only an enabled proxy is cut, so that what was found, and is given back, is `enabled: true`.
        state = proxied.enabled()
        bites = (proxied.route.silent(), state.is_("disabled"))
        gone = (proxied.clear(proxied.route.answers()), state.is_one_of("enabled", NO_PROXY))
        return proxied.change(self.describe(), (proxied.enable(False),), (proxied.enable(True),), bites, gone)

    def describe(self) -> str:
        """As in "cut redis off"."""
        return f"cut {self.service} off"
