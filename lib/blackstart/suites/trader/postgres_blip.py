"""PostgreSQL goes away while orders flow. The API must stay up, and no acknowledged order may be lost or doubled."""

from blackstart.faults.pause import Pause
from blackstart.faults.stop import Stop
from blackstart.loads import Commands, OpenLoop
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, eventually
from blackstart.model.experiment import Check, Experiment, LogRow, Traffic
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, consistent, steady, well
from blackstart.suites.trader._orders import KEYS, START_S, flowing_orders, keys_in_database, needed
from blackstart.suites.trader.link import forbidding, links

VARIANTS = ("freeze",)
# Beyond the database's own time limit, an answer may take this much longer.
SPARE_S = 0.5
LEAST_HOLD_S = 3.0
DB_TIMEOUT = "db_timeout_s"
IN_TIME = "order_refused_in_time"
PLAN = "plan"
# A pool's connections of before may fail once more; a relapse that people notice takes more than that.
STAY_ACCEPTED = Check(
    "acknowledged",
    "orders_stay_accepted",
    {"op": "order", "min_share": 0.9},
    hint="Orders were accepted again, and then were not: what gives way once all the clients are back?",
)
# Where the queue's depth is not shown, what is not there may be waiting still: told, but no criterion.
_PLANS_LAND = Check(
    "exactly_once",
    "accepted_plans_land_once",
    {"source": KEYS, "op": PLAN, "drained": read.throttle_depth().name},
    hint="A plan that was accepted before or during the outage was lost from the queue, or placed twice: does its "
    "worker try again?",
    criterion=False,
)


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Orders with keys of their own flow before, during and after; those without a clear answer are sent again."""
    limits = Limits.of(target, flags)
    answer_s = float(target.fact(DB_TIMEOUT, 2.0)) + SPARE_S
    load = flowing_orders(target, timeout_s=answer_s + 2.0)
    accepted = LoadOutcome(beside=PLAN).is_("ok")
    plans = isinstance(load, OpenLoop) and len(load.operations) > 1
    slow_s = 0.5
    if isinstance(load, Commands):
        answer_s = slow_s = answer_s + START_S
    of_orders = (*order_checks(target, answer_s, slow_s), STAY_ACCEPTED)
    return Experiment(
        name="postgres-blip-freeze" if variant else "postgres-blip",
        target="trader",
        hypothesis="Without PostgreSQL the API stays up and refuses orders in time; afterwards every acknowledged "
        "order is there exactly once.",
        refuse_if=forbidding(),
        link=links(target),
        baseline=(
            *well(),
            *((eventually(accepted, within_s=BASELINE_WITHIN_S, name="orders_accepted_before"),) if load else ()),
        ),
        faults=(Pause("postgres") if variant else Stop("postgres"),),
        recovery=(_recovers(flags, bool(load)),),
        drained=(_queue_drains(flags),) if plans else (),
        always=(*steady(), *consistent(target, limits)),
        traffic=Traffic(load) if load else None,
        checks=(*(of_orders if load else ()), *((_PLANS_LAND,) if plans else ())),
        collect=keys_in_database(target, load.key_prefix) if load else (),
        watch=(read.orders_placed(), *((read.throttle_depth(),) if plans else ())),
        hold_min_s=max(LEAST_HOLD_S, answer_s + LEAST_HOLD_S / 2),  # what hangs for longer than it may must be seen to
        settle_s=limits.settles_s(),
        log_title="postgres_blip_chaos_test",
        log_rows=(
            LogRow("health_before", "health", "before"),
            LogRow("health_after_stop", "health", "fault"),
            LogRow("health_after_restart", "health", "end"),
        ),
        needs=needed(target, of_orders, slow=IN_TIME),
    )


def _recovers(flags: Flags, loaded: bool) -> Expectation:
    """Orders are accepted again; without orders there is only what the API says of itself."""
    return eventually(
        LoadOutcome(beside=PLAN).is_("ok") if loaded else read.health().is_("healthy"),
        within_s=flags.wait_ready_timeout_s,
        for_s=0.5,
        name="recovers",
        hint="Orders are still not accepted: does the connection pool open new connections after an outage?",
    )


def _queue_drains(flags: Flags) -> Expectation:
    """Plans that wait are placed: none comes any more, and the load was half of what the queue can place."""
    return eventually(
        read.throttle_depth().is_(0),
        within_s=flags.wait_ready_timeout_s,
        name="queue_drains",
        requires=read.DEPTH_SHOWN,
        criterion=False,
        hint="Plans wait for ever after the outage: does the queue's worker still run?",
    )


def _in_time(target: Target, answer_s: float) -> Check:
    """Against the time limit that the target states for its database; one that states none can't be measured by it."""
    if DB_TIMEOUT not in target.facts:
        missing = {"facts": [f"{DB_TIMEOUT} (the time limit of its calls to the database)"]}
        return Check("undeclared_fact", IN_TIME, {**missing, "expected": "no order waits for the database"})
    return Check(
        "latency_within",
        IN_TIME,
        {"limits_ms": {"max": answer_s * 1000}, "outcome": "", "op": "order", "phase": "fault"},
        hint="An order hung on the database: its calls need a time limit.",
    )


def order_checks(target: Target, answer_s: float, slow_s: float) -> tuple[Check, ...]:
    """Orders are refused in time, and those that were acknowledged are there once."""
    return (
        Check(
            "fault_observed",
            "orders_affected",
            {"op": "order", "slow_ms": slow_s * 1000},
            hint="No order was attempted and affected during the outage: do those in [orders] reach the database?",
        ),
        _in_time(target, answer_s),
        Check(
            "exactly_once",
            "acknowledged_exactly_once",
            {"source": KEYS, "op": "order"},
            hint="An order that was answered with success must be committed before the answer.",
        ),
        Check(
            "retry_not_doubled",
            "retry_not_doubled",
            {"source": KEYS, "op": "order"},
            hint="The same client_order_id placed two orders: is it unique in the database?",
        ),
    )
