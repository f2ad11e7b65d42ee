"""Drop packets to a service: nobody gets an answer, and nobody is told."""

from __future__ import annotations

from blackstart.codec import plain
from blackstart.faults import _netfilter
from blackstart.faults._packets import site_of
from blackstart.model import Change
from blackstart.target import Target


@plain("fault.drop")
class Drop:
    """iptables drops what clients send to the service. It bites when connections time out. Needs root."""

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused without root or iptables, or where the service does not answer."""
        site = site_of(target, self.service, "iptables")
        silent = site.line.port().timed_out()
        return (_netfilter.change(site, self.describe(), "drop", ("DROP",), silent),)

    def describe(self) -> str:
        """As in "drop packets to broker"."""
        return f"drop packets to {self.service}"
