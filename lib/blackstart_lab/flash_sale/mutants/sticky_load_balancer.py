"""The load balancer has one instance for each key, looks after none of them, and asks no other."""

from blackstart_lab.flash_sale.mutants import Mutant

MUTANT = Mutant(
    summary="requests of a killed instance are answered with 502 or 503 until it is back",
    experiment="api-kill",
    must_fail=("api_available",),
    may_fail=("api_available_in_recovery", "orders_stay_accepted"),
    sticky=True,
)
