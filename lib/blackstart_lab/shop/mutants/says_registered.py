"""A service says that it is registered before it is."""

from blackstart_lab.shop.counters import ShopSeries
from blackstart_lab.shop.discovery import Discovery
from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.settings import Settings


class SaysRegistered(Discovery):
    """It has tried to, after all."""

    def __init__(self, settings: Settings, instance_id: str, series: ShopSeries) -> None:
        super().__init__(settings, instance_id, series)
        self.was_registered = True


MUTANT = Mutant(
    summary="a service that could not register says that it is registered and ready",
    experiment="discovery-failure",
    must_fail=("newcomer_not_registered",),
    parts={"discovery": SaysRegistered},
)
