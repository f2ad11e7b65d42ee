"""What leadership means for the rest: the gauge, the kill switch, pausing and resuming."""

from blackstart_lab.trader.desk import Desk
from blackstart_lab.trader.metrics import Metrics


class Orchestrator:
    """Told by the lock; makes the change visible and acts on it in the same breath."""

    def __init__(self, instance_id: str, desk: Desk, metrics: Metrics) -> None:
        self.instance_id = instance_id
        self.desk = desk
        self.metrics = metrics

    def acquired(self) -> None:
        self.show_leader(1)
        self.metrics.leader_changes.inc()
        self.desk.resume("leader lock acquired")

    def lost(self, reason: str) -> None:
        self.show_leader(0)
        self.failed_cycle()
        self.desk.pause(f"leader lock lost: {reason}")

    def failed_cycle(self) -> None:
        self.metrics.kill_switch.labels(reason="leader_lock_lost").inc()

    def show_leader(self, value: int) -> None:
        self.metrics.is_leader.labels(instance_id=self.instance_id).set(value)
