"""A key is all that counts: what else a request says is not compared with the first one."""

from blackstart_lab.checkout.checkouts import Checkouts
from blackstart_lab.checkout.mutants import Mutant


class HashIgnored(Checkouts):
    """The wrong cart gets the right cart's session."""

    def compare(self, first_hash: str, request_hash: str) -> None:
        return


MUTANT = Mutant(
    summary="a key that is used with other parameters is answered with the first request's session",
    experiment="idempotency-conflict",
    must_fail=("idempotency_conflict",),
    may_fail=("answers_have_one_order",),
    parts={"checkouts": HashIgnored},
)
