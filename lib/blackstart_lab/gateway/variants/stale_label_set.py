"""Beside the live breaker stand the series of one that is no more, open for ever."""

from blackstart_lab.metrics_page import Page
from blackstart_lab.variants import Variant

_GONE = b"""\
resilience4j_circuitbreaker_state{name="retired",state="closed"} 0.0
resilience4j_circuitbreaker_state{name="retired",state="open"} 1.0
resilience4j_circuitbreaker_state{name="retired",state="half_open"} 0.0
resilience4j_circuitbreaker_not_permitted_calls_total{name="retired",kind="not_permitted"} 4711.0
"""


class Remembers(Page):
    """The library that makes the page never forgets a label set."""

    def text(self) -> bytes:
        return _GONE + super().text()


VARIANT = Variant(
    summary="the series of a breaker that is no more stand beside the live ones", parts={"page": Remembers}
)
