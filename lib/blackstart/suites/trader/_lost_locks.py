"""Two more ways to lose a leader lock, which a stopped Redis can't show: both with two instances of the trader."""

from dataclasses import replace

from blackstart.base.errors import NotShown
from blackstart.faults.bounce import Bounce
from blackstart.faults.pause_one import PauseOne
from blackstart.model.expect import BASELINE_WITHIN_S, Condition, always, eventually
from blackstart.model.experiment import Check, Experiment
from blackstart.model.target import Target
from blackstart.probes.fleet import Fleet
from blackstart.safety.preflight.link_proofs import Listens
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, consistent
from blackstart.suites.trader._leadership import leadership, report_name, reports
from blackstart.suites.trader.link import links


def vary(plain: Experiment, variant: str, target: Target, limits: Limits) -> Experiment:
    """The variant `bounce` or `freeze-leader` of the leader-lock experiment. Raises NotShown for one instance."""
    instances = tuple(name for name, service in target.services.items() if service.url)
    if len(instances) < 2:
        raise NotShown(
            f"--{variant} needs two instances of {target.name} with a url each, and the target names {len(instances)}. "
            "In the lab: invoke lab.up trader --instances 2"
        )
    leaders = Fleet(tuple(read.leader(name) for name in instances), "sum", "leaders_of_all", absent_members=True)
    common = replace(
        plain,
        name=f"leader-lock-{variant}",
        log_title="leader_lock_chaos_test",
        link=(),
        baseline=(eventually(leaders.is_(1), within_s=BASELINE_WITHIN_S, name="leader_before"),),
        during=(),
        recovery=(
            eventually(
                leaders.is_(1),
                within_s=limits.back_s,
                name="leader_1_again",
                hint="No instance leads, or more than one does: check orchestrator logs for re-acquire attempts.",
            ),
        ),
        always=(
            *(always(_same_process(name), name=_no_crash(name)) for name in instances),
            *(one for name in instances for one in consistent(target, limits, name)),
        ),
        collect=reports(target, instances),
        watch=(),
        log_rows=(),
    )
    make = {"bounce": _bounce, "freeze-leader": _freeze_leader}[variant]
    return make(common, instances, target, limits)


def _bounce(common: Experiment, instances: tuple[str, ...], target: Target, limits: Limits) -> Experiment:
    """Redis is back before anybody refreshes its lock, and the key is lost."""
    return replace(
        common,
        hypothesis="When Redis forgets the lock, the old leader and its successor never lead at the same time.",
        faults=(Bounce("redis", down_ms=max(1, round(limits.refresh_s * 500))),),
        link=tuple(proof for name in instances for proof in links(target, name)),
        settle_s=max(limits.ttl_s + limits.refresh_s, limits.settles_s()),
        checks=leadership(target, instances, limits, criterion=True, proof="forgotten"),
    )


def _freeze_leader(common: Experiment, instances: tuple[str, ...], target: Target, limits: Limits) -> Experiment:
    """The leader sleeps until its lock has run out and another has taken it; woken, it believes that it leads."""
    frozen_s = limits.ttl_s + max(limits.backoff_s) + 1.0
    return replace(
        common,
        hypothesis="A leader that was frozen beyond its lease is followed by the standby, and does nothing as a leader "
        "after it wakes.",
        faults=(PauseOne(tuple((name, read.leader(name).is_(1)) for name in instances), hold_s=frozen_s),),
        link=tuple(Listens(name) for name in instances),
        settle_s=limits.settles_s(frozen_s),
        # A frozen instance can't answer; that it is still the same process is seen when it is awake again.
        always=tuple(one for name in instances for one in consistent(target, limits, name)),
        recovery=(
            *common.recovery,
            *(eventually(_same_process(name), within_s=limits.back_s, name=_no_crash(name)) for name in instances),
        ),
        checks=(
            _taken_over(instances, limits),
            *leadership(target, instances, limits, criterion=True, proof="successor"),
        ),
        watch=tuple(read.health(name) for name in instances),
    )


def _taken_over(instances: tuple[str, ...], limits: Limits) -> Check:
    """The standby asks at least once in its longest backoff: the lease, and one of those, is what it may take."""
    return Check(
        "taken_over",
        "standby_took_over",
        {
            "reports": {name: report_name(name) for name in instances},
            "health": {name: read.health(name).name for name in instances},
            "well": "healthy",
            "within_s": limits.ttl_s + max(limits.backoff_s) + limits.jitter_s,
            **limits.assumed("lock_ttl_s", "backoff_s"),
        },
        hint="The lock ran out and the standby did not take it: look for its acquire attempts in its logs.",
    )


def _same_process(instance: str) -> Condition:
    return read.scan_ticks(instance).not_fallen()


def _no_crash(instance: str) -> str:
    return f"no_crash_{instance.replace('-', '_')}"
