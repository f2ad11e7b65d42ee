"""Reject packets to a service: connections are refused at once, and those that stand are reset."""

from blackstart.base.codec import plain
from blackstart.faults import _netfilter
from blackstart.faults._packets import packet_point
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("fault.reject")
class Reject:
    """iptables answers what clients send to the service with a reset. It bites when connections are refused.

    Needs root.
    """

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused without root or iptables, or where the service does not answer."""
        point = packet_point(target, self.service, "iptables")
        refused = point.route.port().unreachable()
        verdict = ("REJECT", "--reject-with", "tcp-reset")
        return (_netfilter.change(point, self.describe(), "reject", verdict, refused),)

    def describe(self) -> str:
        """As in "reject packets to broker"."""
        return f"reject packets to {self.service}"
