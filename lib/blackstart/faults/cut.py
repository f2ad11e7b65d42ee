"""Cut the wire to a service: its proxy refuses connections and ends those that stand, while the service goes on."""

from __future__ import annotations

from blackstart.codec import plain
from blackstart.faults._proxied import LEASE_S, Way, way_to
from blackstart.model import Change, HttpCall
from blackstart.probes.proxy_state import NO_PROXY
from blackstart.target import Target


@plain("fault.cut")
class Cut:
    """The proxy is down: the toxic `down` where it knows that (it has a lease), else `enabled: false`.

    It bites when connections are refused, or end at once where something before the proxy takes them.
    """

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service, or its proxy is down already."""
        way = way_to(target, self.service)
        way.line.normal()
        refused, answers = way.line.silent(), way.line.answers()
        if way.embedded:
            return (way.toxic_change(self.describe(), way.toxic("down", existing="cut"), refused, answers),)
        return (self._disabled(way),)

    def _disabled(self, way: Way) -> Change:
        # Only an enabled proxy is cut, so that what was found, and is given back, is `enabled: true`.
        state = way.enabled()
        return Change(
            what=self.describe(),
            service=self.service,
            do=(way.enable(False),),
            undo=(way.enable(True),),
            bites=(way.line.silent(), state.is_("disabled")),
            gone=(way.clear(way.line.answers()), state.is_one_of("enabled", NO_PROXY)),
            rights=(HttpCall("GET", way.url, ok_statuses=(200,)),),
            undo_is_noop=True,
            lease_s=LEASE_S,
        )

    def describe(self) -> str:
        """As in "cut redis off"."""
        return f"cut {self.service} off"
