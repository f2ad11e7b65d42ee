"""The supervisor leaves what was killed where it is."""

from blackstart_lab.flash_sale.mutants import Mutant

MUTANT = Mutant(
    summary="a killed worker, or API, is not started again",
    experiment="worker-crash",
    must_fail=("catches_up",),
    may_fail=("backlog_drains", "acknowledged_exactly_once", "stock_conserved"),
    revived=False,
)
