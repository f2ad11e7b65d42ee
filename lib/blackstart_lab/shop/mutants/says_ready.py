"""Health tells of the database as it was."""

from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.records import Records


class SaysReady(Records):
    """What was there once is taken to be there."""

    _name = ""

    async def which(self) -> str:
        self._name = await super().which() or self._name
        return self._name


MUTANT = Mutant(
    summary="a service says that it is ready while it gets no connection to the database",
    experiment="connection-exhaustion",
    must_fail=("order_unwell", "inventory_1_unwell", "inventory_2_unwell"),
    parts={"records": SaysReady},
)
