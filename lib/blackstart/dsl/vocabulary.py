"""The words of the language: what can be injected, with which parameters, and what can be expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from blackstart.dsl import tree
from blackstart.proxy.postgres_statements import OPERATIONS

MOST_REQUESTS = 100_000
MOST_AT_ONCE = 20_000  # of a burst, which has a connection for each
MOST_PER_S = 20_000  # more than one machine sends: what was asked for could not be shown
LONGEST_S = 86_400.0


@dataclass(frozen=True)
class Parameter:
    """One parameter. `fits` says whether a value is right, `what` which values are, as in "a time above 0 …"."""

    what: str
    fits: Callable[[tree.Expression], bool]
    required: bool = False


@dataclass(frozen=True)
class Words:
    """The parameters of one injection. Of `one_of`, if any, exactly one is given; `only_with` maps a parameter to
    those of which one must be there, too. `rate` are a number of requests and the time that they are sent in: together
    up to `MOST_PER_S`. `never_with` maps a parameter to another one and its word beside which it would say nothing."""

    parameters: Mapping[str, Parameter]
    one_of: tuple[str, ...] = ()
    only_with: Mapping[str, str] | None = None
    rate: tuple[str, str] | None = None
    never_with: Mapping[str, tuple[str, str]] | None = None


def count(low: int, high: int = MOST_REQUESTS, required: bool = False) -> Parameter:
    """A whole number."""

    def fits(value: tree.Expression) -> bool:
        return isinstance(value, tree.Number) and isinstance(value.value, int) and low <= value.value <= high

    return Parameter(f"a whole number from {low} to {high}", fits, required)


def _literal(value: tree.Expression) -> int | float | None:
    """A number, a share of it (`50%`), or less than none; None for anything else."""
    given = value.operand if isinstance(value, tree.Unary) and value.operator == "-" else value
    found = tree.plain(value) if isinstance(given, tree.Number | tree.Percent) else None
    return found if isinstance(found, int | float) else None


def whole(required: bool = False) -> Parameter:
    """Any whole number."""
    return Parameter("a whole number", lambda value: isinstance(_literal(value), int), required)


def number(required: bool = False) -> Parameter:
    """Any number."""
    return Parameter("a number", lambda value: _literal(value) is not None, required)


def duration(required: bool = False, signed: bool = False) -> Parameter:
    """A time with its unit, up to a day; a signed one may be negative, none may be 0."""

    def fits(value: tree.Expression) -> bool:
        negative = isinstance(value, tree.Unary) and value.operator == "-"
        given = value.operand if isinstance(value, tree.Unary) and negative and signed else value
        return isinstance(given, tree.Duration) and 0 < given.seconds <= LONGEST_S

    what = "a time with its unit, above 0 and up to 1d, as 500ms, 2 seconds or 1.5h"
    return Parameter(f"{what}; it may be negative" if signed else what, fits, required)


def share(required: bool = False) -> Parameter:
    """A probability or a part of a whole: `0.8` or `80%`."""

    def fits(value: tree.Expression) -> bool:
        given = tree.plain(value) if isinstance(value, tree.Number | tree.Percent) else None
        return isinstance(given, int | float) and 0 < given <= 1

    return Parameter("above 0 and up to 1, or up to 100%", fits, required)


def name(required: bool = False) -> Parameter:
    """A component: a name or a string."""
    return Parameter(
        "a name, as OrderRepository, or a string",
        lambda value: isinstance(value, tree.Name | tree.Text) and bool(tree.plain(value)),
        required,
    )


def word(*known: str, required: bool = False) -> Parameter:
    """One of these words, as a name or a string."""
    return Parameter(
        f"one of {', '.join(known)}",
        lambda value: isinstance(value, tree.Name | tree.Text) and tree.plain(value) in known,
        required,
    )


def operation() -> Parameter:
    """A kind of statement, in small letters or in capitals."""
    return Parameter(
        f"one of {', '.join(OPERATIONS)}",
        lambda value: isinstance(value, tree.Name | tree.Text) and str(tree.plain(value)).lower() in OPERATIONS,
    )


INJECTIONS: Mapping[str, Words] = {
    "concurrent_requests": Words({"count": count(2, MOST_AT_ONCE, required=True)}),
    "rate_limit_storm": Words(
        {"requests": count(1, required=True), "window": duration(required=True), "limit": count(1, required=True)},
        rate=("requests", "window"),
    ),
    "latency": Words(
        {
            "p99": duration(),
            "delay": duration(),
            "jitter": duration(),
            "distribution": word("fixed", "uniform", "normal", "exponential"),
            "target": name(),
        },
        one_of=("p99", "delay"),
        only_with={"jitter": "delay"},
        never_with={"jitter": ("distribution", "fixed")},
    ),
    "network_latency": Words({"target": name(required=True), "delay": duration(required=True)}),
    "network_failure": Words({"probability": share(required=True), "recovers_after": duration()}),
    "network_partition": Words({"target": name(required=True), "duration": duration()}),
    "service_unavailable": Words({"target": name(required=True), "duration": duration(), "probability": share()}),
    "database_failure": Words(
        {
            "target": name(),
            "mode": word("UNAVAILABLE", "TIMEOUT"),
            "probability": share(),
            "operation": operation(),
            "duration": duration(),
        }
    ),
    "cpu_pressure": Words({"target": name(required=True), "load": share(required=True), "duration": duration()}),
    "memory_pressure": Words({"target": name(required=True), "usage": share(required=True)}),
    "clock_skew": Words({"target": name(required=True), "offset": duration(required=True, signed=True)}),
}

# What `with:` can name, each with the parameter that it takes without a name.
USES: Mapping[str, Parameter] = {
    "idempotency_key": Parameter(
        'a string that is not empty, as "a-key"', lambda value: isinstance(value, tree.Text) and bool(value.value)
    ),
}

EXPECTATIONS = (
    "exactly_one_created", "all_return_same_session", "all_return_same_result", "eventually_succeeds",
    "no_duplicate_sessions", "no_duplicate_charges", "graceful_degradation", "no_data_corruption", "no_timeout_errors",
    "eventual_consistency", "successful_retry_after_recovery",
)  # fmt: skip

_CODE = Parameter(
    "an error's code in capitals, as SERVICE_UNAVAILABLE",
    lambda value: isinstance(value, tree.Name) and value.name.isupper(),
)

# Expectations that are calls: the name of their only parameter ("" where it has none), and what it may be.
CALLED_EXPECTATIONS: Mapping[str, tuple[str, Parameter]] = {
    "error_returned": ("", _CODE),
    "response_within": ("timeout", duration()),
    "latency_within": ("", duration()),
}
