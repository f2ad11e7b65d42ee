"""What the gateway's experiments share: traffic with an API key, the proof of the link, what never changes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blackstart.loads import OpenLoop, Stage
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, always, eventually
from blackstart.model.experiment import Check, Experiment, Traffic
from blackstart.model.target import Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.probes.metrics import Metric
from blackstart.probes.undeclared_fact import UndeclaredFact
from blackstart.suites.gateway import readings as read
from blackstart.suites.gateway.link import OP, links, requests

COUNTED = "counted"
"""What an answer says (`ok_details` of the target's [requests]) whose request the limiter has counted."""
RECOVERS_WITHIN_S = 15.0
"""The plan's full recovery time, on top of the time for which the breaker stays open anyhow."""
OPEN_S = "breaker_open_s"


def steady_traffic(target: Target, rate_per_s: float) -> Traffic:
    """One rate, before, during and after the fault."""
    return Traffic(OpenLoop((requests(target),), (Stage(rate_per_s),), name="traffic"))


def plain(target: Target, name: str, hypothesis: str, **more: Any) -> Experiment:
    """What every experiment of the suite begins with."""
    return Experiment(
        name=name,
        target="gateway",
        hypothesis=hypothesis,
        link=links(target),
        baseline=(
            eventually(read.health().is_("UP"), within_s=BASELINE_WITHIN_S, name="up_before"),
            eventually(read.visit(requests(target).url).is_(200), within_s=BASELINE_WITHIN_S, name="served_before"),
            eventually(breaker(target, "closed").is_(1), within_s=BASELINE_WITHIN_S, name="closed_before"),
            *_load_served_before(more),
        ),
        always=(no_crash(),),
        # All of one page, which is read once for everything that is picked from it.
        watch=(
            *(breaker(target, state) for state in read.STATES),
            read.cpu_percent(),
            read.active_workers(),
            read.oom_kills(),
            read.redis_health(),
            *more.pop("watch", ()),
        ),
        **more,
    )


def _load_served_before(declared: Mapping[str, Any]) -> tuple[Expectation, ...]:
    """The load itself is answered before anything is broken: one that goes to another address, or carries a key that
    nobody knows, must not accuse the gateway of what it never got."""
    traffic = declared.get("traffic")
    if not declared.get("faults") or traffic is None or traffic.flows != "throughout":
        return ()
    served = LoadOutcome(name="load_answer").is_("ok")  # counted or not: a name of its own beside `counts_again`
    return (eventually(served, within_s=BASELINE_WITHIN_S, name="load_served_before"),)


def breaker(target: Target, state: str) -> Metric:
    """1 while the breaker that the target names (its fact `breaker_name`) is in this state, else 0."""
    return read.breaker(state, str(target.fact("breaker_name", read.BREAKER)))


def no_crash() -> Expectation:
    """The same process all the time."""
    return always(
        read.started().as_before(),
        name="no_crash",
        requires=f"process_start_time_seconds at {read.PAGE}",
        hint="Another start time means that the gateway was restarted: look for the reason in its log.",
    )


def counted(target: Target) -> str:
    """What the answer to a counted request says; empty where the target does not name it: then nobody can tell."""
    return COUNTED if COUNTED in requests(target).ok_details else ""


def fault_observed(target: Target) -> Check:
    """That the gateway's own way to Redis was disturbed. One that goes past the proxy tells nothing of itself."""
    healthy = {read.redis_health().name: "UP", breaker(target, "closed").name: 1}
    params = {"op": OP, "usual": counted(target), "healthy": healthy}
    return Check("fault_observed", "gateway_felt_it", params, premise=True)


def opens(target: Target, within_s: float, hint: str) -> Expectation:
    """The breaker is seen open, however soon it tries again."""
    return eventually(
        breaker(target, "open").is_(1),
        within_s=within_s,
        name="breaker_opens",
        requires=read.BREAKER_SHOWN,
        momentary=True,
        hint=hint,
    )


def counts_again(target: Target, name: str) -> Expectation:
    """Requests are counted again: a fallback that answers 200 all through the fault is no recovery.

    Where the target does not name the word for it, and with a load that brings no words, any good answer will do.
    """
    counts = eventually(
        LoadOutcome(usual=counted(target)).is_("ok"),
        for_s=1.0,  # longer than a breaker that flaps lets requests be counted
        name=name,
        hint="Requests are still answered in another way than before the fault, past Redis or not at all.",
    )
    return after_open(target, counts)


def after_open(target: Target, expectation: Expectation) -> Expectation:
    """Within the plan's full recovery time after the breaker's open time, which the target must state.

    Where it does not, the same is waited for and nothing is judged: no open time is as good as any other.
    """
    expectation = replace(expectation, within_s=open_s(target) + RECOVERS_WITHIN_S)
    if OPEN_S in target.facts:
        return expectation
    return replace(
        expectation,
        condition=UndeclaredFact(OPEN_S, read.PAGE).answers(),
        momentary=False,
        requires=f"{OPEN_S} (for how many seconds the breaker stays open) under [facts] of its file",
        hint="",
    )


def serves_again(within_s: float, name: str) -> Expectation:
    """Requests are answered again, counted or not."""
    return eventually(
        LoadOutcome().is_("ok"),
        within_s=within_s,
        for_s=0.5,
        name=name,
        hint="Requests still fail after the fault: does the gateway open new connections to Redis?",
    )


def open_s(target: Target) -> float:
    """How long the target's breaker stays open before it tries again, to be waited for."""
    return float(target.fact(OPEN_S, 10.0))


def stays_served(target: Target) -> Check:
    """Once it has recovered, what flows on is counted as before the fault."""
    return Check(
        "acknowledged",
        "stays_served",
        {"op": OP, "min_share": 0.99, "usual": counted(target)},
        hint="Requests were served as usual again, and then were not: does the breaker open once more?",
    )


def closes_again(target: Target, name: str = "closes_again", for_s: float = 1.0, stays: bool = True) -> Expectation:
    """The breaker is closed in the end: a gateway that only gets by without Redis has not recovered."""
    closed = eventually(
        breaker(target, "closed").is_(1),
        for_s=for_s,
        stays=stays,
        name=name,
        hint="Trial calls succeed and the breaker stays open: how many does it permit, how many does it count?",
    )
    return after_open(target, closed)


def no_call_while_open(target: Target) -> Check:
    """An open breaker lets no call through: no request is counted. A short fault may leave too little to see it by."""
    params = {"flag": breaker(target, "open").name, "value": 1, "detail": counted(target), "op": OP}
    hint = "Calls go to Redis past the breaker: are all of them made through it?"
    return Check("none_while", "no_call_while_open", params, hint=hint, criterion=False)


def answered(name: str, allowed: tuple[str, ...], share: float = 1.0, phase: str = "fault", hint: str = "") -> Check:
    """At least this share of a phase's requests was answered with one of these statuses, and a 2xx is what it says."""
    params = {"allowed": allowed, "min_share": share, "op": OP, "phase": phase, "honest": True}
    return Check("outcomes", name, params, hint=hint)


def within(name: str, phase: str, outcome: str = "", hint: str = "", **limits_ms: float) -> Check:
    """Percentiles of a phase's answers, counted from when each request was due."""
    params = {"limits_ms": limits_ms, "outcome": outcome, "op": OP, "phase": phase}
    return Check("latency_within", name, params, hint=hint)
