"""Processor time and memory run short beside the trader. It stays ready and heard of, or steps down and pauses."""

from dataclasses import replace

from blackstart.base.errors import NotShown
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.memory_stress import MemoryStress
from blackstart.model.change import Fault
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, eventually
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.relations import LAG_S, implies
from blackstart.model.target import Target
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, consistent, steady, well
from blackstart.suites.trader.leader_lock import leads_again, newest_order
from blackstart.suites.trader.link import app_links, forbidding

# Both at once is the plain one.
VARIANTS = ("cpu", "memory")
APP = "api"
CPU_LOAD, MEMORY_MB = "stress_cpu_load", "stress_memory_mb"
# Gauges are refreshed once a second, and readiness goes by them.
SHOWN_S = 2.0
# What stands still must do so for longer than it may, and be seen to.
SPARE_S = 2.0
_WHY = (
    "resource-stress takes from the process of the app, and whatever else runs there feels it, too: {target} must say "
    "how much, and lacks {missing}. In its target file:\n"
)
_LINES = f"""[facts]
{CPU_LOAD} = 0.8     # of its processors
{MEMORY_MB} = 256    # held beside it
[services.{APP}]
url = "http://localhost:8000"
control = {{{{ compose = "api", project = "aitrapp" }}}}   # or docker, unit, supervisor, process: on this machine
In the lab on this machine: invoke lab.up trader --broker"""


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Held for as long as a heartbeat that stands still takes to be seen, and to be acted upon."""
    _refuse_without(target, variant)
    limits = Limits.of(target, flags)
    held_s = limits.heartbeat_s + limits.notice_s + SHOWN_S + SPARE_S
    return Experiment(
        name=f"resource-stress-{variant}" if variant else "resource-stress",
        target="trader",
        hypothesis="Short of processor time and memory the trader stays ready with fresh heartbeats, or it is not "
        "ready, does not lead and does not trade; it is the same process afterwards, and leads.",
        refuse_if=forbidding(),
        link=app_links(APP),
        baseline=(
            *well(),
            eventually(read.ready().is_(200), within_s=BASELINE_WITHIN_S, name="ready_before"),
            *(
                eventually(beat.below(limits.heartbeat_s), within_s=BASELINE_WITHIN_S, name=f"{beat.name}_before")
                for beat in read.heartbeats()
            ),
        ),
        faults=_faults(target, variant),
        recovery=_leads_well(limits),
        always=(*steady(), *consistent(target, limits, criterion=True), *_holds_or_steps_down(target, limits)),
        checks=(_no_order_while_paused(),),
        watch=(read.orders_placed(), read.kill_switch(), *newest_order(target)),
        hold_min_s=held_s,
        settle_s=limits.ttl_s + limits.settles_s(held_s),  # who lost a lease by the stress waits for its end
    )


def _refuse_without(target: Target, variant: str) -> None:
    """Raises NotShown that says what the target lacks."""
    app = target.services.get(APP)
    needed = {"cpu": (CPU_LOAD,), "memory": (MEMORY_MB,)}.get(variant, (CPU_LOAD, MEMORY_MB))
    missing = [fact for fact in needed if fact not in target.facts]
    missing += [] if app and app.control and app.url else [f"[services.{APP}] with a url and a control"]
    if missing:
        raise NotShown((_WHY + _LINES).format(target=target.name, missing=", ".join(missing)))


def _faults(target: Target, variant: str) -> tuple[Fault, ...]:
    made: list[Fault] = []
    if variant != "memory":
        made.append(CpuStress(APP, float(target.facts[CPU_LOAD])))
    if variant != "cpu":
        made.append(MemoryStress(APP, mb=int(target.facts[MEMORY_MB])))
    return tuple(made)


def _holds_or_steps_down(target: Target, limits: Limits) -> tuple[Expectation, ...]:
    """Who does not get enough to go on gives up all of it: there is nothing between leading well and not leading."""
    lag_s = float(target.fact("metrics_lag_s", LAG_S))
    leads, trades = read.leader().is_(1), read.paused().is_(False)
    return (
        *(
            implies(
                leads,
                beat.below(limits.heartbeat_s),
                for_s=limits.notice_s,
                name=f"leader_means_{beat.name}",
                hint="It leads on while a part of it stands still: does leading depend on its heartbeats?",
            )
            for beat in read.heartbeats()
        ),
        implies(
            trades,
            read.ready().is_(200),
            for_s=limits.notice_s,
            name="trading_means_ready",
            hint="It says that it is not ready, and trades on: who is told when readiness is lost?",
        ),
        implies(
            trades,
            leads,
            for_s=lag_s,
            name="trading_means_leader",
            hint="It does not lead, and trading is not paused: look for the pause in the orchestrator logs.",
        ),
    )


def _leads_well(limits: Limits) -> tuple[Expectation, ...]:
    """In the end, and for a while. Who has held on until then may yet notice that a lease ran out meanwhile."""
    hint = "It has what it needs again, and does not lead well: look for re-acquire attempts in the orchestrator logs."
    return tuple(
        replace(one, stays=False, for_s=limits.notice_s, hint=hint) if one.stays else one for one in leads_again(limits)
    )


def _no_order_while_paused() -> Check:
    """Who never paused could place none: told, but no criterion."""
    return Check(
        "steady_while",
        "no_order_while_paused",
        {"counters": ("orders_placed", "newest_order"), "flag": "paused"},
        hint="Something places orders without asking whether trading is paused.",
        criterion=False,
    )
