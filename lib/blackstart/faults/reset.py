"""Reset the connections to a service: they are taken, and break in the middle of the talk."""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import share_of
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.target import Target


@plain("fault.reset")
class Reset:
    """The toxic `reset_peer`, `after_ms` after it meets a connection; with a `share`, for that part of the requests
    (see `_proxied.partly`).

    Until then answers (`downstream`) are lost: the request was taken, and its sender never learns what came of it.
    It bites when nobody gets an answer. The embedded proxy sends a true RST at once, to idle connections too;
    Toxiproxy ends a connection when data passes in that direction.
    """

    service: str
    after_ms: int = 0
    stream: Literal["downstream", "upstream"] = "downstream"
    share: float = 1.0

    def __post_init__(self) -> None:
        share_of(self.share)
        if isinstance(self.after_ms, bool) or self.after_ms < 0:
            raise ValueError(f"after_ms must be 0 or above, not {self.after_ms}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service or nobody could see it."""
        proxied = proxy_route_to(target, self.service)
        liveness = proxied.route.liveness()
        if liveness is None:
            raise Refused(
                f"nobody could see whether connections to {self.service} break: what it speaks is not known. "
                "Give it a dsn or a url."
            )
        proxied.route.normal()
        toxic = proxied.toxic("reset_peer", self.stream, timeout=self.after_ms)
        broken = Condition(liveness, "unreachable")
        if self.share < 1:
            toxic, broken = proxied.partly(toxic, self.share, "reset")
        return (proxied.toxic_change(self.describe(), toxic, broken, proxied.route.answers()),)

    def describe(self) -> str:
        """As in "reset the connections to redis"."""
        after = f" after {self.after_ms} ms" if self.after_ms else ""
        what = f"{share_of(self.share)}what is asked of" if self.share < 1 else "the connections to"
        return f"reset {what} {self.service}{after}"
