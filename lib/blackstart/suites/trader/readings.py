"""The readings of a trader: what its routes and metrics say. The lab's stand-in and the real system answer alike.

Each function takes the name of a service that has a url of its own (`api-2`), so that two instances can be read;
without one it is the target's API. Times are seconds, depths and counts are numbers.
"""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.model.reading import Answer, Picked, ReadingKind, Scalar
from blackstart.probes.http import HttpJson, HttpStatus
from blackstart.probes.metrics import Metric, MetricLabel
from blackstart.probes.redis_value import RedisCommand

Heartbeat = Literal["scan", "order_stream", "marketdata"]
# As the rows of the original evidence call them.
HEARTBEATS: dict[Heartbeat, str] = {
    "scan": "scan_heartbeat",
    "order_stream": "order_heartbeat",
    "marketdata": "marketdata_heartbeat",
}

# What a trader must show for these to be observable.
LEADER_SHOWN = "trader_is_leader at /metrics"
PAUSED_SHOWN = "is_paused or paused at /state"
NOT_SHOWN = "not shown"
NOBODY = "(nobody)"
DEPTH_SHOWN = "trader_throttle_queue_depth at /metrics"


def _path(route: str, service: str) -> str:
    return f"{service}:{route}" if service else route


def _name(name: str, service: str) -> str:
    return f"{service}_{name}".replace("-", "_") if service else name


def ready(service: str = "") -> HttpStatus:
    """Status of /ready: 200 while it leads and its heartbeats are fresh, 503 otherwise."""
    return HttpStatus(_path("/ready", service), _name("ready", service))


def health(service: str = "") -> HttpJson:
    """`healthy` from /health; it says that the process answers, and nothing of what it depends on."""
    return HttpJson(_path("/health", service), "status", _name("health", service))


def paused(service: str = "") -> HttpJson:
    """Whether trading is paused, from /state, under either of its names."""
    return HttpJson(_path("/state", service), "is_paused|paused", _name("paused", service))


def mode(service: str = "") -> HttpJson:
    """`PAPER` or `LIVE`, from /state."""
    return HttpJson(_path("/state", service), "mode", _name("mode", service))


@plain("probe.lock_holder")
class LockHolder(RedisCommand):
    """Who holds the leader's lock. That nobody does is a value, too: whoever leads then has it not."""

    def pick(self, answer: Answer) -> Picked:
        """The holder's id, or that there is none."""
        kind, value, note = RedisCommand.pick(self, answer)
        return ("value", NOBODY, "") if kind == "absent" else (kind, value, note)


@plain("probe.mode_shown")
class ModeShown(HttpJson):
    """Whether the mode is shown at all: `not shown` is a value of it, so that it can be refused."""

    def pick(self, answer: Answer) -> tuple[ReadingKind, Scalar, str]:
        """The mode, or `not shown`."""
        kind, value, note = HttpJson.pick(self, answer)
        return ("value", NOT_SHOWN, note) if kind == "absent" else (kind, value, note)


def mode_shown() -> ModeShown:
    """The mode as above, where one that is not shown is a value."""
    return ModeShown("/state", "mode", "mode")


def leader(service: str = "") -> Metric:
    """1 while this instance leads, 0 otherwise; the sum of all label sets, absent before the first lock."""
    return _metric("trader_is_leader", "leader", service)


def leaders(service: str = "") -> Metric:
    """How many leaders the instance shows: the same sum, under a name that says what more than one means."""
    return _metric("trader_is_leader", "leaders", service)


def instance_id(service: str = "") -> MetricLabel:
    """The uuid of the orchestrator that leads, absent while none does; another one means that it was restarted."""
    path = _path("/metrics", service)
    return MetricLabel("trader_is_leader", "instance_id", path=path, name=_name("instance_id", service))


def heartbeat(which: Heartbeat, service: str = "") -> Metric:
    """Age in seconds of the last beat."""
    path = _path("/metrics", service)
    return Metric(f"trader_{which}_heartbeat_seconds", path=path, name=_name(HEARTBEATS[which], service))


def heartbeats(service: str = "") -> tuple[Metric, ...]:
    """All three: scan, order stream, market data."""
    return tuple(heartbeat(which, service) for which in HEARTBEATS)


def scan_ticks(service: str = "") -> Metric:
    """Scans since the process began; a count that falls was a restart."""
    return _metric("trader_scan_ticks_total", "scan_ticks", service)


def kill_switch(service: str = "", reason: str = "leader_lock_lost") -> Metric:
    """How often trading was cut off for that reason: once per failed try to get the lock back."""
    return _metric("trader_kill_switch_total", f"kill_switch_{reason}", service, {"reason": reason})


def reconnects(service: str = "") -> Metric:
    """Attempts to connect to the stream of market data again."""
    return _metric("trader_marketdata_reconnects_total", "reconnects", service)


def throttle_depth(service: str = "") -> Metric:
    """Plans accepted and not yet placed; absent until the queue was first used."""
    return _metric("trader_throttle_queue_depth", "throttle_depth", service)


def orders_placed(service: str = "", status: str = "") -> Metric:
    """Orders placed, all of them or those with one status; absent before the first."""
    name = f"orders_{status.lower()}" if status else "orders_placed"
    return _metric("trader_orders_placed_total", name, service, {"status": status} if status else {})


def _metric(series: str, name: str, service: str, labels: dict[str, str] | None = None) -> Metric:
    return Metric(series, labels or {}, "sum", _path("/metrics", service), _name(name, service))
