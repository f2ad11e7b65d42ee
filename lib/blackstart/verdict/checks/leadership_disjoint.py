"""Never two leaders at once, judged from the times of certain leadership that the instances themselves report.

It is found exactly where no lock that only one can hold could have given these leaderships: where its acquisitions and
the acts of who holds it are not linearizable.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Literal

from blackstart.verdict.checks.leaderships import Leadership, fault_window, forgotten, hit, of_run, successor
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing

Proof = Literal["", "successor", "forgotten"]


def leadership_disjoint(
    evidence: Recorded, reports: tuple[str, ...], least: int = 1, proof: Proof = "", services: tuple[str, ...] = ()
) -> CheckResult:
    """`reports` are collected `/leadership` answers, one for each instance; `services` are these instances' names.

    Certain leadership is from `acquired` to the last time that the instance `acted` as leader. `least` is how many
    leaderships must have been seen that were in force at some time of the run. `proof` says what else must be seen for
    two leaders to have been possible: `successor`, that an instance which the fault was not on took over while it was
    in force; `forgotten`, that the lock was gone after the fault. Leaderless gaps are reported as unavailability.
    """
    report = Reporter("certain leadership of one instance at a time")
    try:
        reported = of_run(evidence, reports)
    except Missing as missing:
        return report.unknown(str(missing))
    close = ""
    for earlier, later in combinations(reported, 2):  # not neighbours alone: one of a far clock may stand between two
        over_s = earlier.acted_s - later.acquired_s
        slack_s = 0.0 if earlier.report == later.report else earlier.slack_s + later.slack_s  # one clock: its own
        # By clocks that are this far off, either may have been the first.
        surely_s = min(over_s, later.acted_s - earlier.acquired_s)
        if surely_s > slack_s:
            seen = f"{earlier} still acted {over_s:.3f} s after {later} led"
            return report.broke(f"two leaders: {seen}", seen)
        if surely_s > -slack_s:
            close = f"{earlier} and {later} have clocks that can't be compared closer than {slack_s:.3f} s"
    mute = next((one.report for one in reported if not one.tells_acts), "")
    unproved = close or (f"not observable: {mute} says nothing of 'acted'" if mute else "")
    unproved = unproved or (
        f"only {len(reported)} leaderships of this run were seen, {least} are needed" if len(reported) < least else ""
    )
    unproved = unproved or _untested(evidence, reported, proof, dict(zip(reports, services, strict=False)))
    if unproved:
        return report.unknown(unproved)
    longest_s = max((later.acquired_s - earlier.acted_s for earlier, later in pairwise(reported)), default=0.0)
    return report.held(f"{len(reported)} leaderships, without a leader for {longest_s:.2f} s at most")


def _untested(evidence: Recorded, reported: Sequence[Leadership], proof: Proof, services: dict[str, str]) -> str:
    """Why the hypothesis was not tested; "" where it was."""
    window = fault_window(evidence)
    if not proof:
        return ""
    if window is None:
        return "not tested: there was no fault"
    if proof == "forgotten":
        unproved = "no leadership began after the undo and within the lease that the fault found"
        return "" if forgotten(reported, window) else f"not tested: no proof that the lock was lost: {unproved}"
    sick = hit(evidence)
    frozen = [name for name, service in services.items() if service in sick]
    if not any(one.report in frozen and one.in_force_at(window[0]) for one in reported):
        return "not tested: the instance that the fault was on did not lead when it began"
    if successor(reported, window, services.keys() - set(frozen)) is None:
        return "not tested: no other instance took over while the fault was in force"
    return ""
