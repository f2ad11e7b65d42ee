"""Let the wire to a service come and go: its proxy is cut off and let go on, again and again."""

from blackstart.base.codec import plain
from blackstart.controls.process import Process
from blackstart.faults._child import child, end
from blackstart.faults._proxied import ProxyRoute, proxy_route_to
from blackstart.model.change import Change
from blackstart.model.injector import without_user
from blackstart.model.step import HttpCall, Step
from blackstart.model.target import Target
from blackstart.probes.control_state import ControlState
from blackstart.probes.proxy_state import NO_PROXY, ProxyState, ToxicState
from blackstart.probes.wire import Comings

_LEAST_MS, _MOST_MS = 10, 60_000
_LOOKS_PER_TOGGLE, _TOGGLES_PER_LOOK = 4, 3


@plain("fault.flap")
class Flap:
    """Down for `every_ms`, up for `every_ms`, and so on. It bites when the port is seen to come and go.

    A child process toggles (`blackstart.faults._flapper`): it ends with the run, and the undo ends it first.
    """

    service: str
    every_ms: int

    def __post_init__(self) -> None:
        if isinstance(self.every_ms, bool) or not _LEAST_MS <= self.every_ms <= _MOST_MS:
            raise ValueError(f"every_ms must be from {_LEAST_MS} to {_MOST_MS}, not {self.every_ms}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service."""
        proxied = proxy_route_to(target, self.service)
        proxied.route.normal()
        down, up, state = self._calls(proxied)
        flapper = self._flapper(proxied, down, up)
        toggling = ControlState(f"{self.service}_flapper", flapper)
        knocks = Comings(
            proxied.route.address,
            max(5, self.every_ms // _LOOKS_PER_TOGGLE),
            self.every_ms * _TOGGLES_PER_LOOK,
            f"{self.service}_comings",
        )
        at_rest = state.is_one_of("absent" if isinstance(state, ToxicState) else "enabled", NO_PROXY)
        undo: tuple[Step, ...] = (*end(flapper), up)
        bites = (knocks.at_least(1), toggling.is_("running"))
        gone = (proxied.clear(knocks.is_(0)), at_rest, toggling.is_("stopped"))
        return (proxied.change(self.describe(), flapper.start(), undo, bites, gone),)

    def _calls(self, proxied: ProxyRoute) -> tuple[HttpCall, HttpCall, ToxicState | ProxyState]:
        if not proxied.embedded:
            return proxied.enable(False), proxied.enable(True), proxied.enabled()
        toxic = proxied.toxic("down", existing="cut")
        return proxied.add(toxic), proxied.remove(toxic), proxied.state(toxic)

    def _flapper(self, proxied: ProxyRoute, down: HttpCall, up: HttpCall) -> Process:
        calls = {
            name: (call.method, call.url.removeprefix(proxied.api), call.body)
            for name, call in (("down", down), ("up", up))
        }
        brief = {"api": without_user(proxied.api), **calls, "every_s": self.every_ms / 1000}
        return child("flapper", self.service, f"{proxied.api}/{proxied.proxy}", brief)

    def describe(self) -> str:
        """As in "toggle the wire to redis every 100 ms"."""
        return f"toggle the wire to {self.service} every {self.every_ms} ms"
