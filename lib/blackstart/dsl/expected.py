"""From an expectation to the checks that judge it. Each bears the name that the specification has for it.

Adding an expectation is adding a function of its name to this file, and its words to the vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from blackstart.base.errors import NotAvailable
from blackstart.dsl import claims
from blackstart.dsl.behavior import REQUEST, Behavior, lonely, record
from blackstart.dsl.injected import Injected
from blackstart.dsl.tree import Call, Eventually, Expectation, Expression, Name, WhenParametersDiffer, plain
from blackstart.model.expect import Expectation as Awaited
from blackstart.model.expect import eventually
from blackstart.model.experiment import Check
from blackstart.model.reading import Probe
from blackstart.probes.unrecorded import Unrecorded
from blackstart.verdict.checks.claim_holds import longest_s

FIRST, OTHER, AGAIN = "first", "other_parameters", "first_again"
"""The operations of a conflict, in their order."""


@dataclass(frozen=True)
class Setting:
    """What expectations are lowered in: the behavior, the prefix of the run's keys, the injections taken together, and
    how many attempts a request has."""

    behavior: Behavior
    prefix: str
    injected: Injected
    attempts: int


@dataclass(frozen=True)
class Expected:
    """What one expectation comes to. `records` are read in the end; `within_s` is how long an answer must be waited for
    at least, so that a later one is seen, and `after_s` how long after the undo requests must be sent."""

    checks: tuple[Check, ...] = ()
    records: tuple[str, ...] = ()
    drained: tuple[Awaited, ...] = ()
    within_s: float = 0.0
    after_s: float = 0.0


def expected(expectation: Expectation, setting: Setting) -> Expected:
    """What judges it, with its message as the hint. Raises NotAvailable for what can't be judged here yet: it is never
    left out."""
    made, said = _judged(expectation.claim, setting), expectation.message
    if said is None:
        return made
    checks = tuple(replace(one, hint=said) for one in made.checks)
    return replace(made, checks=checks, drained=tuple(replace(one, hint=said) for one in made.drained))


def _judged(claim: Expression, setting: Setting) -> Expected:
    match claim:
        case WhenParametersDiffer(code=code):
            return _when_parameters_differ(code, setting)
        case Name(name=name) if name in _PLAIN:
            return _PLAIN[name](name, setting)
        case Call(function=Name(name=name), arguments=(argument,)) if name in _CALLED:
            return _CALLED[name](name, plain(argument.value), setting)
        case Eventually(within_s=within_s, claim=inner):
            return _claimed(inner, setting, within_s)
        case _:
            return _claimed(claim, setting)


def collected(names: tuple[str, ...], setting: Setting) -> tuple[Probe, ...]:
    """What is read in the end. Raises BadTarget for a record that the target does not have."""
    target = setting.behavior.target
    return tuple(probe for name in dict.fromkeys(names) for probe in record(target, name, setting.prefix))


def one_order(setting: Setting, wanted: Sequence[Expected]) -> Check:
    """All answers to a key, whatever was asked under it, agree with one order of its requests. It takes nothing away
    where no key was answered twice. A conflict is what one of the `wanted` says, or the behavior."""
    codes = [check.params["code"] for one in wanted for check in one.checks if check.check == "conflict_told"]
    requests = {REQUEST: "", FIRST: "", AGAIN: "", OTHER: "other"}
    hint = "No order of these requests gives these answers: is a key looked for and bound in one step?"
    told = {**setting.behavior.statuses, "conflict_code": next(iter(codes), setting.behavior.code("conflict"))}
    params = {"model": "idempotency", "requests": requests, **told}
    return Check("linearizable", "answers_have_one_order", params, criterion=False, hint=hint)


def _when_parameters_differ(code: str, setting: Setting) -> Expected:
    source = setting.behavior.creates
    params = {
        "code": code, "first": FIRST, "other": OTHER, "again": AGAIN, "source": source, "entries": f"{source}_count",
        "ids": f"{source}_ids",
    }  # fmt: skip
    hint = "A key that is used again with other parameters must be refused: is the request's hash compared?"
    return Expected((Check("conflict_told", code.lower(), params, hint=hint),), (source,))


def _exactly_one_created(name: str, setting: Setting) -> Expected:
    _refuse_a_storm(name, setting)
    source = setting.behavior.creates
    params = {"source": source, "ids": f"{source}_ids", "op": REQUEST, "key_prefix": setting.prefix}
    hint = "One key made more than one thing, or none: is it looked for and set in one step?"
    return Expected((Check("created_once", name, params, hint=hint),), (source,))


def _all_return_same(name: str, setting: Setting) -> Expected:
    _refuse_a_storm(name, setting)
    params = {"op": REQUEST, "every": not setting.injected.faults}
    hint = "A repeated request was answered otherwise than the first: is the answer kept with the key?"
    return Expected((Check("same_result", name, params, hint=hint),))


def _got_through(name: str, setting: Setting) -> Expected:
    _refuse_unbroken(name, setting)
    if setting.attempts < 2:
        raise NotAvailable(
            f"{name} is about what is sent again, and nothing is that failed: add retries, as retries: 3"
        )
    params = {"op": REQUEST, "attempts": setting.attempts}
    hint = "A request failed after the fault, too: is an error kept as the answer to its key?"
    return Expected((Check("recovered_by_retry", name, params, hint=hint),))


def _no_duplicates(name: str, setting: Setting) -> Expected:
    _refuse_a_storm(name, setting)
    source = name.removeprefix("no_duplicate_")
    hint = f"One key has more than one of the {source}: is what was done before looked for when it is tried again?"
    again = "in_force" if setting.injected.faults else "at_once" if setting.injected.shape == "burst" else "later"
    params = {"source": source, "op": REQUEST, "again": again}
    return Expected((Check("not_doubled", name, params, hint=hint),), (source,))


def _graceful_degradation(name: str, setting: Setting) -> Expected:
    one = setting.injected
    if one.shape != "storm":
        params: dict[str, Any] = {"allowed": ("2xx", "4xx", "503"), "op": REQUEST, **_lossy(setting)}
        return Expected((Check("outcomes", name, params, hint="An error nobody meant was answered, or nothing."),))
    if one.count <= one.limit:
        raise NotAvailable(
            f"{one.count} requests can't show a limit of {one.limit}: send more than the limit lets through"
        )
    sliding = setting.behavior.target.fact("limit_window", "fixed") == "sliding"
    params = {
        "code": setting.behavior.code("limited"), "most": one.limit, "window_s": one.window_s, "sliding": sliding,
        "op": REQUEST,
    }  # fmt: skip
    hint = "Beyond the limit each must be refused: where do its windows begin, and is it counted in one step?"
    return Expected((Check("turned_away", name, params, hint=hint),))


def _consistent(name: str, setting: Setting) -> Expected:
    target, records = setting.behavior.target, tuple(setting.behavior.target.routes.get("records", {}))
    made = setting.behavior.creates
    params = {"sources": records, "ids": f"{made}_ids", "op": REQUEST, "key_prefix": setting.prefix}
    hint = "What is recorded is not what was answered: is everything of a request written together?"
    within_s = float(target.fact("catch_up_s", 30.0))
    listed = {one: record(target, one, setting.prefix)[0] for one in records}
    drained = tuple(
        eventually(Unrecorded(probe.query, REQUEST, name=f"{one}_behind").is_(0), within_s=within_s,
                   name=f"{one}_caught_up", hint=hint)
        for one, probe in listed.items()
    ) + tuple(
        eventually(lonely(target, records[0], other, setting.prefix).is_(0), within_s=within_s,
                   name=f"{other}_and_{records[0]}_agree", hint=hint)
        for other in records[1:]
    )  # fmt: skip
    return Expected((Check("consistent", name, params, hint=hint),), (*records, made), drained)


def _no_timeout_errors(name: str, setting: Setting) -> Expected:
    _refuse_lost(name, setting)
    phase = {"phase": "fault"} if setting.injected.faults else {}
    params = {"op": REQUEST, **phase, "codes": (setting.behavior.code("timeout"),)}
    return Expected((Check("no_timeouts", name, params, hint="A request ran into a time limit: which one?"),))


def _refuse_lost(name: str, setting: Setting) -> None:
    """Raise NotAvailable where what the clients are not told is our doing, and would accuse the target."""
    if setting.injected.lossy:
        raise NotAvailable(f"{name} is not available where the clients' own way is broken: nobody could answer")


def _refuse_unanswered(name: str, setting: Setting) -> None:
    """Raise NotAvailable where it is about answers that nobody can get, so that it could only be inconclusive."""
    if setting.injected.cut_off:
        raise NotAvailable(
            f"{name} is about answers while the fault is in force, and there are none: the clients are cut off "
            "altogether. Expect what follows it: eventually_succeeds (with retries), or eventually within 10s: "
            "result is success"
        )


def _refuse_unbroken(name: str, setting: Setting) -> None:
    """Raise NotAvailable where no fault is in force, and then gone, so that it could only be inconclusive."""
    if not setting.injected.faults:
        raise NotAvailable(
            f"{name} is about a fault and what follows it, and nothing is broken here: inject what is in force for "
            "a time, as database_failure(target: Repository)"
        )


def _refuse_a_storm(name: str, setting: Setting) -> None:
    """Raise NotAvailable where no key is sent twice, so that it could only be inconclusive."""
    if setting.injected.shape == "storm":
        raise NotAvailable(
            f"{name} is about a key that is sent again, and each request of a storm has a key of its own: expect it of "
            "concurrent_requests(count: 10)"
        )


def _error_returned(name: str, code: Any, setting: Setting) -> Expected:
    _refuse_unbroken(name, setting)
    _refuse_lost(name, setting)
    hint = f"What fails must be answered {code}, and soon: who waits, or says something else?"
    return Expected((Check("code_returned", name, {"code": code, "op": REQUEST}, hint=hint),))


def _within(name: str, limit_s: Any, setting: Setting) -> Expected:
    _refuse_unanswered(name, setting)
    outcome = "" if name == "response_within" else "ok"
    phase = {"phase": "fault"} if setting.injected.faults else {}
    params = {
        "limits_ms": {"max": float(limit_s) * 1000},
        "outcome": outcome,
        "op": REQUEST,
        **phase,
        **_lossy(setting),
    }
    return Expected((Check("latency_within", name, params),), within_s=float(limit_s))


def _lossy(setting: Setting) -> dict[str, bool]:
    return {"lossy": True} if setting.injected.lossy else {}


def _claimed(claim: Expression, setting: Setting, within_s: float | None = None) -> Expected:
    data, text = claims.as_data(claim), claims.as_text(claim)
    params: dict[str, Any] = {"claim": data, "text": text, "op": REQUEST, **_lossy(setting)}
    if within_s is not None:
        name = claims.as_text(Eventually(within_s, claim))
        _refuse_unbroken(name, setting)
        params["within_s"] = within_s
        return Expected((Check("claim_holds", name, params),), after_s=within_s)
    if setting.injected.faults:
        _refuse_unanswered(text, setting)
        params["phase"] = "fault"
    return Expected((Check("claim_holds", text, params),), within_s=longest_s(data))


_PLAIN: dict[str, Callable[[str, Setting], Expected]] = {
    "exactly_one_created": _exactly_one_created,
    "all_return_same_session": _all_return_same,
    "all_return_same_result": _all_return_same,
    "eventually_succeeds": _got_through,
    "successful_retry_after_recovery": _got_through,
    "no_duplicate_sessions": _no_duplicates,
    "no_duplicate_charges": _no_duplicates,
    "graceful_degradation": _graceful_degradation,
    "no_data_corruption": _consistent,
    "eventual_consistency": _consistent,
    "no_timeout_errors": _no_timeout_errors,
}
_CALLED: dict[str, Callable[[str, Any, Setting], Expected]] = {
    "error_returned": _error_returned,
    "response_within": _within,
    "latency_within": _within,
}
