"""Who was refused leaves no trace."""

from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.stock import REFUSED, STALE, Change, Stock


class WinnersOnly(Stock):
    """The audit has what was changed, and not what was attempted."""

    async def audit(self, change: Change, outcome: str, token: int | None = None) -> None:
        if outcome not in (REFUSED, STALE):
            await super().audit(change, outcome, token)


MUTANT = Mutant(
    summary="attempts that were refused are left out of the audit",
    experiment="split-brain",
    must_fail=("audit_shows_every_attempt",),
    parts={"stock": WinnersOnly},
)
