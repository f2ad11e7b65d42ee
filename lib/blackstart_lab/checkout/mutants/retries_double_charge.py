"""Each try of a payment is a purchase of its own."""

import uuid

from blackstart_lab.checkout.mutants import Mutant
from blackstart_lab.checkout.payment_client import PaymentClient


class NewKeyEachTry(PaymentClient):
    """The gateway can't tell that it has charged before."""

    def key(self, reference: str) -> str:
        return f"{reference}/{uuid.uuid4()}"


MUTANT = Mutant(
    summary="a payment is tried again under a new key: what was charged without an answer is charged twice",
    experiment="partial-failure",
    must_fail=("no_duplicate_charges",),
    may_fail=("eventual_consistency",),  # a session with two charges
    parts={"payments": NewKeyEachTry},
)
