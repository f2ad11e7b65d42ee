"""Redis answers 0, 50, 100 and 500 ms late. Orders take longer by its round trips; up to 100 ms none fails for it."""

from collections.abc import Iterator

from blackstart.faults.latency import Latency
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.schedule import At
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read

DELAYS_MS = (0, 50, 100, 500)
MOST_ERRORS = {0: 0.0, 50: 0.0, 100: 0.01}
"""The share of orders that may fail, by the delay in ms; beyond these an application may refuse them."""
# How often an order may ask Redis, one after the other, where the target does not say it.
ROUND_TRIPS = 4
SPARE_MS = {"p50": 200, "p99": 1000}  # one in seven comes twice at once, and waits for the other
_HOLD_S, _EVERY_S = 6.0, 8.5  # what waits when a step ends has had its answer when the next begins


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """One sweep; at 500 ms an application may refuse, and what it accepts must still be true."""
    trips = int(target.fact("redis_round_trips", ROUND_TRIPS))
    steps = {delay_ms: f"{delay_ms} ms" for delay_ms in DELAYS_MS}
    return common.plain(
        target,
        "redis-latency",
        "The later Redis answers, the longer orders take; none is lost for it, and up to 100 ms late none is refused.",
        words=("Redis slowed", "Redis at its own pace"),
        faults=tuple(
            At(Latency("redis", delay_ms) if delay_ms else None, number * _EVERY_S, _HOLD_S, name)
            for number, (delay_ms, name) in enumerate(steps.items())
        ),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s), common.catches_up(target)),
        always=common.same_process(*read.instances(target), "worker"),
        sold_out_s=2.5 * _EVERY_S,  # in the third of four steps
        checks=(*(check for step in steps.items() for check in _expected(*step, trips)), common.stays_accepted()),
    )


def _expected(delay_ms: int, step: str, trips: int) -> Iterator[Check]:
    """Of one step: that it was felt, that orders were served, and how soon."""
    if delay_ms:
        yield common.felt(slow_ms=delay_ms, phase=step, name=f"felt_at_{delay_ms}_ms")
    if delay_ms in MOST_ERRORS:
        most = MOST_ERRORS[delay_ms]
        yield common.served(step, 1 - most, f"{'errors_under_1_percent' if most else 'no_errors'}_at_{delay_ms}_ms")
        limits_ms = {p: trips * delay_ms + spare_ms for p, spare_ms in SPARE_MS.items()}
        asked = {"limits_ms": limits_ms, "outcome": "ok", "op": common.ORDER, "phase": step}
        yield Check("latency_within", f"accepted_in_time_at_{delay_ms}_ms", asked)
