"""The stream of market data is lost. Readiness must tell, it must come back by itself, and no tick may stay missing."""

from blackstart.faults.blackhole import Blackhole
from blackstart.faults.cut import Cut
from blackstart.model.expect import Expectation, eventually
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.safety.preflight.link_proofs import SameValue
from blackstart.suites.trader import _broker as at
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, consistent, steady, well
from blackstart.suites.trader.link import forbidding

# Cut, the connection ends; silent, it stays open and nothing comes any more, which nobody is told.
VARIANTS = ("silent",)
# Gauges are refreshed once a second, and readiness goes by them.
SHOWN_S = 2.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Held until the heartbeat's limit is over and several attempts to connect have failed."""
    routes = at.broker(target, "websocket-reconnect")
    at.need_stream(target, "websocket-reconnect")
    limits = Limits.of(target, flags)
    stored = at.ticks(target)
    silent_s = float(target.fact("stream_silent_s", 5.0)) if variant else 0.0
    sent = at.at_broker(routes, "last_tick")
    held_s = max(limits.heartbeat_s + SHOWN_S + 1.0, silent_s + at.backoff_shows_s(target, at.STREAM_BACKOFF))
    beat = read.heartbeat("marketdata")
    return Experiment(
        name="websocket-reconnect-silent" if variant else "websocket-reconnect",
        target="trader",
        hypothesis="Without market data the trader says that it is not ready, connects again by itself, and fetches "
        "what it missed.",
        refuse_if=forbidding(),
        link=(SameValue("marketdata", sent, stored[0]),) if stored else (),
        baseline=(
            *well(),
            eventually(read.ready().is_(200), within_s=15.0, name="ready_before"),
            eventually(beat.below(limits.heartbeat_s), within_s=15.0, name="marketdata_heartbeat_before"),
        ),
        faults=(Blackhole("marketdata", stream="both") if variant else Cut("marketdata"),),
        during=_during(limits),
        recovery=_recovery(limits),
        always=(*steady(), *consistent(target, limits, criterion=True)),
        checks=_checks(target),
        watch=(read.reconnects(), sent, *stored),
        hold_min_s=held_s,
        settle_s=limits.settles_s(held_s),
        needs=dict.fromkeys(at.TICKS_TOLD_BY, ("gap_filled",)),
    )


def _during(limits: Limits) -> tuple[Expectation, ...]:
    beat = read.heartbeat("marketdata")
    return (
        eventually(
            beat.above(limits.heartbeat_s),
            within_s=limits.heartbeat_s + SHOWN_S,
            name="marketdata_heartbeat_grows",
            stays=True,
            requires=f"{beat.series} at /metrics",
            hint="No tick came, and the heartbeat of the market data does not age: what else does it beat with?",
        ),
        eventually(
            read.ready().is_(503),
            within_s=limits.heartbeat_s + SHOWN_S,
            name="ready_503",
            stays=True,
            hint="Does /ready follow the heartbeat of the market data? A dead API would show as unreachable.",
        ),
    )


def _recovery(limits: Limits) -> tuple[Expectation, ...]:
    beat = read.heartbeat("marketdata")
    return (
        eventually(
            beat.fresh(limits.heartbeat_s),
            within_s=limits.back_s,
            name="marketdata_heartbeat_fresh",
            requires=f"{beat.series} at /metrics",
            hint="The stream can be had again, and no tick comes: look for attempts to connect in the logs.",
        ),
        eventually(
            read.ready().is_(200),
            within_s=limits.back_s,
            name="ready_200_again",
            stays=True,
            hint="Check the heartbeats at /ready.",
        ),
    )


def _checks(target: Target) -> tuple[Check, ...]:
    return (
        at.backs_off(
            target,
            "reconnect_backs_off",
            read.reconnects().name,
            at.STREAM_BACKOFF,
            "Attempts to connect to the stream must come further and further apart.",
        ),
        Check(
            "gap_filled",
            "gap_filled",
            {"missing": "missing_ticks", "newest": "newest_tick", "sent": "broker_last_tick"},
            hint="Ticks that were sent while the stream was lost are missing for good: are their numbers looked at, "
            "and what was skipped asked for?",
        ),
    )
