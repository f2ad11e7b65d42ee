"""From an injection to what it is made of: faults and loads that exist, and the checks that prove it took effect.

Adding an injection is adding a function of its name to this file, and its parameters to the vocabulary.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any, Literal

from blackstart.base.errors import NotAvailable
from blackstart.dsl import custom
from blackstart.dsl.behavior import REQUEST, Behavior, component, entrance
from blackstart.dsl.injector import Injector
from blackstart.dsl.tree import Injection
from blackstart.faults.blackhole import Blackhole
from blackstart.faults.clock_skew import ClockSkew
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.cut import Cut
from blackstart.faults.latency import Latency
from blackstart.faults.lose_statements import LoseStatements
from blackstart.faults.memory_stress import MemoryStress
from blackstart.faults.reset import Reset
from blackstart.model import protocols
from blackstart.model.experiment import Check
from blackstart.model.reading import Probe
from blackstart.model.target import Target

Shape = Literal["steady", "burst", "storm"]
WAY = "way"
"""The operation that measures the way alone: what a request takes itself varies with what it does."""
HOLD_S = 3.0
_SPARE_S = 2.0
# So that requests which are hit by chance alone are there but for one run in 10,000.
_NEVER = 1e-4
_ANSWER_LOST_MS = 100
_LATE_SHARE = 0.1  # of a storm: its limit is judged by the times at which it was sent
_TOLD_BY = (50, 90, 99)
_Z99 = NormalDist().inv_cdf(0.99)
_RATIO = 0.25  # of a normal delay whose p99 alone is asked for: its deviation by its mean


@dataclass(frozen=True)
class Injected:
    """What one injection comes to. `hold_s` is how long it is in force, which is as `written` or as long as it takes,
    `shape` the load that it is or that meets it.

    `needs` requests must be due in that time, so that chance hits some of them. `measures` is where the way is that a
    delay is measured on. `lossy` says that clients' answers are lost, so that a missing one is no fault of the target,
    and `cut_off` that all of them are.
    `watch` is what else is recorded.
    """

    faults: tuple[Any, ...] = ()
    shape: Shape = "steady"
    count: int = 0
    window_s: float = 0.0
    limit: int = 0
    hold_s: float = HOLD_S
    written: bool = False
    needs: int = 0
    premises: tuple[Check, ...] = ()
    measures: str = ""
    lossy: bool = False
    cut_off: bool = False
    watch: tuple[Probe, ...] = ()


def injected(injection: Injection, behavior: Behavior, own: Mapping[str, type[Injector]]) -> Injected:
    """What it comes to on this target, where the user has injectors of their `own`. Raises NotAvailable for what
    nothing here can do, BadTarget for what the target file lacks: it is never left out."""
    if injection.name in own:
        fault, watch = custom.fault(own[injection.name], injection, behavior.target)
        hold_s = _duration(injection, _patience(behavior.target))
        return Injected((fault,), hold_s=hold_s, written=_lasts(injection) is not None, watch=watch)
    make = _KNOWN.get(injection.name)
    if make is None:
        raise NotAvailable(f"{injection.name} is not available yet: nothing here can do that to a service")
    try:
        return replace(make(injection, behavior.target), written=_lasts(injection) is not None)
    except ValueError as error:  # more, or less, than the fault can be told
        raise NotAvailable(f"{injection.name}: {error}") from error


def _concurrent_requests(one: Injection, target: Target) -> Injected:
    count = int(_number(one, "count"))
    overlap = Check("overlap", "requests_overlap", {"n": count, "op": REQUEST}, premise=True)
    return Injected(shape="burst", count=count, premises=(overlap,), hold_s=0.0)


def _rate_limit_storm(one: Injection, target: Target) -> Injected:
    sent = Check("rate_reached", "storm_sent", {"op": REQUEST, "late_share": _LATE_SHARE}, premise=True)
    count, limit = int(_number(one, "requests")), int(_number(one, "limit"))
    return Injected(
        shape="storm", count=count, window_s=_number(one, "window"), limit=limit, premises=(sent,), hold_s=0.0
    )


def _latency(one: Injection, target: Target) -> Injected:
    named = _text(one, "target")
    service = component(target, named) if named else entrance(target)
    kind = _text(one, "distribution") or ("fixed" if one.value("jitter") is None else "uniform")
    fault, quantiles_ms = _delay(service, kind, one)
    spoken = protocols.spoken_by(target.service(service))
    if spoken != "http":
        if one.value("p99") is not None:
            raise NotAvailable(f"latency(p99) is not available yet for {service}: it is measured where HTTP is spoken")
        return Injected((fault,), hold_s=_duration(one, HOLD_S))
    met = Check("delays_met", "delays_as_asked", {"quantiles_ms": quantiles_ms, "op": WAY}, premise=True)
    return Injected((fault,), hold_s=_duration(one, 15.0), premises=(met,), measures=service)


def _delay(service: str, kind: str, one: Injection) -> tuple[Latency, dict[str, float]]:
    """The fault, and the quantiles by which it is told that the delay is the one that was asked for, in ms: of a few
    hundred requests p99 alone would tell too little."""
    p99, delay, jitter = (None if one.value(n) is None else _number(one, n) * 1000 for n in ("p99", "delay", "jitter"))
    if kind == "exponential":
        mean = (p99 or 0.0) / math.log(100) if delay is None else delay if jitter is None else jitter
        base = 0.0 if delay is None or jitter is None else delay
        fault = Latency(service, round(base), max(1, round(mean)), distribution="exponential", each="answer")
        return fault, {f"p{p}": base - mean * math.log(1 - p / 100) for p in _TOLD_BY}
    if kind == "normal":
        middle = (p99 or 0.0) / (1 + _Z99 * _RATIO) if delay is None else delay
        spread = middle * _RATIO if jitter is None else jitter
        fault = Latency(service, round(middle), round(spread), distribution="normal", each="answer")
        return fault, {f"p{p}": middle + NormalDist().inv_cdf(p / 100) * spread for p in _TOLD_BY}
    if kind == "uniform":
        middle = (p99 or 0.0) / (1 + 0.98 * 0.5) if delay is None else delay
        spread = middle * 0.5 if jitter is None else jitter
        quantiles_ms = {f"p{p}": middle + (p / 50 - 1) * spread for p in _TOLD_BY}
        return Latency(service, round(middle), round(spread), each="answer"), quantiles_ms
    fixed = (p99 or 0.0) if delay is None else delay
    return Latency(service, round(fixed)), {f"p{p}": fixed for p in _TOLD_BY}


def _network_failure(one: Injection, target: Target) -> Injected:
    share = _number(one, "probability")
    fault = Reset(entrance(target), _ANSWER_LOST_MS, share=share)
    return Injected((fault,), hold_s=_duration(one, HOLD_S), needs=_enough(share), lossy=True, cut_off=share == 1)


def _network_partition(one: Injection, target: Target) -> Injected:
    service = component(target, _text(one, "target"))
    lossy = _is_entrance(service, target)
    return Injected((Blackhole(service),), hold_s=_duration(one, _patience(target)), lossy=lossy, cut_off=lossy)


def _service_unavailable(one: Injection, target: Target) -> Injected:
    service, share = component(target, _text(one, "target")), float(one.value("probability") or 1.0)
    fault = Cut(service) if share == 1 else Reset(service, share=share)
    lossy, hold_s = _is_entrance(service, target), _duration(one, _patience(target))
    return Injected((fault,), hold_s=hold_s, needs=_enough(share), lossy=lossy, cut_off=lossy and share == 1)


def _database_failure(one: Injection, target: Target) -> Injected:
    service = component(target, _text(one, "target"), "postgres")
    share = float(one.value("probability") or 1.0)
    fault: Any = Blackhole(service, share)
    if operation := _text(one, "operation").lower():
        spoken = protocols.spoken_by(target.service(service))
        if spoken != "postgres":
            speaks = f"speaks {spoken}" if spoken else "does not say by its dsn what it speaks"
            raise NotAvailable(f"operation is told where PostgreSQL is spoken, and {service} {speaks}")
        fault = LoseStatements(service, operation, share, "silent" if one.value("mode") == "TIMEOUT" else "reset")
    elif one.value("mode") != "TIMEOUT":
        fault = Cut(service) if share == 1 else Reset(service, share=share)
    lossy, hold_s = _is_entrance(service, target), _duration(one, _patience(target))
    return Injected((fault,), hold_s=hold_s, needs=_enough(share), lossy=lossy, cut_off=lossy and share == 1)


def _cpu_pressure(one: Injection, target: Target) -> Injected:
    fault = CpuStress(component(target, _text(one, "target")), _number(one, "load"))
    return Injected((fault,), hold_s=_duration(one, _patience(target)))


def _memory_pressure(one: Injection, target: Target) -> Injected:
    fault = MemoryStress(component(target, _text(one, "target")), share=_number(one, "usage"))
    return Injected((fault,), hold_s=_patience(target))


def _clock_skew(one: Injection, target: Target) -> Injected:
    fault = ClockSkew(component(target, _text(one, "target")), _number(one, "offset"))
    return Injected((fault,), hold_s=_patience(target))


def _is_entrance(service: str, target: Target) -> bool:
    """Whether its way is that of the clients."""
    return bool(target.api) and service == entrance(target)


def _patience(target: Target) -> float:
    """As long as the target itself takes at most to answer: only then has it shown what it does about the fault."""
    return float(target.fact("answer_timeout_s", 5.0)) + _SPARE_S


def _enough(share: float) -> int:
    return 0 if share >= 1 else math.ceil(math.log(_NEVER) / math.log1p(-share))


def _lasts(one: Injection) -> float | None:
    """For how long it is in force, where that is written."""
    written = one.value("recovers_after" if one.name == "network_failure" else "duration")
    return None if written is None else float(written)


def _duration(one: Injection, usual_s: float) -> float:
    written_s = _lasts(one)
    return usual_s if written_s is None else written_s


def _number(one: Injection, name: str) -> float:
    value = one.value(name)
    assert isinstance(value, int | float), f"{one.name}: {name} is {value!r}"
    return float(value)


def _text(one: Injection, name: str) -> str:
    return str(one.value(name) or "")


_KNOWN: dict[str, Callable[[Injection, Target], Injected]] = {
    "concurrent_requests": _concurrent_requests,
    "rate_limit_storm": _rate_limit_storm,
    "latency": _latency,
    "network_latency": _latency,
    "network_failure": _network_failure,
    "network_partition": _network_partition,
    "service_unavailable": _service_unavailable,
    "database_failure": _database_failure,
    "cpu_pressure": _cpu_pressure,
    "memory_pressure": _memory_pressure,
    "clock_skew": _clock_skew,
}
