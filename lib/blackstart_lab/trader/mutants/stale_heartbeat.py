"""After a loss the order stream comes back late for good: its last beat is always older than the limit allows."""

from blackstart_lab.trader.config import HEARTBEAT_MAX_S
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.mutants import Mutant

_LAG_S = 1.06 * HEARTBEAT_MAX_S  # with the stream's own half second it stays within 20 % above the limit


class StaleHeartbeat(Heart):
    """Lags once leadership was lost."""

    def age_s(self, name: str) -> float:
        lost_once = bool(self.lock.intervals) and self.lock.intervals[0].lost is not None
        return super().age_s(name) + (_LAG_S if name == "order_stream" and lost_once else 0.0)


MUTANT = Mutant(
    summary="the order stream's heartbeat stays stale after a loss",
    experiment="leader-lock",
    must_fail=("order_heartbeat_fresh", "ready_200_again"),  # readiness counts all three heartbeats
    parts={"heart": StaleHeartbeat},
)
