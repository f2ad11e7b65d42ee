"""The series of `/metrics`. Labelled ones have no sample line until they are first used, as in the real system."""

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

disable_created_metrics()

HEARTBEATS = ("marketdata", "order_stream", "scan")
SUPERVISOR_STATES = {0: "stopped", 1: "running", 2: "done", 3: "exception", 4: "stopping"}


class Metrics:
    """The trader's own registry; `/metrics/` with a trailing slash serves another one without these."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.is_leader = Gauge("trader_is_leader", "1 while leading", ["instance_id"], registry=self.registry)
        self.heartbeats = {
            name: Gauge(f"trader_{name}_heartbeat_seconds", f"Age of the last {name} beat", registry=self.registry)
            for name in HEARTBEATS
        }
        self.scan_ticks = Counter("trader_scan_ticks", "Scans so far", registry=self.registry)
        self.scan_supervisor_state = Gauge(
            "trader_scan_supervisor_state",
            "0 stopped, 1 running, 2 done, 3 exception, 4 stopping",
            registry=self.registry,
        )
        self.kill_switch = Counter("trader_kill_switch", "Trading cut off", ["reason"], registry=self.registry)
        self.leader_changes = Counter("trader_leader_changes", "Leaderships begun", registry=self.registry)
        self.throttle_queue_depth = Gauge(
            "trader_throttle_queue_depth", "Plans accepted and not yet placed", ["type"], registry=self.registry
        )
        self.orders_placed = Counter(
            "trader_orders_placed", "Orders by outcome", ["order_type", "status"], registry=self.registry
        )
