"""C-04: 500 requests a second hit the gateway as soon as Redis is back. It neither crashes nor runs hot."""

import re
from dataclasses import replace

from blackstart.faults.stop import Stop
from blackstart.loads import OpenLoop, Operation, constant
from blackstart.model.expect import always
from blackstart.model.experiment import Check, Experiment, Traffic
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.gateway import _common as common
from blackstart.suites.gateway import readings as read
from blackstart.suites.gateway.link import OP, requests

RATE_PER_S = 500.0
LASTS_S = 10.0
ONE_PATH = "limited"
_LIMIT = {"limit_per_window": "how many requests of one client a window lets through", "window_s": "its length"}
_HOLE = re.compile(r"\{[^}]*\}")


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Most requests are clients of their own, so that Redis has to grow; one in five is always the same one."""
    request = requests(target)
    made = common.plain(
        target,
        "thundering-herd",
        "After a restart of Redis the gateway bears 500 requests a second at once; Redis' memory grows linearly.",
        faults=(Stop("redis"),),
        recovery=(common.serves_again(15.0, "serves_again"), common.closes_again(target, "stabilises", stays=False)),
        traffic=Traffic(_herd(request, common.open_s(target)), "recovery"),
        checks=_checks(target, common.counted(target)),
        watch=(read.redis_memory(),),
        hold_min_s=2.0,
        needs={common.OPEN_S: ("stabilises",), **dict.fromkeys(_LIMIT, ("limit_kept",))},
    )
    return replace(
        made,
        always=(
            *made.always,
            always(
                read.cpu_percent().below(80),
                name="cpu_under_80",
                for_s=1.0,
                requires=f"process_cpu_percent_of_limit at {read.PAGE}",
            ),
            always(read.oom_kills().as_before(), name="no_oom", requires=f"gateway_oom_kills_total at {read.PAGE}"),
        ),
    )


def _herd(request: Operation, open_s: float) -> OpenLoop:
    """An open breaker lets the herd's beginning pass by Redis: as long again is left for what is counted."""
    operations = (_limited(request, OP, 4), _limited(_filled(request), ONE_PATH, 1))
    return OpenLoop(operations, constant(RATE_PER_S, LASTS_S + open_s), name="traffic")


def _checks(target: Target, counted: str) -> tuple[Check, ...]:
    """What was sent, what it left in Redis, and what of it was let through."""
    return (
        Check("rate_reached", "rps_reached", {"phase": "recovery"}),
        Check(
            "grows_linearly",
            "redis_memory_linear",
            {"probe": "redis_memory", "detail": counted, "least_r_squared": 0.9},
            hint="Redis' memory must grow with the requests: do the limiter's keys expire too early, or never?",
        ),
        _limit_kept(target, counted),
    )


def _limit_kept(target: Target, counted: str) -> Check:
    """One client against the limit that the target states; a target that states none can't be measured by one."""
    missing = [f"{name} ({means})" for name, means in _LIMIT.items() if name not in target.facts]
    if missing:
        return Check(
            "undeclared_fact", "limit_kept", {"facts": missing, "expected": "no more than the limit in any window"}
        )
    one_client = {
        "op": ONE_PATH,
        "status": 200,
        "most": int(target.facts["limit_per_window"]),
        "window_s": float(target.facts["window_s"]),
        "detail": counted,
    }
    return Check(
        "per_window",
        "limit_kept",
        one_client,
        hint="One client got more than its limit: is the counter incremented and read in one step?",
    )


def _filled(request: Operation) -> Operation:
    """One client on one path: the same request each time."""
    headers = {name: _HOLE.sub("1", value) for name, value in request.headers.items()}
    return replace(request, url=_HOLE.sub("1", request.url), headers=headers)


def _limited(request: Operation, name: str, weight: int) -> Operation:
    """A request that may be limited: 429 is as good an answer, whatever it says."""
    return replace(
        request,
        name=name,
        weight=weight,
        ok_details=(),
        ok_statuses=("2xx", "429"),
        fail_statuses=("400", "401", "403", "404"),
    )
