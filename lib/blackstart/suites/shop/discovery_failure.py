"""The registry goes away. Services go on with the addresses that they know; who begins meanwhile can't register."""

from blackstart.faults.stop import Stop
from blackstart.model.expect import Expectation, eventually
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.relations import implies
from blackstart.model.schedule import At
from blackstart.model.target import Target
from blackstart.suites.shop import _orders as common
from blackstart.suites.shop import readings as read

NEWCOMER = "event-consumer"
STOPS_S, DOWN_S, STARTS_WITHIN_S = 4.0, 6.0, 30.0
"""How long before the registry the newcomer is stopped, how long it stays so, and what its start may take, on a busy
machine too."""
_LOOKED_AT_S, _MISSED_WITHIN_S = 9.0, 5.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """For longer than addresses may be old. One service is started anew meanwhile: it is the new one. It is stopped
    before the registry is, so that what it says without the registry is never said by the process of before."""
    ttl_s, beat_s = float(target.fact("cache_ttl_s", 30.0)), float(target.fact("heartbeat_s", 10.0))
    old_s = ttl_s + beat_s + 1.0
    outlived_s, missed_s = old_s + _LOOKED_AT_S, 2 * beat_s + _MISSED_WITHIN_S
    # What is late is seen to be so, also where the newcomer takes long to stop, from which deadlines count.
    away_s = max(outlived_s, missed_s) + DOWN_S
    return common.plain(
        target,
        "discovery-failure",
        "Without the registry orders are confirmed by cached addresses, also old ones; a new service can't register.",
        broke="Registry stopped",
        mended="Registry started",
        faults=(
            At(Stop(NEWCOMER), 0.0, DOWN_S, "newcomer starts"),
            At(Stop("platform-coordination"), STOPS_S, away_s, "without the registry"),
        ),
        during=_meanwhile(old_s, STOPS_S + outlived_s, STOPS_S + missed_s),
        always=(
            implies(
                read.registry(NEWCOMER).is_("away"),
                read.registered(NEWCOMER).is_(False),
                for_s=1.0,
                name="newcomer_not_registered",
                hint="A service that began without a registry says that it is registered.",
            ),
        ),
        recovery=(
            eventually(
                read.registered(NEWCOMER).is_(True),
                within_s=beat_s + STARTS_WITHIN_S,
                name="newcomer_registers",
                hint="The registry is back, and the service that began without it has not registered.",
            ),
            eventually(
                read.address_age_s("inventory").below(old_s),
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


def _meanwhile(old_s: float, outlived_s: float, missed_s: float) -> tuple[Expectation, ...]:
    """An address older than `old_s` is one that a registry which is there would have renewed."""
    return (
        eventually(
            read.registry().is_("away"),
            within_s=missed_s,
            name="registry_missed",
            hint="Order does not say that its registry is away.",
        ),
        eventually(
            read.address_age_s("inventory").above(old_s),
            within_s=outlived_s,
            name="addresses_outlive_their_time",
            requires="shop_discovery_age_seconds at order:/metrics",
            hint="Addresses are renewed, or forgotten, although the registry is away.",
        ),
    )
