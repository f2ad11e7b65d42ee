"""Let connections to a service end late: its proxy keeps back their end."""

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._proxied import proxy_route_to
from blackstart.faults._wire import positive
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.wire import CloseTime


@plain("fault.slow_close")
class SlowClose:
    """The end of a connection comes `delay_ms` late. It bites when a connection that was said farewell to stays."""

    service: str
    delay_ms: int

    def __post_init__(self) -> None:
        positive(delay_ms=self.delay_ms)

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where no proxy carries the service or it can't be said farewell to."""
        proxied = proxy_route_to(target, self.service)
        speaks = proxied.route.speaks
        if speaks not in ("redis", "http"):
            raise Refused(f"nobody could see when connections to {self.service} end: it must speak Redis or HTTP")
        proxied.route.normal()
        closing = CloseTime(proxied.route.address, speaks, f"{self.service}_close_ms")
        late_ms = round(min(self.delay_ms * 0.8, proxied.route.read_timeout_s * 750), 1)
        toxic = proxied.toxic("slow_close", delay=self.delay_ms)
        return (proxied.toxic_change(self.describe(), toxic, closing.at_least(late_ms), closing.below(late_ms)),)

    def describe(self) -> str:
        """As in "close connections to redis 5000 ms late"."""
        return f"close connections to {self.service} {self.delay_ms} ms late"
