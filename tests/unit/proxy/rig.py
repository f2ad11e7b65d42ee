"""A pipeline with a clock that is set by hand and ends that write down what comes out."""

from collections.abc import Callable
from random import Random
from typing import Any

from blackstart.proxy.pipeline import Pipeline
from blackstart.proxy.stage import NEVER, Ending, HangUp
from blackstart.proxy.toxic import Toxic, read_toxic


class Rig:
    """One direction of one connection without sockets. Times are seconds from 0."""

    def __init__(self, *bodies: dict[str, Any], fresh: bool = True) -> None:
        self.now_s = 0.0
        self.out: list[bytes | Ending] = []
        self.times_s: list[float] = []
        self.hung_up: HangUp | None = None
        self.due_at = NEVER
        self.choked = False
        self.pipeline = Pipeline(self, "downstream", lambda: self.now_s)
        self.toxics: list[Toxic] = []
        for body in bodies:
            self.add(read_toxic(body), fresh=fresh)

    # ------------------------------------------------------------ the ends

    def deliver(self, chunk: bytes) -> None:
        self.out.append(chunk)
        self.times_s.append(self.now_s)

    def finish(self, ending: Ending) -> None:
        self.out.append(ending)
        self.times_s.append(self.now_s)

    def hang_up(self, how: HangUp) -> None:
        self.hung_up = how

    def wake(self, at: float) -> None:
        self.due_at = at

    def choke(self, choked: bool) -> None:
        self.choked = choked

    # ------------------------------------------------------------ what tests do

    def add(self, toxic: Toxic, *, fresh: bool = False) -> Toxic:
        self.toxics.append(toxic)
        self.rebuild(fresh)
        return toxic

    def remove(self, toxic: Toxic) -> None:
        self.toxics.remove(toxic)
        self.rebuild()

    def update(self, toxic: Toxic, **attributes: Any) -> None:
        toxic.update({"attributes": attributes})
        self.pipeline.changed(toxic)

    def feed(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self.pipeline.feed(chunk)

    def end(self, ending: Ending = Ending.EOF) -> None:
        self.pipeline.end(ending)

    def run_until(self, until_s: float) -> None:
        """Let time pass, waking the stages at their exact time."""
        while self.due_at <= until_s:
            self.now_s = max(self.now_s, self.due_at)
            self.pipeline.run_due()
        self.now_s = until_s

    @property
    def data(self) -> bytes:
        return b"".join(item for item in self.out if isinstance(item, bytes))

    def rebuild(self, fresh: bool = False) -> None:
        """Have the stages of `toxics`."""
        self.pipeline.rebuild(self.toxics, self._random, fresh)

    @staticmethod
    def _random(toxic: Toxic) -> Callable[[], Random]:
        made = Random(toxic.name)
        return lambda: made


def toxic(kind: str, **attributes: Any) -> dict[str, Any]:
    """The body of a toxic."""
    return {"type": kind, "attributes": attributes}
