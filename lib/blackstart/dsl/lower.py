"""From a scenario and a target to an ordinary experiment: same engine, evidence and verdicts as any other.

What can't be done here is refused with its place in the file, before anything is touched; nothing is left out.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from blackstart.base.errors import BadExperiment, NotAvailable, did_you_mean
from blackstart.dsl import expected as expecting
from blackstart.dsl.behavior import REQUEST, Behavior, entrance
from blackstart.dsl.custom import Known
from blackstart.dsl.expected import AGAIN, FIRST, OTHER, Expected, Setting, collected
from blackstart.dsl.injected import WAY, Injected, injected
from blackstart.dsl.injector import Injector
from blackstart.dsl.parse import parse, read
from blackstart.dsl.problems import BadSpec, Problem, line_at
from blackstart.dsl.slug import slug
from blackstart.dsl.tree import (
    Assignment,
    Block,
    Call,
    Document,
    Name,
    Node,
    Scenario,
    Step,
    Text,
    WhenParametersDiffer,
)
from blackstart.loads import Burst, Load, OpenLoop, Operation, Retry, Sequence, constant
from blackstart.loads.naming import new_prefix
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, eventually
from blackstart.model.experiment import Check, Experiment, Traffic
from blackstart.model.target import Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.probes.tcp import Tcp

Made = TypeVar("Made")
CheckOrExpectation = TypeVar("CheckOrExpectation", Check, Expectation)
Own = Mapping[str, type[Injector]]
NONE: Own = {}
_RATE_PER_S = 5.0
_OF_LIMIT = 0.7  # what is sent again counts at a limiter, too
_WAY_BESIDES = 3
_AGAIN_EVERY = 4
_AFTERWARDS_S = 3.0
_LEAST_WAIT_S = 0.1
_ROUNDED_S = 1e-3
_SPARE_S = 2.0
_PREPARED_S = 5.0
_LONGEST_HOLD_S = 300.0


def scenarios(document: Document) -> Iterator[tuple[Block, Scenario]]:
    """All of a file, in its order."""
    return ((block, scenario) for block in document.blocks for scenario in block.scenarios)


def names(path: Path, own: Own = NONE) -> list[str]:
    """What the scenarios of a file are called where they are typed, in its order. Raises BadSpec."""
    return [slug(scenario.name) for _, scenario in scenarios(_read(path, own))]


def experiment(path: Path, name: str, target: Target, own: Own = NONE) -> Experiment:
    """The scenario of that name (as it stands, or its slug) in a file, which may inject by the user's `own` injectors.
    Raises BadExperiment (BadSpec) or BadTarget."""
    document = _read(path, own)
    named = {slug(scenario.name): (block, scenario) for block, scenario in scenarios(document)}
    if slug(name) not in named:
        raise BadExperiment(f'{path} has no scenario "{name}".{did_you_mean(slug(name), named)}')
    return lowered(document, *named[slug(name)], target, own)


def _read(path: Path, own: Own) -> Document:
    return parse(read(path), str(path), Known(own))


def lowered(document: Document, block: Block, scenario: Scenario, target: Target, own: Own = NONE) -> Experiment:
    """The experiment. Raises BadExperiment that names the place of what can't be done, or BadTarget."""
    behavior = Behavior.of(target, block.behavior)
    for step in scenario.when:
        if not _invokes(step, behavior):
            why = f"only result = {behavior.name}(input) is available here yet: the load is the behavior's own"
            raise _refusal(document, step, why)
    if not scenario.expectations:
        raise _refusal(document, scenario, f'"{scenario.name}" expects nothing, so nothing could come of it')
    made = _together(document, scenario, behavior, own)
    retries = scenario.retries if scenario.retries is not None else block.retries or 0
    setting = Setting(behavior, _prefix(scenario), made, retries + 1)
    wanted = [_placed(document, one, partial(expecting.expected, one, setting)) for one in scenario.expectations]
    hold_s = _placed(document, scenario, partial(_hold_s, setting, wanted, _rate_per_s(behavior, retries)))
    setting = replace(setting, injected=replace(made, hold_s=hold_s))
    limit_s = scenario.timeout_s if scenario.timeout_s is not None else block.timeout_s
    try:
        whole = _made(scenario, setting, wanted, retries)
    except ValueError as error:  # more, faster or longer than any load can be
        raise _refusal(document, scenario, str(error)) from None
    return _limited(document, scenario, whole, made.window_s, limit_s)


def _invokes(step: Step, behavior: Behavior) -> bool:
    return isinstance(step, Assignment) and isinstance(step.value, Call) and step.value.function == Name(behavior.name)


def _hold_s(setting: Setting, wanted: list[Expected], rate_per_s: float) -> float:
    """For how long the fault is in force: as written, or as long as it takes until each expectation could be missed,
    and a request is hit for certain. Raises NotAvailable where that is longer than written, or than anybody waits."""
    made = setting.injected
    if not made.faults:
        return made.hold_s
    needs_s = {
        f"could an answer be seen that takes {one.within_s:g} s or more": one.within_s + _SPARE_S
        for one in wanted if one.within_s
    }  # fmt: skip
    if made.needs:
        needs_s["is it sure that so small a probability has hit a request"] = made.needs / rate_per_s
    most = max(needs_s, key=lambda what: needs_s[what], default="")
    least_s = math.ceil(needs_s[most]) if most else 0.0
    if made.written and needs_s.get(most, 0.0) > made.hold_s:
        told = f"the fault lasts {made.hold_s:g} s as written, and only after {least_s} s {most}"
        raise NotAvailable(f"{told}: write {least_s}s or more, or no time for it")
    if needs_s.get(most, 0.0) > max(_LONGEST_HOLD_S, made.hold_s):
        raise NotAvailable(f"only after {least_s} s of the fault {most}, and {_LONGEST_HOLD_S:g} s is the longest")
    return max(made.hold_s, needs_s.get(most, 0.0))


def _made(scenario: Scenario, setting: Setting, wanted: list[Expected], retries: int) -> Experiment:
    behavior, made = setting.behavior, setting.injected
    target = behavior.target
    timeout_s = max([float(target.fact("answer_timeout_s", 5.0)), *(one.within_s for one in wanted)]) + _SPARE_S
    conflict = any(isinstance(one.claim, WhenParametersDiffer) for one in scenario.expectations)
    load = _conflict(setting, timeout_s) if conflict else _load(setting, timeout_s, retries)
    steady = not conflict and made.shape == "steady"
    spread_s = _waits_s(_again(made, retries)) if steady else 0.0
    lasts_s = max(made.hold_s, made.window_s)
    after_s = max((one.after_s for one in wanted), default=0.0)
    settle_s = max(spread_s, after_s) + timeout_s if steady else 1.0
    before = LoadOutcome(beside=WAY).is_("ok") if steady else Tcp(entrance(target), name="way_in").is_("open")
    one_order = expecting.one_order(setting, wanted)
    checks = _named_apart((*made.premises, *(check for one in wanted for check in one.checks), one_order))
    promised = [check.name for check in checks if check.criterion and not check.premise]
    return Experiment(
        name=slug(scenario.name),
        target=target.kind or target.name,
        hypothesis=f"{scenario.name}: {', '.join(promised)}.",
        baseline=(eventually(before, within_s=BASELINE_WITHIN_S, name="accepted_before" if steady else "up_before"),),
        faults=made.faults,
        traffic=Traffic(load, "throughout" if steady else "fault"),
        drained=_named_apart(one for each in wanted for one in each.drained),
        checks=checks,
        collect=collected(tuple(name for one in wanted for name in one.records), setting),
        watch=made.watch,
        hold_min_s=made.hold_s,
        hold_max_s=max(120.0, lasts_s + timeout_s),
        settle_s=settle_s,
        total_max_s=max(300.0, 3 * (lasts_s + settle_s)),
    )


def _named_apart(asked: Iterable[CheckOrExpectation]) -> tuple[CheckOrExpectation, ...]:
    """Each once, and what differs under one name numbered: of two limits that are expected neither is left out."""
    kept: list[CheckOrExpectation] = []
    for one in asked:
        if one not in kept:
            kept.append(one)
    before = [[other.name for other in kept[:number]].count(one.name) for number, one in enumerate(kept)]
    return tuple(
        replace(one, name=f"{one.name}_{times + 1}") if times else one for one, times in zip(kept, before, strict=True)
    )


def _load(setting: Setting, timeout_s: float, retries: int) -> Load:
    behavior, made = setting.behavior, setting.injected
    if made.shape == "burst":
        operation = behavior.operation(REQUEST, timeout_s)
        return Burst(made.count, operation, name=REQUEST, key_prefix=setting.prefix, same_key=True)
    if made.shape == "storm":
        operation = behavior.operation(REQUEST, timeout_s, behavior.one_client(setting.prefix))
        stages = constant(made.count / made.window_s, made.window_s)
        return OpenLoop((operation,), stages, name=REQUEST, key_prefix=setting.prefix)
    # A connection that is kept would meet a fault of some connections always, or never.
    operations = [behavior.operation(REQUEST, timeout_s, {"Connection": "close"})]
    if made.measures:
        operations.append(_way(behavior.target, made.measures, timeout_s))
    rate_per_s = _rate_per_s(behavior, retries) * sum(one.weight for one in operations)
    return OpenLoop(tuple(operations), constant(rate_per_s), name=REQUEST, key_prefix=setting.prefix,
                    retry=_again(made, retries))  # fmt: skip


def _conflict(setting: Setting, timeout_s: float) -> Sequence:
    behavior = setting.behavior
    first, again = (behavior.operation(name, timeout_s) for name in (FIRST, AGAIN))
    other = behavior.operation(OTHER, timeout_s, other=True)
    return Sequence((first, other, again), name=REQUEST, key_prefix=setting.prefix)


def _way(target: Target, service: str, timeout_s: float) -> Operation:
    """The cheapest request there is, by the way that is measured: whatever its answer says, it took its time."""
    url = "/" if service == entrance(target) else f"http://{target.service(service).address}/"
    return Operation(
        WAY, url, headers={"Connection": "close"}, timeout_s=timeout_s, ok_statuses=("2xx", "3xx", "4xx"),
        fail_statuses=(), weight=_WAY_BESIDES,
    )  # fmt: skip


def _again(made: Injected, retries: int) -> Retry:
    """Its waits double, up to the least with which one request's retries together outlast the fault, so that one comes
    after it. None is shorter than a tenth of a second: many retries would be a flood of their own."""
    if not retries:
        return _retry(0, _LEAST_WAIT_S, _LEAST_WAIT_S)
    needs_s = made.hold_s + _AFTERWARDS_S
    first_s = max(_LEAST_WAIT_S, needs_s / (2.0**retries - 1))
    each = (_retry(retries, first_s, first_s * 2.0**times) for times in range(retries))
    return next(again for again in each if _waits_s(again) > needs_s - _ROUNDED_S)


def _retry(retries: int, first_s: float, most_s: float) -> Retry:
    return Retry(retries, first_s, ("info", "fail"), _AGAIN_EVERY, most_s)


def _waits_s(again: Retry) -> float:
    """How long the waits of one request's retries last together."""
    return sum(map(again.wait_s, range(1, again.times + 1)))


def _rate_per_s(behavior: Behavior, retries: int) -> float:
    """How often the behavior is invoked; where a limiter can't tell our requests from one client's, below its limit."""
    limit = behavior.target.fact("limit_per_s", None)
    if limit is None or behavior.table.get("client_header"):
        return _RATE_PER_S
    return min(_RATE_PER_S, float(limit) * _OF_LIMIT / (retries + 1))


def _together(document: Document, scenario: Scenario, behavior: Behavior, own: Own) -> Injected:
    """The scenario's injections as one."""
    parts = [_placed(document, one, partial(injected, one, behavior, own)) for one in scenario.injections]
    loads = [one for one, part in zip(scenario.injections, parts, strict=True) if part.shape != "steady"]
    if loads and len(parts) > 1:
        raise _refusal(document, loads[-1], f"{loads[-1].name} beside another injection is not available yet")
    if len(parts) <= 1:
        return parts[0] if parts else Injected(hold_s=0.0)
    written = {part.hold_s for part in parts if part.written}
    if len(written) > 1:
        raise _refusal(document, scenario, "two injections that last differently long are not available yet")
    services = [fault.service for part in parts for fault in part.faults]
    if len(set(services)) < len(services) or sum(bool(part.measures) for part in parts) > 1:
        raise _refusal(document, scenario, "two injections on one way are not available yet: neither could be proved")
    return replace(
        parts[0],
        faults=tuple(fault for part in parts for fault in part.faults),
        hold_s=next(iter(written), max(part.hold_s for part in parts)),
        written=bool(written),
        needs=max(part.needs for part in parts),
        premises=tuple(check for part in parts for check in part.premises),
        measures=next((part.measures for part in parts if part.measures), ""),
        lossy=any(part.lossy for part in parts),
        cut_off=any(part.cut_off for part in parts),
        watch=tuple(probe for part in parts for probe in part.watch),
    )


def _prefix(scenario: Scenario) -> str:
    """How the run's keys begin: as the scenario says, and never as in a run before, whose keys are known already."""
    given = [argument.value for use in scenario.uses for argument in use.arguments]
    key = next((value.value for value in given if isinstance(value, Text)), slug(scenario.name))
    return f"{re.sub(r'[^a-zA-Z0-9._:/-]', '-', key)[:60]}-{new_prefix()}"


def _limited(
    document: Document, scenario: Scenario, made: Experiment, window_s: float, limit_s: float | None
) -> Experiment:
    """With the time limit that is written, which ends a run wherever it is."""
    if limit_s is None:
        return made
    needs_s = (
        _PREPARED_S
        + max(made.hold_min_s, window_s)
        + made.settle_s
        + max((one.within_s or 0.0 for one in made.drained), default=0.0)
    )
    if needs_s > limit_s:
        what = "baseline, fault, retries and records that are awaited"
        why = f"its time limit of {limit_s:g} s is too short: {what} take about {needs_s:.0f} s"
        raise _refusal(document, scenario, why)
    return replace(made, total_max_s=limit_s)


def _placed(document: Document, node: Node, make: Callable[[], Made]) -> Made:
    try:
        return make()
    except NotAvailable as error:
        raise _refusal(document, node, error.reason) from None


def _refusal(document: Document, node: Node, message: str) -> BadExperiment:
    return BadSpec(document.file, (Problem(node.place, message, line_at(document.text.split("\n"), node.place)),))
