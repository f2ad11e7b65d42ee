"""It answers at once, and leads only some seconds later."""

import asyncio
from typing import Any

from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.variants import Variant

_WARMS_UP_S = 6.0


class WarmsUp(LeaderLock):
    """Asks for the lock when all is loaded."""

    async def run(self, *given: Any) -> None:
        await asyncio.sleep(_WARMS_UP_S)
        await super().run(*given)


VARIANT = Variant(summary="leads some seconds after it answers", parts={"lock": WarmsUp}, up_before_it_leads=True)
