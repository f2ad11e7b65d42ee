"""Extends a lock without asking whose it is, and trusts a lease that ran out while it was frozen."""

from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.mutants import Mutant


class TwoLeaders(LeaderLock):
    """Woken after another has taken over, it believes that it still leads."""

    EXTEND_SCRIPT = "return redis.call('PEXPIRE', KEYS[1], ARGV[2])"

    def lease_is_over(self) -> bool:
        return False


MUTANT = Mutant(
    summary="a leader that was frozen beyond the TTL goes on leading beside its successor",
    experiment="leader-lock",
    options=("freeze-leader",),
    instances=2,
    must_fail=("leader_1_again", "leadership_disjoint", "lock_held_by_one"),
    may_fail=("leader_means_lock_api", "leader_means_lock_api_2", "tokens_grow"),
    parts={"lock": TwoLeaders},
)
