"""Let what passes to a service be lost: its connections stay open, and nobody is answered."""

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
    requests (see `_proxied.partly`).

    It bites when reads time out. Its undo closes the connections that it held: bytes are missing from them.
    """

    service: str
    share: float = 1.0

    def __post_init__(self) -> None:
        share_of(self.share)

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service or nobody could see it."""
        proxied = proxy_route_to(target, self.service)
        pulse = proxied.route.pulse()
        if pulse is None:
            raise Refused(
                f"nobody could see whether {self.service} stays silent: what it speaks is not known. Give it a dsn or "
                "a url."
            )
        proxied.route.normal()
        toxic = proxied.toxic("timeout", "upstream", timeout=0)
        silent = Condition(pulse, "timed_out")
        if self.share < 1:
            toxic, silent = proxied.partly(toxic, self.share, "silent")
        return (proxied.toxic_change(self.describe(), toxic, silent, proxied.route.answers()),)

    def describe(self) -> str:
        """As in "let what is asked of postgres be lost", "let 30 % of what is asked of postgres be lost"."""
        return f"let {share_of(self.share)}what is asked of {self.service} be lost"
