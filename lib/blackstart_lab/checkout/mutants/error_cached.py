"""An error is kept as the answer to its key, for ever."""

from typing import Any

from blackstart_lab.checkout.cart import Cart
from blackstart_lab.checkout.checkouts import Checkouts, Opened
from blackstart_lab.checkout.failures import CheckoutError
from blackstart_lab.checkout.mutants import Mutant


class KeepsErrors(Checkouts):
    """What failed once fails always."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._failed: dict[str, CheckoutError] = {}

    async def in_time(self, key: str, cart: Cart) -> Opened:
        if key in self._failed:
            raise self._failed[key]
        try:
            return await super().in_time(key, cart)
        except CheckoutError as error:
            self._failed[key] = error
            raise


MUTANT = Mutant(
    summary="an error is kept as the answer to its key: a retry after the recovery gets it again",
    experiment="database-failure-with-recovery",
    must_fail=("successful_retry_after_recovery",),
    parts={"checkouts": KeepsErrors},
)
