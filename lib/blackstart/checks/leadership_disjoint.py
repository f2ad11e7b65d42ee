"""Never two leaders at once, judged from the times of certain leadership that the instances themselves report."""

from __future__ import annotations

from itertools import pairwise

from blackstart.checking import Evidence
from blackstart.checks.result import CheckResult, Reporter


def leadership_disjoint(evidence: Evidence, reports: tuple[str, ...], least: int = 1) -> CheckResult:
    """`reports` are collected `/leadership` answers, one for each instance.

    Certain leadership is from `acquired` to the last time that the instance `acted` as leader. `least` is how many
    leaderships must have been seen. Leaderless gaps are reported as unavailability.
    """
    report = Reporter("leadership_disjoint", "certain leadership of one instance at a time")
    spans: list[tuple[float, float, str, str]] = []
    for name in reports:
        try:
            told = evidence.final_json(name)
            for interval in told["intervals"]:
                acted_s = max(float(interval["acted"] or interval["acquired"]), float(interval["acquired"]))
                spans.append(
                    (float(interval["acquired"]), acted_s, str(told["instance_id"])[:8], str(interval["token"]))
                )
        except (ValueError, KeyError, TypeError) as error:
            return report.unknown(f"not observable: {error}")
    spans.sort()
    latest = spans[0] if spans else None
    for span in spans[1:]:
        if latest is not None and span[0] < latest[1]:
            seen = (
                f"{latest[2]} (token {latest[3]}) still acted {latest[1] - span[0]:.3f} s after "
                f"{span[2]} (token {span[3]}) led"
            )
            return report.broke(f"two leaders: {seen}", seen)
        latest = span
    if len(spans) < least:
        return report.unknown(f"only {len(spans)} leaderships were seen, {least} are needed")
    gaps = [later[0] - earlier[1] for earlier, later in pairwise(spans)]
    longest_s = max(gaps, default=0.0)
    return report.held(f"{len(spans)} leaderships, without a leader for {longest_s:.2f} s at most")
