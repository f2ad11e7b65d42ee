"""Inventory answers five seconds late. The breaker of order opens, orders stay pending, and all of them are settled."""

from dataclasses import replace

from blackstart.base.errors import NotShown
from blackstart.faults.latency import Latency
from blackstart.model.expect import Expectation, eventually
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.suites.shop import _orders as common
from blackstart.suites.shop import _stock as stock
from blackstart.suites.shop import readings as read

DELAY_MS = 5000
RATE_PER_S = 5.0
OPENS_WITHIN_S, SPARE_S = 15.0, 15.0
"""What a breaker that says nothing of itself may take to open, and what any may take, beyond its time, to close."""
_OPENS_SPARE_S, _BEYOND_S = 3.0, 5.0
# A fault of the network lapses after 600 s.
_LONGEST_S = 570.0
FAST_MS = 500.0
"""What half of the orders may take meanwhile: a tenth of what inventory does."""
OTHERS = ("platform-coordination", "product-catalog")
_PENDING = "pending"
_SHOWN = "shop_breaker_state at order:/metrics"


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """All instances of inventory, on the way from order to them; they themselves are as quick as ever. Raises NotShown
    for a breaker that judges too many calls."""
    instances = stock.instances(target)
    opens_s = _opens_within_s(target)
    made = common.plain(
        target,
        "cascading-failure",
        "With a slow inventory order's breaker opens, orders stay pending, and no other service suffers.",
        rate_per_s=RATE_PER_S,
        broke="Inventory slowed",
        mended="Inventory at its own pace",
        faults=tuple(Latency(name, DELAY_MS) for name in instances),
        during=(_opens(opens_s), _falls_back(opens_s)),
        recovery=_recovers(float(target.fact("breaker_open_s", 10.0)) + SPARE_S),
        always=tuple(stock.stays_healthy(name) for name in (*OTHERS, *instances)),
        checks=(
            common.only("answered_meanwhile", ("2xx",), "fault", 0.99, "Orders failed for a slow inventory."),
            Check(
                "latency_within",
                "fails_fast",
                {"limits_ms": {"p50": FAST_MS}, "outcome": "", "op": common.ORDER, "phase": "fault"},
                hint="Orders wait for the slow inventory.",
            ),
            common.in_time(target, "answered_in_time"),
            common.stays_confirmed(),
            stock.reserved_as_confirmed(),
        ),
        watch=tuple(read.breaker(state) for state in ("closed", "open", "half_open")),
        hold_min_s=_holds_s(opens_s),
    )
    assert made.traffic
    prefix = made.traffic.load.key_prefix
    return replace(
        made,
        drained=(_settled(target, prefix), *made.drained),
        collect=(*made.collect, stock.unreserved(prefix)),
    )


def _opens_within_s(target: Target) -> float:
    """Once all calls that a breaker judges by were slow it is open."""
    judged_s = float(target.fact("breaker_window_s", 0.0)) or target.fact("breaker_window_calls", 0) / RATE_PER_S
    if not judged_s:
        return OPENS_WITHIN_S
    opens_s = judged_s + float(target.fact("call_timeout_s", DELAY_MS / 1000)) + _OPENS_SPARE_S
    if _holds_s(opens_s) > _LONGEST_S:
        raise NotShown(
            f"cascading-failure sends {RATE_PER_S:g} orders a second, and the breaker of {target.name} judges by so "
            f"many calls that it may take {opens_s:.0f} s to open (breaker_window_calls, breaker_window_s, "
            f"call_timeout_s); inventory is slow for {_LONGEST_S:g} s at most"
        )
    return opens_s


def _holds_s(opens_s: float) -> float:
    """Long enough that most orders find it open, however late that was."""
    return 2 * opens_s + _BEYOND_S


def _opens(within_s: float) -> Expectation:
    return eventually(
        read.breaker("open").is_(1),
        within_s=within_s,
        name="breaker_opens",
        requires=_SHOWN,
        momentary=True,
        hint="Is there a breaker around the calls to inventory, and do they have a limit at all?",
    )


def _falls_back(within_s: float) -> Expectation:
    return eventually(
        LoadOutcome(name="fallback", usual=common.CONFIRMED).is_(_PENDING),
        within_s=within_s,
        name="fallback_answers",
        hint="No order was taken as pending: what does order answer without its inventory?",
    )


def _recovers(within_s: float) -> tuple[Expectation, ...]:
    return (
        eventually(
            read.breaker("closed").is_(1),
            within_s=within_s,
            for_s=1.0,
            name="breaker_closes",
            requires=_SHOWN,
            hint="Inventory answers again and the breaker stays open: are its trial calls made, and counted?",
        ),
        common.confirmed_again(within_s),
    )


def _settled(target: Target, prefix: str) -> Expectation:
    return eventually(
        read.pending(prefix).is_(0),
        within_s=common.settled_within_s(target),
        for_s=1.0,
        name="pending_settled",
        hint="Orders that were taken as pending are neither confirmed nor cancelled: who comes back to them?",
    )
