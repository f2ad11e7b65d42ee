"""Who has registered does not do so again."""

from typing import Any

from blackstart_lab.shop.discovery import Discovery
from blackstart_lab.shop.mutants import Mutant


class RegistersOnce(Discovery):
    """A registry that has forgotten it is never told."""

    async def _ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        if self.was_registered and path.endswith("/register"):
            return 409, {}
        return await super()._ask(method, path, body)


MUTANT = Mutant(
    summary="services register when they begin and never again: a registry that was started anew knows nobody",
    experiment="discovery-failure",
    must_fail=("addresses_renewed",),
    parts={"discovery": RegistersOnce},
)
