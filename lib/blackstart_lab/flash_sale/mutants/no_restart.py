"""The supervisor leaves what was killed where it is. No drill finds that yet: each starts again what it has killed."""

from blackstart_lab.flash_sale.mutants import Mutant

MUTANT = Mutant(
    summary="a killed worker, or API, is not started again",
    experiment="worker-crash",
    must_fail=("catches_up",),
    may_fail=("backlog_drains", "acknowledged_exactly_once", "stock_conserved"),
    revived=False,
)
