"""The broker refuses the token while orders flow. Trading must pause, renew the token by itself, and double nothing."""

from blackstart.faults.custom import Custom
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, eventually
from blackstart.model.experiment import Check, Experiment, Traffic
from blackstart.model.flags import Flags
from blackstart.model.step import HttpCall
from blackstart.model.target import Target
from blackstart.probes.http_column import HttpColumn
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.safety.preflight.link_proofs import SameValue
from blackstart.suites.trader import _broker as at
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, consistent, steady, well
from blackstart.suites.trader._orders import flowing_orders, needed
from blackstart.suites.trader.link import forbidding

# The next order meets the refusal: ten flow in a second, and the trader's own besides.
NOTICED_S = 1.0
SPARE_S = 2.0
_IN_BOOK = {"source": "keys_at_broker", "op": "order"}
_OF_ORDERS = (
    Check(
        "fault_observed",
        "orders_affected",
        {"op": "order", "slow_ms": 500.0},
        hint="No order was attempted and affected while tokens were refused: do those in [orders] reach the broker?",
    ),
    Check(
        "exactly_once",
        "acknowledged_exactly_once",
        _IN_BOOK,
        hint="An order that was answered with success must stand in the broker's book, once: is one that was "
        "refused with the old token sent again by itself, and by its client too?",
    ),
    Check(
        "retry_not_doubled",
        "retry_not_doubled",
        _IN_BOOK,
        hint="The same client_order_id reached the broker twice: is it looked up there before it is sent again?",
    ),
    Check(
        "acknowledged",
        "orders_stay_accepted",
        {"op": "order", "min_share": 0.9},
        hint="Orders were accepted again with the new token, and then were not.",
    ),
)


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Every token is worth nothing, and no new one is issued, until several attempts to renew it have failed."""
    routes = at.broker(target, "token-expiry")
    limits = Limits.of(target, flags)
    answer_s = at.answer_s(target)
    load = flowing_orders(target, timeout_s=answer_s + SPARE_S)
    refusing = at.at_broker(routes, "refusing")
    refuse, accept = ((HttpCall("POST", routes[key]),) for key in ("refuse_tokens", "accept_tokens"))
    accepted = LoadOutcome(beside="plan").is_("ok")
    return Experiment(
        name="token-expiry",
        target="trader",
        hypothesis="When the broker refuses its token the trader pauses, gets a new one by itself, and no order is "
        "doubled or lost.",
        refuse_if=forbidding(),
        link=(SameValue("broker", *at.newest_order_is(routes)),),
        baseline=(
            *well(),
            *((eventually(accepted, within_s=BASELINE_WITHIN_S, name="orders_accepted_before"),) if load else ()),
        ),
        faults=(Custom("refused tokens", "broker", refuse, accept, refusing.is_(True), refusing.is_(False)),),
        during=(_pauses(answer_s + NOTICED_S),),
        recovery=_recovery(flags, bool(load)),
        always=(*steady(), *consistent(target, limits)),
        traffic=Traffic(load) if load else None,
        checks=(*(_OF_ORDERS if load else ()), *_checks(target)),
        collect=(HttpColumn(routes["orders"], "orders", "client_order_id", name="keys_at_broker"),),
        watch=tuple(at.at_broker(routes, field) for field in ("orders", "refused", "token_requests")),
        hold_min_s=at.backoff_shows_s(target, at.TOKEN_BACKOFF),
        settle_s=limits.settles_s(),
        needs=needed(target, _OF_ORDERS),
    )


def _pauses(within_s: float) -> Expectation:
    return eventually(
        read.paused().is_(True),
        within_s=within_s,
        name="orders_pause",
        stays=True,
        requires=read.PAUSED_SHOWN,
        hint="The broker refuses the token, and trading is not paused: what becomes of a 401?",
    )


def _recovery(flags: Flags, loaded: bool) -> tuple[Expectation, ...]:
    resumed = eventually(
        read.paused().is_(False),
        within_s=flags.wait_ready_timeout_s,
        name="resumed",
        stays=True,
        requires=read.PAUSED_SHOWN,
        hint="Tokens are issued again, and trading is still paused: does anybody ask for one?",
    )
    renewed = eventually(
        LoadOutcome(beside="plan").is_("ok"),
        within_s=flags.wait_ready_timeout_s,
        for_s=0.5,
        name="token_renewed",
        hint="Tokens are issued again, and orders are still refused: is the new token the one that is sent?",
    )
    return (resumed, renewed) if loaded else (resumed,)


def _checks(target: Target) -> tuple[Check, ...]:
    return (
        Check(
            "steady_while",
            "no_order_while_paused",
            # Of what is sent with a refused token nothing gets into the book. What was under way is refused, too.
            {"counters": ("broker_orders", "broker_refused"), "flag": "paused", "slack_s": NOTICED_S},
            hint="Orders are sent to the broker although trading is paused.",
        ),
        at.backs_off(
            target,
            "renewal_backs_off",
            "broker_token_requests",
            at.TOKEN_BACKOFF,
            "Attempts to get a token must come further and further apart: a broker locks out who hammers.",
        ),
    )
