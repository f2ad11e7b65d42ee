"""The stages of one direction of one connection, in the order in which their toxics were added."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Protocol

from blackstart.proxy.stage import NEVER, Ending, HangUp, Stage
from blackstart.proxy.toxic import Toxic


class Ends(Protocol):
    """What is at the ends of a pipeline: the sockets, or a test."""

    def deliver(self, chunk: bytes) -> None:
        """Bytes leave the pipeline."""

    def finish(self, ending: Ending) -> None:
        """The direction ends here."""

    def hang_up(self, how: HangUp) -> None:
        """The whole connection ends."""

    def wake(self, at: float) -> None:
        """Call `run_due` at that monotonic time; NEVER means not at all."""

    def choke(self, choked: bool) -> None:
        """Stop reading from the sender, or go on."""


class Pipeline:
    """Feeds stages, wakes them, and puts them in and out while data flows."""

    def __init__(self, ends: Ends, direction: str, now: Callable[[], float]) -> None:
        self.ends, self.direction, self.now = ends, direction, now
        self.stages: list[Stage] = []
        self.over = False
        self._choked = False
        self._dropped_bytes = 0

    @property
    def held_bytes(self) -> int:
        """What came in and has not gone out yet."""
        return sum(stage.held_bytes for stage in self.stages)

    @property
    def dropped_bytes(self) -> int:
        """What came in and never will go out."""
        return self._dropped_bytes + sum(stage.dropped_bytes for stage in self.stages)

    def feed(self, chunk: bytes) -> None:
        """Bytes came from the sender."""
        self._emit_after(-1)(chunk)
        self._settle()

    def end(self, ending: Ending) -> None:
        """The sender ended."""
        self._pass_after(-1)(ending)
        self._settle()

    def run_due(self) -> None:
        """Wake every stage whose time has come; what a stage sets meanwhile waits for the next call."""
        now = self.now()
        for stage in tuple(self.stages):
            if stage.due_at <= now and not self.over:
                stage.due_at = NEVER
                stage.due(now)
        self._settle()

    def rebuild(self, toxics: Sequence[Toxic], random: Callable[[Toxic], Callable[[], Random]], fresh: bool) -> None:
        """Have exactly the stages of these toxics, in this order; those that stay keep what they hold."""
        for stage in tuple(self.stages):
            if stage.toxic not in toxics:
                self._remove(stage)
        for place, toxic in enumerate(toxics):
            if place < len(self.stages) and self.stages[place].toxic is toxic:
                continue
            stage = toxic.kind(toxic, self.direction, random(toxic), self.now)
            stage.hang_up = self._hang_up
            self.stages.insert(place, stage)
            self._wire()
            if not self.over:
                stage.opened(fresh)
        self._settle()

    def changed(self, toxic: Toxic) -> None:
        """That toxic's attributes changed."""
        for stage in tuple(self.stages):
            if stage.toxic is toxic and not self.over:
                stage.changed()
        self._settle()

    def _remove(self, stage: Stage) -> None:
        if not self.over:
            stage.removed()
        self.stages.remove(stage)
        self._dropped_bytes += stage.dropped_bytes + stage.held_bytes
        self._wire()

    def _wire(self) -> None:
        for place, stage in enumerate(self.stages):
            stage.emit = self._emit_after(place)
            stage.pass_on = self._pass_after(place)

    def _emit_after(self, place: int) -> Callable[[bytes], None]:
        return self.stages[place + 1].data if place + 1 < len(self.stages) else self._deliver

    def _pass_after(self, place: int) -> Callable[[Ending], None]:
        return self.stages[place + 1].ended if place + 1 < len(self.stages) else self._finish

    def _deliver(self, chunk: bytes) -> None:
        if self.over:
            self._dropped_bytes += len(chunk)
        else:
            self.ends.deliver(chunk)

    def _finish(self, ending: Ending) -> None:
        if not self.over:
            self.over = ending is Ending.CLOSE  # nothing comes behind that
            self.ends.finish(ending)

    def _hang_up(self, how: HangUp) -> None:
        if not self.over:
            self.over = True
            self.ends.hang_up(how)

    def _settle(self) -> None:
        if self.over:
            self.ends.wake(NEVER)
            return
        self.ends.wake(min((stage.due_at for stage in self.stages), default=NEVER))
        share = 0.5 if self._choked else 1.0  # once choked, half of it has to go before more comes
        full = any(stage.held_bytes > stage.capacity_bytes * share for stage in self.stages)
        if full != self._choked:
            self._choked = full
            self.ends.choke(full)
