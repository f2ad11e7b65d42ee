"""Let the wire to a service come and go: its proxy is cut off and let go on, again and again."""

import hashlib
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import blackstart
from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.base.state import state_dir
from blackstart.controls.process import Process
from blackstart.faults._proxied import LEASE_S, ProxyRoute, proxy_route_to
from blackstart.model.change import Change
from blackstart.model.injector import without_user
from blackstart.model.step import HttpCall, Step
from blackstart.model.target import Target
from blackstart.probes.control_state import ControlState
from blackstart.probes.proxy_state import NO_PROXY, ProxyState, ToxicState
from blackstart.probes.wire import Comings
from blackstart.safety.processes.identity import myself

_LEAST_MS, _MOST_MS = 10, 60_000
_LOOKS_PER_TOGGLE, _TOGGLES_PER_LOOK = 4, 3
_NO_PROCESS = 66


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
        child = self._child(proxied, down, up)
        toggling = ControlState(f"{self.service}_flapper", child)
        knocks = Comings(
            proxied.route.address,
            max(5, self.every_ms // _LOOKS_PER_TOGGLE),
            self.every_ms * _TOGGLES_PER_LOOK,
            f"{self.service}_comings",
        )
        at_rest = state.is_one_of("absent" if isinstance(state, ToxicState) else "enabled", NO_PROXY)
        undo: tuple[Step, ...] = (*(replace(step, ok_codes=(0, _NO_PROCESS)) for step in child.kill()), up)
        bites = (knocks.at_least(1), toggling.is_("running"))
        gone = (proxied.clear(knocks.is_(0)), at_rest, toggling.is_("stopped"))
        return (proxied.change(self.describe(), child.start(), undo, bites, gone),)

    def _calls(self, proxied: ProxyRoute) -> tuple[HttpCall, HttpCall, ToxicState | ProxyState]:
        if not proxied.embedded:
            return proxied.enable(False), proxied.enable(True), proxied.enabled()
        toxic = proxied.toxic("down", existing="cut")
        return proxied.add(toxic), proxied.remove(toxic), proxied.state(toxic)

    def _child(self, proxied: ProxyRoute, down: HttpCall, up: HttpCall) -> Process:
        runner = myself()
        calls = {
            name: (call.method, call.url.removeprefix(proxied.api), call.body)
            for name, call in (("down", down), ("up", up))
        }
        times = {"every_s": self.every_ms / 1000, "longest_s": LEASE_S, "pid": runner.pid, "started": runner.started}
        brief = json.dumps({"api": without_user(proxied.api), **calls, **times}, separators=(",", ":"))
        tag = hashlib.sha256(f"{proxied.api}/{proxied.proxy}".encode()).hexdigest()[:12]
        pidfile = str(state_dir() / "flappers" / f"{quote(self.service, safe='')}-{tag}.pid")
        argv = (sys.executable, "-m", "blackstart.faults._flapper", pidfile, brief)
        line = " ".join(argv)
        if line != " ".join(line.split()):
            raise Refused(f"{self.service} can't be toggled: a name or a path with blank space in it: {line}")
        return Process(
            line, argv, pidfile, cwd="/", env=(("PYTHONPATH", str(Path(blackstart.__file__).parents[1])),),
            log=os.devnull, announces=True,
        )  # fmt: skip

    def describe(self) -> str:
        """As in "toggle the wire to redis every 100 ms"."""
        return f"toggle the wire to {self.service} every {self.every_ms} ms"
