"""Products are acknowledged from memory, and written later."""

from blackstart_lab.shop.catalog import Catalog, Product
from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.records import Records

_WRITTEN_AT_ONCE = 50


class WrittenLater(Catalog):
    """What a process that is killed has not written yet is gone."""

    def __init__(self, records: Records) -> None:
        super().__init__(records)
        self._unwritten: dict[str, Product] = {}

    async def add(self, product: Product) -> Product:
        self._unwritten[product["id"]] = product
        if len(self._unwritten) >= _WRITTEN_AT_ONCE:
            unwritten, self._unwritten = self._unwritten, {}
            for one in unwritten.values():
                await super().add(one)
        return product

    async def get(self, known: str) -> Product:
        return self._unwritten.get(known) or await super().get(known)


MUTANT = Mutant(
    summary="the catalog acknowledges products before they are written: a restart loses them",
    experiment="memory-leak",
    must_fail=("products_kept",),
    may_fail=("orders_confirmed_meanwhile",),
    parts={"catalog": WrittenLater},
)
