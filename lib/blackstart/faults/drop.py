"""Drop packets to a service: nobody gets an answer, and nobody is told."""

from blackstart.base.codec import plain
from blackstart.faults import _chaos_mesh, _netfilter
from blackstart.faults._packets import packet_point
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("fault.drop")
class Drop:
    """iptables drops what clients send to the service: on this machine, or a host of its own, as root; in pods of
    Kubernetes by Chaos Mesh. It bites when connections time out."""

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused without root or iptables, or Chaos Mesh, or where the service does not answer."""
        if _chaos_mesh.in_pods(target, self.service):
            pods, route = _chaos_mesh.network_of(target, self.service)
            return (pods.network(self.describe(), _chaos_mesh.dropped("from"), route.port().timed_out()),)
        point = packet_point(target, self.service, "iptables")
        silent = point.route.port().timed_out()
        return (_netfilter.change(point, self.describe(), "drop", ("DROP",), silent),)

    def describe(self) -> str:
        """As in "drop packets to broker"."""
        return f"drop packets to {self.service}"
