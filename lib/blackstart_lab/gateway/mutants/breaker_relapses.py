"""The breaker closes, and opens once more 2.5 s later with a healthy Redis."""

from blackstart_lab.gateway.breaker import CLOSED, HALF_OPEN, OPEN, Breaker
from blackstart_lab.gateway.mutants import Mutant

_WELL_FOR_S = 2.5


class Relapses(Breaker):
    """Does not trust the first time that it closes."""

    _closed_s: float | None = None
    _relapsed = False

    def change(self, to: str) -> None:
        if to == CLOSED and self._state == HALF_OPEN:
            self._closed_s = self.now()
        super().change(to)

    def judge_closed(self) -> None:
        if self._closed_s is not None and not self._relapsed and self.now() - self._closed_s >= _WELL_FOR_S:
            self._relapsed = True
            self.change(OPEN)
        else:
            super().judge_closed()


MUTANT = Mutant(
    summary="2.5 s after the breaker has closed it opens once more, with a healthy Redis",
    experiment="redis-unavailable",
    must_fail=("closes_again", "stays_served"),
    parts={"breaker": Relapses},
)
