"""Beside the live label set of the gauge stands that of an instance that is no more, at 0 for ever."""

from typing import Any

from blackstart_lab.trader.orchestrator import Orchestrator
from blackstart_lab.variants import Variant

_GONE = "00000000-0000-4000-8000-000000000000"


class Remembers(Orchestrator):
    """The library that makes the page never forgets a label set."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.metrics.is_leader.labels(instance_id=_GONE).set(0)


VARIANT = Variant(summary="a stale label set stands beside the live one", parts={"orchestrator": Remembers})
