"""A program that leaks takes all that there is."""

from blackstart_lab.shop.mutants import Mutant

MUTANT = Mutant(
    summary="nobody ends a catalog that takes more memory than it may",
    experiment="memory-leak",
    must_fail=("product_catalog_revived", "product_catalog_healthy_again", "memory_below_limit"),
    limited=False,
)
