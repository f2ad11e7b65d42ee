"""After a loss it takes the lock with an id that nobody knows: who leads can't be told from the key any more."""

import uuid

from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.mutants import Mutant


class AnotherName(LeaderLock):
    """A new client, a new id; the gauge and the orchestrator keep the old one."""

    async def attempt(self) -> bool:
        if self.ever_led:
            self.instance_id = str(uuid.uuid4())
        return await super().attempt()


MUTANT = Mutant(
    summary="takes the lock again under an id that is not the one its gauge shows",
    experiment="leader-lock",
    must_fail=("leader_means_lock",),
    parts={"lock": AnotherName},
)
