"""The registry is asked for each call."""

from blackstart_lab.shop.discovery import Discovery
from blackstart_lab.shop.mutants import LEFT_PENDING, Mutant


class NoAddressCache(Discovery):
    """Nothing is kept."""

    async def addresses(self, name: str) -> list[str]:
        self._cache.pop(name, None)
        return await super().addresses(name)


MUTANT = Mutant(
    summary="addresses are not cached: without the registry no service finds another",
    experiment="discovery-failure",
    must_fail=("orders_confirmed_meanwhile",),
    may_fail=("addresses_outlive_their_time", *LEFT_PENDING),
    parts={"discovery": NoAddressCache},
)
