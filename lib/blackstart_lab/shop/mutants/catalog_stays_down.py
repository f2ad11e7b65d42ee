"""What was ended for its memory stays down until a person starts it."""

from blackstart_lab.shop.mutants import Mutant

MUTANT = Mutant(
    summary="the supervisor does not start the catalog again when it was ended for its memory",
    experiment="memory-leak",
    must_fail=("product_catalog_revived", "product_catalog_healthy_again"),
    may_fail=("memory_below_limit",),
    revived=False,
)
