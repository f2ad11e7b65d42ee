"""The options that every experiment task takes: read off the table of flags without importing it at listing time."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any

from invoke import Exit, task

# name on the command line → (field of Flags, is it a switch). Kept equal to blackstart.flags by a test: importing the
# table itself would cost every `invoke --list` its imports.
OPTIONS: dict[str, tuple[bool, str]] = {
    "target": (False, "target file, or name of a target or running lab [TARGET]"),
    "api": (False, "base URL of the target [API]"),
    "redis_container": (False, "Redis container or compose service [REDIS_CONTAINER]"),
    "postgres_container": (False, "PostgreSQL container or compose service [POSTGRES_CONTAINER]"),
    "redis_url": (False, "Redis URL [REDIS_URL]"),
    "database_url": (False, "PostgreSQL URL [DATABASE_URL]"),
    "heartbeat_max": (False, "heartbeat limit in seconds, 5 [HEARTBEAT_MAX]"),
    "wait_ready_timeout": (False, "recovery limit in seconds, 90 [WAIT_READY_TIMEOUT]"),
    "plan_count": (False, "plans in the rate-limit burst, 2 to 1000000, 15 [PLAN_COUNT]"),
    "noninteractive": (True, "no prompts, plain lines [NONINTERACTIVE]"),
    "pause_on_fail": (True, "after a failure: restore, then abort trading [PAUSE_ON_FAIL]"),
    "assume_link": (True, "do not demand proof that a service is the target's own [ASSUME_LINK]"),
    "allow": (False, "what may be touched besides, by name: hosts, services, live (a,b) [ALLOW]"),
    "hold": (False, "hold the fault at least this long [HOLD]"),
    "total_max": (False, "longest total time of the run, 900 [TOTAL_MAX]"),
    "reports": (False, "folder of the evidence, reports/chaos [REPORTS]"),
    "abort_command": (False, "what PAUSE_ON_FAIL runs instead of make abort or the routes [ABORT_COMMAND]"),
    "k6": (False, "k6 script whose load replaces the experiment's own [K6]"),
    "note": (False, "a note for the evidence [NOTE]"),
}

_REFUSED = 40  # blackstart.errors.EXIT_REFUSED, which a test compares: importing it costs listing nothing else

# What only some of the tasks take.
_OWN = {
    "experiment": "its name (chaos.list shows them all), or a Python file",
    "variant": "one of the experiment's variants, by name",
    "scenario": "which scenario (default: all of them)",
    "full": "also print in full the shell that is too long to be read",
    "keep-going": "do not stop at the first failure",
}


def experiment_task(
    name: str,
    doc: str,
    act: Callable[[dict[str, Any]], int],
    variants: Sequence[str] = (),
    positional: str = "",
    values: Sequence[str] = (),
) -> Any:
    """An Invoke task with the common options, a switch for each variant, and options of its own that take `values`;
    `act` returns the exit code."""

    def body(c: Any, **options: Any) -> None:
        refuse_empty(**{own: options.get(own) for own in (*filter(None, (positional,)), *values)})
        finish(act(options))

    parameters = [inspect.Parameter("c", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    if positional:
        parameters.append(inspect.Parameter(positional, inspect.Parameter.POSITIONAL_OR_KEYWORD))
    for option, (switch, _) in OPTIONS.items():
        parameters.append(_parameter(option, False if switch else None))
    parameters += [_parameter(value, None) for value in values]
    parameters += [_parameter(variant.replace("-", "_"), False) for variant in variants]
    body.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    body.__name__ = name.replace("-", "_")
    body.__doc__ = doc
    body.mends_first = name != "plan"  # type: ignore[attr-defined]
    helps = {option.replace("_", "-"): text for option, (_, text) in OPTIONS.items()}
    own = {name: _OWN[name] for name in (positional, *values, *variants) if name in _OWN}
    helps |= {variant: f"the variant {variant} of the experiment" for variant in variants} | own
    return task(name=name, help=helps, auto_shortflags=False)(body)


def _parameter(name: str, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def refuse_empty(**options: str | None) -> None:
    """Leave Invoke with 40 where an option was given and is empty, as `--run=$UNSET` is: only what was left out (None)
    means that there is none."""
    for name, value in options.items():
        if value is not None and not value.strip():
            option = name.strip("_").replace("_", "-")
            told = f"Not started: --{option}={value!r}: is empty; give it a value, or leave it out"
            print(told, file=sys.stderr, flush=True)
            raise Exit(code=_REFUSED)


def finish(code: int) -> None:
    """Leave Invoke with this exit code, without more words: what there was to say has been said."""
    if code:
        raise Exit(code=code)
