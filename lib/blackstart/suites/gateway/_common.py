"""What the gateway's experiments share: traffic with an API key, the proof of the link, what never changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from blackstart.errors import BadTarget
from blackstart.expect import Expectation, always, eventually
from blackstart.loads import OpenLoop, Operation, Stage
from blackstart.model import Check, Experiment, Traffic
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.probes.metrics import Metric
from blackstart.safety.link import Proof
from blackstart.systems import gateway as read
from blackstart.systems.gateway_links import LimiterCounts
from blackstart.target import Target

OP = "request"
ANSWER_TIMEOUT_S = 5.0
RECOVERS_WITHIN_S = 15.0
"""The plan's full recovery time, on top of the time for which the breaker stays open anyhow."""


def requests(target: Target, **changes: Any) -> Operation:
    """A request through the gateway, as the target's [requests] table says. Raises BadTarget where there is none."""
    route = dict(target.routes.get("requests", {}))
    if "route" not in route:
        raise BadTarget(
            f'target "{target.name}" names no way to send requests: [requests] route = "/api/v1/users/1", '
            'headers = { X-API-Key = "env:API_KEY" }'
        )
    try:
        made = Operation(
            name=OP,
            url=str(route.pop("route")),
            method=str(route.pop("method", "GET")),
            headers={**target.headers, **route.pop("headers", {})},
            timeout_s=ANSWER_TIMEOUT_S,
            detail_from=str(route.pop("detail_from", "")),
            ok_details=tuple(route.pop("ok_details", ())),
        )
    except (ValueError, TypeError) as error:
        raise BadTarget(f'target "{target.name}", [requests]: {error}') from error
    if route:
        raise BadTarget(f'target "{target.name}", [requests]: no such key: {", ".join(sorted(route))}')
    return replace(made, **changes) if changes else made


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
            eventually(read.health().is_("UP"), name="up_before"),
            eventually(read.visit(requests(target).url).is_(200), name="served_before"),
            eventually(breaker(target, "closed").is_(1), name="closed_before"),
        ),
        always=(no_crash(),),
        watch=(*(breaker(target, state) for state in read.STATES), *more.pop("watch", ())),
        **more,
    )


def breaker(target: Target, state: str) -> Metric:
    """1 while the breaker that the target names (its fact `breaker_name`) is in this state, else 0."""
    return read.breaker(state, str(target.fact("breaker_name", read.BREAKER)))


def links(target: Target) -> tuple[Proof, ...]:
    """That Redis is the gateway's own."""
    return (LimiterCounts("redis", requests(target)),) if "redis" in target.services else ()


def no_crash() -> Expectation:
    """The same process all the time."""
    return always(
        read.started().as_before(),
        name="no_crash",
        requires=f"process_start_time_seconds at {read.PAGE}",
        hint="Another start time means that the gateway was restarted: look for the reason in its log.",
    )


def serves_again(within_s: float, name: str) -> Expectation:
    """Requests are answered as usual again."""
    return eventually(
        LoadOutcome().is_("ok"),
        within_s=within_s,
        for_s=0.5,
        name=name,
        hint="Requests still fail after the fault: does the gateway open new connections to Redis?",
    )


def open_s(target: Target) -> float:
    """How long the target's breaker stays open before it tries again."""
    return float(target.fact("breaker_open_s", 10.0))


def closes_again(target: Target, name: str = "closes_again", for_s: float = 1.0) -> Expectation:
    """The breaker is closed in the end: a gateway that only gets by without Redis has not recovered."""
    return eventually(
        breaker(target, "closed").is_(1),
        within_s=open_s(target) + RECOVERS_WITHIN_S,
        for_s=for_s,
        name=name,
        hint="Trial calls succeed and the breaker stays open: how many does it permit, how many does it count?",
    )


def answered(name: str, allowed: tuple[str, ...], share: float = 1.0, phase: str = "fault", hint: str = "") -> Check:
    """At least this share of a phase's requests was answered with one of these statuses, and a 2xx is what it says."""
    params = {"allowed": allowed, "min_share": share, "op": OP, "phase": phase, "honest": True}
    return Check("outcomes", name, params, hint=hint)


def within(name: str, phase: str, outcome: str = "", hint: str = "", **limits_ms: float) -> Check:
    """Percentiles of a phase's answers, counted from when each request was due."""
    params = {"limits_ms": limits_ms, "outcome": outcome, "op": OP, "phase": phase}
    return Check("latency_within", name, params, hint=hint)
