"""Inventory asks the catalog for every product, and can do nothing while that does not answer."""

from blackstart_lab.shop.exceptions import NotFound
from blackstart_lab.shop.known_products import KnownProducts
from blackstart_lab.shop.mutants import Mutant


class AsksAlways(KnownProducts):
    """What was known is not used on."""

    async def need(self, product: str) -> None:
        if not await self.ask(product):
            raise NotFound(f"the catalog has no product {product}")


MUTANT = Mutant(
    summary="inventory reserves nothing while the catalog is away: its restarts are felt by every order",
    experiment="memory-leak",
    must_fail=("orders_confirmed_meanwhile",),
    parts={"products": AsksAlways},
)
