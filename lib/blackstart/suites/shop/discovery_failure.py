"""The registry goes away. Services go on with the addresses that they know; who begins meanwhile can't register."""

from blackstart.faults.stop import Stop
from blackstart.model.expect import Expectation, eventually
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.schedule import At
from blackstart.model.target import Target
from blackstart.suites.shop import _orders as common
from blackstart.suites.shop import readings as read

NEWCOMER = "event-consumer"
DOWN_S, STARTS_WITHIN_S = 3.0, 30.0
"""How long the newcomer is stopped, and what its start may take, on a busy machine too."""
_LOOKED_AT_S = 6.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """For longer than addresses may be old. One service is started anew meanwhile: it is the new one."""
    ttl_s, beat_s = float(target.fact("cache_ttl_s", 30.0)), float(target.fact("heartbeat_s", 10.0))
    stopped_s = ttl_s + beat_s + 1.0
    away_s = stopped_s + DOWN_S + beat_s + _LOOKED_AT_S
    return common.plain(
        target,
        "discovery-failure",
        "Without the registry orders are confirmed by cached addresses, also old ones; a new service can't register.",
        broke="Registry stopped",
        mended="Registry started",
        faults=(
            At(Stop("platform-coordination"), 0.0, away_s, "without the registry"),
            At(Stop(NEWCOMER), stopped_s, DOWN_S, "newcomer starts"),
        ),
        during=_meanwhile(ttl_s, beat_s, away_s),
        recovery=(
            eventually(
                read.registered(NEWCOMER).is_(True),
                within_s=beat_s + STARTS_WITHIN_S,
                name="newcomer_registers",
                hint="The registry is back, and the service that began without it has not registered.",
            ),
            eventually(
                read.address_age_s("inventory").below(ttl_s + beat_s + 1.0),
                within_s=2 * (ttl_s + beat_s) + STARTS_WITHIN_S,
                for_s=1.0,
                name="addresses_renewed",
                hint="A registry that has forgotten everybody must be told again: do services register anew?",
            ),
            common.confirmed_again(flags.wait_ready_timeout_s),
        ),
        checks=(
            Check(
                "acknowledged",
                "orders_confirmed_meanwhile",
                {"op": common.ORDER, "phase": "fault", "min_share": 0.99, "usual": common.CONFIRMED},
                hint="Orders failed or stayed pending: is a known address used on when nobody can renew it?",
            ),
            common.stays_confirmed(),
        ),
        settle_s=ttl_s + 2 * beat_s,
    )


def _meanwhile(ttl_s: float, beat_s: float, away_s: float) -> tuple[Expectation, ...]:
    return (
        eventually(
            read.registry().is_("away"),
            within_s=2 * beat_s + 5.0,
            name="registry_missed",
            hint="Order does not say that its registry is away.",
        ),
        eventually(
            read.address_age_s("inventory").above(ttl_s),
            within_s=away_s,
            name="addresses_outlive_their_time",
            requires="shop_discovery_age_seconds at order:/metrics",
            hint="Addresses are renewed, or forgotten, although the registry is away.",
        ),
        eventually(
            read.registered(NEWCOMER).is_(False),
            within_s=away_s + STARTS_WITHIN_S,
            for_s=1.0,
            name="newcomer_not_registered",
            hint="A service that began without a registry says that it is registered.",
        ),
    )
