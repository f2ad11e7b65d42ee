"""A burst of distinct plans. The throttle queue must take it, drain it, and place every plan once."""

from blackstart.loads import Burst, OpenLoop, Operation, constant
from blackstart.model.expect import Expectation, eventually
from blackstart.model.experiment import Check, Experiment, LogRow, Traffic
from blackstart.model.flags import Flags
from blackstart.model.reading import Probe
from blackstart.model.target import Target
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, consistent, steady, stored, well
from blackstart.suites.trader._orders import keys_at_orders, keys_in_database, operation
from blackstart.suites.trader._schema import KEY_COLUMN
from blackstart.suites.trader.link import forbidding

SPARE_S = 15.0
ANSWER_WITHIN_MS = 2000.0
MOST_AT_ONCE = 300
SPIKE_S = 2.0
FASTEST_PER_S = 2000.0
# What an older version of the trader, or a drill of before, has left doubled accuses nobody.
_KEYS_BEFORE, _DUPLICATES_BEFORE = "keys_at_orders_before", "duplicates_before"


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """As many plans as PLAN_COUNT says, all in flight at once."""
    limits = Limits.of(target, flags)
    rate_per_s = float(target.fact("throttle_orders_per_s", 1.0))
    plan = operation(target, "plans", timeout_s=30.0)
    load = plan and _burst(plan, flags.plan_count)
    database = keys_in_database(target, load.key_prefix) if load else ()
    shown = max(10_000, flags.plan_count)
    return Experiment(
        name="rate-limit-spike",
        target="trader",
        hypothesis="A burst of plans waits in the throttle queue, it drains, and every accepted plan lands once.",
        refuse_if=forbidding(),
        baseline=well(),
        during=(_rises(rate_per_s),),
        recovery=(_returns(flags.plan_count / rate_per_s + SPARE_S),),
        always=(*steady(), *consistent(target, limits)),
        traffic=Traffic(load, "fault") if load else None,
        checks=_checks(bool(database) and KEY_COLUMN in target.facts, flags.plan_count <= MOST_AT_ONCE),
        collect=(*database, keys_at_orders(shown), *_duplicates(target, "duplicates")),
        collect_before=(keys_at_orders(shown, _KEYS_BEFORE), *_duplicates(target, _DUPLICATES_BEFORE)),
        watch=(read.orders_placed(), read.throttle_depth()),
        hold_min_s=0.0,
        hold_max_s=60.0,
        settle_s=limits.settles_s(),
        log_title="rate_limit_chaos_test",
        log_rows=(
            LogRow("throttle_before", "throttle_depth", "before"),
            LogRow("throttle_peak", "throttle_depth", "peak"),
            LogRow("throttle_after", "throttle_depth", "end"),
            LogRow("orders_before", "orders_placed", "before"),
            LogRow("orders_after", "orders_placed", "end"),
            LogRow("duplicates", "duplicates", "end"),
        ),
        log_facts=(("plan_count", str(flags.plan_count)),),
        needs={"plans": ()},
    )


def _rises(rate_per_s: float) -> Expectation:
    return eventually(
        read.throttle_depth().above(0),
        within_s=10.0,
        name="depth_rises",
        momentary=True,
        drains_per_s=rate_per_s,
        requires=read.DEPTH_SHOWN,
        hint="The burst was not queued: are the plans distinct, and is there a throttle at all?",
    )


def _returns(within_s: float) -> Expectation:
    return eventually(
        read.throttle_depth().is_(0),
        within_s=within_s,
        name="depth_returns_to_0",
        requires=read.DEPTH_SHOWN,
        hint="The queue does not drain: is its worker still running?",
    )


def _burst(plan: Operation, count: int) -> Burst | OpenLoop:
    """All in flight at once, up to what a server's file limit bears; more than that as a short spike."""
    if count <= MOST_AT_ONCE:
        return Burst(count, plan, name="plans")
    rate_per_s = min(count / SPIKE_S, FASTEST_PER_S)
    return OpenLoop((plan,), constant(rate_per_s, count / rate_per_s), name="plans")


def _duplicates(target: Target, name: str) -> tuple[Probe, ...]:
    groups = "SELECT 1 FROM {orders} WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1"
    return stored(target, f"SELECT count(*) FROM ({groups}) AS doubled", name)


def _checks(database: bool, at_once: bool) -> tuple[Check, ...]:
    source = "keys" if database else "keys_at_orders"
    overlaps = Check("overlap", "burst_overlaps", {"op": "plan"})
    return (
        overlaps if at_once else Check("rate_reached", "burst_sent", {"op": "plan"}),
        Check(
            "exactly_once",
            "every_plan_lands_once",
            {"source": source, "op": "plan", "drained": read.throttle_depth().name},
            hint="A plan was accepted and never placed, or placed twice: look at what the throttle does under a burst.",
        ),
        # Where the database can be asked that is told below, and an API without /orders lacks nothing.
        Check(
            "no_duplicates",
            "no_duplicate_in_orders",
            {"source": "keys_at_orders", "op": "plan", "before": _KEYS_BEFORE},
            criterion=not database,
        ),
        Check("outcomes", "no_5xx", {"allowed": ["2xx", "4xx"], "op": "plan"}),
        Check(
            "latency_within", "answers_in_time", {"limits_ms": {"p99": ANSWER_WITHIN_MS}, "outcome": "", "op": "plan"}
        ),
        # Where the database can't be asked, or not by a name that it declares, /orders must do: this is only told.
        Check(
            "final_is",
            "no_duplicate_in_database",
            {"probe": "duplicates", "wanted": 0, "before": _DUPLICATES_BEFORE},
            hint="The same client_order_id stands twice in the orders table: it needs a unique constraint.",
            criterion=database,
        ),
    )
