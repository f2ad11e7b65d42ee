"""The load of a run: when it starts, whether it flows, and when it ends. It runs in a process of its own."""

import dataclasses
from collections.abc import Callable
from functools import partial

from blackstart.base.clock import now_s
from blackstart.base.errors import Damaged, Refused, StepFailed, StepTimedOut
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import Folder
from blackstart.loads.runner import LoadHandle
from blackstart.model.experiment import Traffic
from blackstart.model.target import Target
from blackstart.verdict.lateness import LOAD

_READY_SOON_S, _READY_WITHIN_S = 15.0, {"k6_pods": 95.0}  # a node may have to pull the image first
_STOP_WITHIN_S, _LOOK_EVERY_S = 15.0, 0.2


class TrafficRun:
    """Drives the declared load, if there is one; without one every question has the harmless answer."""

    def __init__(
        self, traffic: Traffic | None, target: Target, folder: Folder, observer: Observer, set_up: Callable[[], None],
        between: Callable[[], None],
    ) -> None:  # fmt: skip
        """`set_up` makes what the load needs, and may raise a BlackstartError; `between` is what a wait looks at."""
        self.traffic, self.target, self.folder, self.observer = traffic, target, folder, observer
        self._set_up, self._between = set_up, between
        self._handle: LoadHandle | None = None
        self._began = False
        self._ended = False

    def arm(self) -> None:
        """Start the load's process and let it connect; it sends nothing yet. Raises Refused where it can't be had."""
        if self.traffic is None or self._handle is not None:
            return
        load = self.traffic.load.at(self.target.api, self.target.headers)
        try:
            self._set_up()
            self._handle = LoadHandle.start(load, self.folder.history)
            self._handle.on_stall = partial(self.observer.late, LOAD)
            self._await_ready(self._handle, now_s() + _READY_WITHIN_S.get(load.kind, _READY_SOON_S))
        except (StepFailed, Damaged, ValueError) as error:
            raise Refused(f"the load can't be started: {error}") from error
        self.observer.note(EventName.LOAD, armed=True, spec={"kind": load.kind, **dataclasses.asdict(load)})

    def _await_ready(self, handle: LoadHandle, until_s: float) -> None:
        while True:
            try:
                handle.wait_ready(_LOOK_EVERY_S)
                return
            except StepTimedOut:
                if now_s() > until_s:
                    raise
                self._between()

    def begin(self, flows: str) -> None:
        """Let the load flow, if it is one that flows from this moment on."""
        if self.traffic is None or self.traffic.flows != flows:
            return
        self.arm()
        if self._handle is not None:
            self._handle.go()
            self._began = True

    def flowing(self) -> bool:
        """Whether a request of a load that should flow by now has been answered, or there is no such load."""
        if self.traffic is None or self.traffic.flows != "throughout":
            return True
        return self.flowed()

    def flowed(self) -> bool:
        """Whether anything was sent at all: there is more than the history's header."""
        try:
            return self.folder.history.read_bytes().count(b"\n") > 1
        except FileNotFoundError:
            return False

    def over(self, flows: str) -> bool:
        """Whether a load that flows in this phase has ended by itself; True where there is none."""
        if self.traffic is None or self.traffic.flows != flows:
            return True
        return self._began and self._handle is not None and self._handle.poll() is not None

    def calm(self) -> bool:
        """Whether nothing happens that would need a fast tick."""
        return self.traffic is None or self.traffic.flows != "fault"

    def problem(self) -> str:
        """Why the load does not flow as it should; "" where it does."""
        if (
            self._handle is None
            or not self._began
            or self._ended
            or self.traffic is None
            or self.traffic.flows != "throughout"
        ):
            return ""
        code = self._handle.poll()
        return "" if code is None else f"the load ended by itself, before the run: {self._handle.last_words()}"

    def end(self) -> None:
        """Stop the load and note what it says of itself. Idempotent."""
        if self._handle is None or self._ended:
            return
        self._ended = True
        summary = self._handle.stop(_STOP_WITHIN_S)
        self.observer.note(EventName.LOAD, summary=summary.to_data())
        if not summary.complete:
            self.observer.note(
                EventName.INCONCLUSIVE, message=f"the load is not complete: {'; '.join(summary.reasons)}"
            )
