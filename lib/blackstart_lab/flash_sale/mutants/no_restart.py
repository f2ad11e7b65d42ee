"""The supervisor leaves what was killed where it is: it is back when a drill, or a person, has started it."""

from blackstart_lab.flash_sale.mutants import Mutant

MUTANT = Mutant(
    summary="a killed worker, or API, is not started again",
    experiment="worker-crash",
    options=("by-supervisor",),
    must_fail=("worker_revived",),
    revived=False,
)
