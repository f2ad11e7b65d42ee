"""Numbered items that were missed while their stream was lost are fetched: no gap is left."""

from itertools import pairwise

from blackstart.model.reading import Reading
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def gap_filled(evidence: Recorded, *, missing: str, newest: str, sent: str, still_s: float = 3.0) -> CheckResult:
    """`sent` is the newest number at the source, `newest` that at the receiver, `missing` how many numbers the receiver
    lacks below it; all three were read throughout.

    What was missing before the fault stays out of it. Where the source sent nothing meanwhile, or the stream went on,
    there was no gap to fill; as long as nothing came after it, it could not be seen. Then it takes time to fill: broken
    only where none of what was missing came for `still_s`, until the end.
    """
    report = Reporter(f"{missing} as before the fault")
    start_s, end_s = evidence.began_s("fault"), evidence.began_s("recovery")
    if start_s is None or end_s is None:
        return report.unknown("there was no fault")
    read = {probe: _numbers(evidence.readings(probe)) for probe in (missing, newest, sent)}
    before = {probe: [n for at_s, n in seen if at_s <= start_s] for probe, seen in read.items()}
    during = {probe: [n for at_s, n in seen if at_s <= end_s] for probe, seen in read.items()}
    blind = [probe for probe in read if not before[probe] or len(read[probe]) <= len(before[probe])]
    if blind:
        return report.unknown(f"not observable: {', '.join(blind)} could not be read before and after")
    source, came = (during[probe][-1] - before[probe][-1] for probe in (sent, newest))
    if source <= 0 or came > source / 2:
        return report.unknown(f"of {source:g} that were sent during the fault {came:g} came: there was no gap to fill")
    last = read[newest][-1][1]
    if last <= during[sent][-1]:
        return report.unknown(f"nothing came after the gap: {newest} is {last:g}, and {during[sent][-1]:g} was sent")
    told = f"{source - came:g} were not received when they were sent"
    # Until then the receiver may not know that it lacks them.
    shown_s = next(at_s for at_s, number in read[newest] if number > during[sent][-1])
    looked = [one for one in evidence.readings(missing) if one.sent_s >= shown_s]
    if all(one.number is None for one in looked):
        why = f"; last, {looked[-1]}" if looked else ""
        return report.unknown(f"{told}; whether they are missing was not seen after the stream was back{why}")
    left = read[missing][-1][1] - before[missing][-1]
    if left > 0 and looked[-1].number is None:
        return report.unknown(f"{told}; of {left:g} that were still missing nothing was seen later; last, {looked[-1]}")
    fell_s = [at_s for (_, earlier), (at_s, later) in pairwise(read[missing]) if later < earlier]
    stood_s = read[missing][-1][0] - max((shown_s, *fell_s))
    if left > 0 and stood_s < still_s:
        return report.unknown(f"{told}; {left:g} were still missing, and seen for only {stood_s:.1f} s not to come")
    if left > 0:
        return report.broke(f"{told}, and {left:g} of them never came", f"{left:g} missing")
    return report.held(f"{told}, and were fetched afterwards")


def _numbers(readings: list[Reading]) -> list[tuple[float, float]]:
    """When it was answered, and the number."""
    return [(one.answered_s, one.number) for one in readings if one.number is not None]
