"""An address that can't be renewed is forgotten."""

from blackstart_lab.shop.discovery import Discovery
from blackstart_lab.shop.mutants import LEFT_PENDING, Mutant


class CacheForgets(Discovery):
    """No address is older than it may be, and then there is none."""

    async def renew(self, name: str) -> None:
        before = self._cache.get(name)
        await super().renew(name)
        if before is not None and self._cache.get(name) is before:
            del self._cache[name]


MUTANT = Mutant(
    summary="a cached address is dropped once its time is over, also when the registry can't be asked",
    experiment="discovery-failure",
    must_fail=("orders_confirmed_meanwhile",),
    may_fail=("addresses_outlive_their_time", *LEFT_PENDING),
    parts={"discovery": CacheForgets},
)
