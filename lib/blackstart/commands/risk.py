"""What a run will cost, in one line, before anybody says yes: what is broken, for how long, and what it pauses."""

from blackstart.model.experiment import Experiment
from blackstart.model.plan import Plan


def text(plan: Plan) -> str:
    """`stop redis for about 1 to 11 s; trading pauses for up to 101 s if it recovers; Ctrl-C undoes it`.

    It is "" where nothing is broken. The times are the experiment's own: its hold, or the limits of what is awaited
    while the fault is in force, and those of the recovery. What is paused is only told where the experiment expects it.
    """
    if not plan.changes:
        return ""
    least_s, most_s = _in_force_s(plan)
    held = f"{least_s:.0f} to {most_s:.0f}" if f"{least_s:.0f}" != f"{most_s:.0f}" else f"{most_s:.0f}"
    what = ", ".join(dict.fromkeys(change.what for change in plan.changes))
    recovery_s = max((e.within_s or 0.0 for e in plan.experiment.recovery), default=0.0)
    back = f"{_paused(plan)} for up to {most_s + recovery_s:.0f} s if it recovers" if recovery_s else ""
    mends = "what is done by hand is undone by hand" if plan.by_hand else "Ctrl-C undoes it"
    return "; ".join(filter(None, (f"{what} for about {held} s", back, mends)))


def _in_force_s(plan: Plan) -> tuple[float, float]:
    """How long what is broken stays so at least, and as far as can be told, in seconds."""
    if plan.schedule:
        last_s = max(stretch.to_s for stretch in plan.schedule)
        return last_s, last_s
    if plan.holds_s is not None:
        return plan.holds_s, plan.holds_s
    experiment = plan.experiment
    awaited_s = max((e.within_s or 0.0 for e in experiment.during), default=0.0)
    least_s = max(experiment.hold_min_s, _load_s(experiment))
    return least_s, min(max(least_s, awaited_s), max(experiment.hold_max_s, least_s))


def _load_s(experiment: Experiment) -> float:
    """The hold lasts at least as long as a load that is sent during it."""
    traffic = experiment.traffic
    length_s = getattr(traffic.load, "duration_s", 0.0) if traffic and traffic.flows == "fault" else 0.0
    return float(length_s) if isinstance(length_s, int | float) else 0.0


def _paused(plan: Plan) -> str:
    safe = plan.target.system.safe_state
    awaited = [e.condition for e in plan.experiment.during if safe and e.condition.probes[0].name == safe.reached[0]]
    pauses = safe is not None and any(getattr(condition, "wanted", None) == safe.reached[1] for condition in awaited)
    return f"{safe.of} pauses" if safe is not None and pauses else f"{plan.target.name} may suffer from it"
