"""Another instance takes the lead while the one that led can't: a standby that is well and doesn't is no standby."""

from collections.abc import Mapping

from blackstart.verdict.checks.leaderships import fault_window, hit, of_run, successor
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing
from blackstart.verdict.checks.steady_while import allowed_gap_s

_IN_A_ROW = 2


def taken_over(
    evidence: Recorded,
    reports: Mapping[str, str],
    health: Mapping[str, str],
    well: str,
    within_s: float,
    assumed: str = "",
) -> CheckResult:
    """`reports` and `health` name, for each instance, its collected `/leadership` answer and the probe of its health.

    Broken only where an instance that the fault was not on read `well` all the time, without a gap in the readings, and
    `within_s` from the beginning of the fault it had still not begun to lead. Where none was seen to be well, nothing
    is known, nor where `assumed` says that `within_s` is nobody's word, and what to declare.
    """
    report = Reporter("another instance leads before the one that led is let go on")
    window = fault_window(evidence)
    if window is None:
        return report.unknown("there was no fault")
    others = sorted(reports.keys() - hit(evidence))
    try:
        reported = of_run(evidence, tuple(reports.values()))
    except Missing as missing:
        return report.unknown(str(missing))
    taken = successor(reported, window, {reports[name] for name in others})
    if taken is not None:
        return report.held(f"{taken} led {taken.acquired_s - window[0]:.2f} s after the fault began")
    ill = {name: _ill(evidence, health[name], well, window) for name in others}
    why = "; ".join(f"{name}: {trouble}" for name, trouble in ill.items()) or "the fault was on all of them"
    if all(ill.values()):
        return report.unknown(f"no other instance took over, and none was seen to be well ({why})")
    lasted_s = window[1] - window[0]
    if lasted_s < within_s:
        return report.unknown(f"no other instance took over in {lasted_s:.1f} s, and it may take {within_s:g} s")
    idle = ", ".join(name for name, trouble in ill.items() if not trouble)
    seen = f"{idle} was well and did not take over in {lasted_s:.1f} s"
    return report.unknown(f"{seen}, but {assumed}", seen) if assumed else report.broke(seen, seen)


def _ill(evidence: Recorded, probe: str, well: str, window: tuple[float, float]) -> str:
    """Why it can't be said that this instance was well all the time; "" where it was."""
    readings = evidence.readings(probe)
    seen = [one for one in readings if window[0] <= one.answered_s <= window[1]]
    bad = next((one for one in seen if one.kind != "value" or one.value != well), None)
    if bad is not None:
        return str(bad)
    if len(seen) < _IN_A_ROW:
        return f"{probe} was not read"
    sent_s, answered_s = [one.sent_s for one in seen], [one.answered_s for one in seen]
    unseen_s = max(to_s - from_s for from_s, to_s in zip((window[0], *answered_s), (*sent_s, window[1]), strict=True))
    return f"{probe} was not read for {unseen_s:.1f} s" if unseen_s > allowed_gap_s(readings) else ""
