"""Let what passes to a service be lost: its connections stay open, and nobody is answered."""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import share_of
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.target import Target


@plain("fault.blackhole")
class Blackhole:
    """The toxic `timeout` without a time, on what goes to the service; with a `share`, for that part of the
    requests (see `_proxied.partly`). On the `stream` downstream it is the answers that are lost, and what was asked is
    done; on `both` nothing passes.

    It bites when reads time out. Its undo closes the connections that it held: bytes are missing from them.
    """

    service: str
    share: float = 1.0
    stream: Literal["upstream", "downstream", "both"] = "upstream"

    def __post_init__(self) -> None:
        share_of(self.share)
        if self.share < 1 and self.stream != "upstream":
            raise ValueError(f"a share is of what is asked: stream must be upstream, not {self.stream}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service or nobody could see it."""
        proxied = proxy_route_to(target, self.service)
        liveness = proxied.route.liveness()
        if liveness is None:
            raise Refused(
                f"nobody could see whether {self.service} stays silent: what it speaks is not known. Give it a dsn or "
                "a url."
            )
        proxied.route.normal()
        streams = ("upstream", "downstream") if self.stream == "both" else (self.stream,)
        toxic, *more = (proxied.toxic("timeout", stream, timeout=0) for stream in streams)
        silent = Condition(liveness, "timed_out")
        if self.share < 1:
            toxic, silent = proxied.partly(toxic, self.share, "silent")
        return (proxied.toxic_change(self.describe(), toxic, silent, proxied.route.answers(), *more),)

    def describe(self) -> str:
        """As in "let what is asked of postgres be lost", "let 30 % of what is asked of postgres be lost",
        "let what redis answers be lost"."""
        if self.stream != "upstream":
            what = "answers" if self.stream == "downstream" else "is asked and answers"
            return f"let what {self.service} {what} be lost"
        return f"let {share_of(self.share)}what is asked of {self.service} be lost"
