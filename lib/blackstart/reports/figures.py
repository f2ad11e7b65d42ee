"""What a run's readings come to in figures: how far a queue grew, how fast it was worked off, how long recovery took.

Pure. A figure that was not seen is None, never a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from blackstart.model.verdict import Verdict
from blackstart.reports.story import RunView

# So many readings before the fault say how deep the queue usually is: one alone may meet a batch half done.
_USUALLY = 10


@dataclass(frozen=True)
class Backlog:
    """A queue's depth over a run, as its probe read it. Depths in entries.

    `usual` is the highest of the last readings before the fault, `at_bite` the first one after the fault was proved to
    be in force, `highest` the highest after that, `at_undo` the last before it was mended, `left` the last of all.
    `drained_s` is how long after the beginning of the mending it was no deeper than usual, and `per_s` how fast it fell
    from its highest to there, less what came meanwhile. Both are None of a queue that did not rise above the usual.
    """

    usual: float | None = None
    at_bite: float | None = None
    highest: float | None = None
    at_undo: float | None = None
    left: float | None = None
    drained_s: float | None = None
    per_s: float | None = None

    @property
    def rose(self) -> bool:
        """Whether it was ever deeper than usual."""
        return self.highest is not None and self.usual is not None and self.highest > self.usual


class _Depth(NamedTuple):
    """A reading that was a number."""

    number: float
    sent_s: float
    answered_s: float


@dataclass(frozen=True)
class Recovery:
    """How long after the mending began all that was awaited had come; None where `missed` did not come or did not last,
    or where nothing was awaited."""

    took_s: float | None
    missed: tuple[str, ...] = ()


def mended_s(view: RunView, by: str = "") -> float | None:
    """When the mending began: when the expectation named `by` came true during the fault (a supervisor has started
    anew what was killed), else when the undo began."""
    came = (mark.interval.to_s for mark in view.transitions if mark.name == by)
    return next(came, view.times.undid_s)


def backlog(view: RunView, probe: str, by: str = "") -> Backlog:
    """Of the queue whose depth is read by `probe`. A broker that did not answer says nothing of its queue. `by` is what
    `mended_s` takes."""
    times, back_s = view.times, mended_s(view, by)
    every = view.readings((probe,))
    depths = [_Depth(r.number, r.sent_s, r.answered_s) for r in every if r.number is not None]
    if times.did_s is None:
        return Backlog(left=_of(depths[-1:]))
    effect_s = times.bit_s if times.bit_s is not None else times.did_s
    before = [one for one in depths if one.answered_s <= times.did_s]
    after = [one for one in depths if one.sent_s >= effect_s]
    highest = max(after, key=lambda one: (one.number, one.sent_s), default=None)
    found = Backlog(
        usual=max((one.number for one in before[-_USUALLY:]), default=None),
        at_bite=next((r.number for r in every if times.bit_s is not None and r.sent_s >= effect_s), None),
        highest=highest and highest.number,
        at_undo=next(
            (
                r.number
                for r in reversed(every)
                if back_s is not None and effect_s <= r.sent_s and r.answered_s <= back_s
            ),
            None,
        ),
        left=_of(depths[-1:]),
    )
    if highest is None or back_s is None or not found.rose:
        return found
    from_s = max(back_s, highest.answered_s)
    drained = next((one for one in after if one.sent_s >= from_s and one.number <= (found.usual or 0)), None)
    if drained is None:
        return found
    falling_s = drained.answered_s - max(highest.sent_s, back_s)
    return replace(found, drained_s=drained.answered_s - back_s, per_s=(highest.number - drained.number) / falling_s)


def recovery(view: RunView, by: str = "") -> Recovery | None:
    """None where the run did not get to an undo. `by` is what `mended_s` takes; what is awaited is looked for from the
    undo on, so that it may have come sooner."""
    began_s = mended_s(view, by)
    if view.times.undid_s is None or began_s is None:
        return None
    waited = {e.name for e in view.experiment.recovery if e.when == "eventually"} if view.experiment else set()
    came = {mark.name: mark.interval.to_s for mark in view.transitions if mark.phase == "recovery"}
    held = {f.name for f in view.judgement.findings if f.phase == "recovery" and f.status == Verdict.HELD}
    missed = tuple(sorted(waited - (came.keys() & held)))
    if missed or not waited:
        return Recovery(None, missed)
    return Recovery(max(0.0, max(came[name] for name in waited) - began_s))


def _of(depths: Sequence[_Depth]) -> float | None:
    return depths[0].number if depths else None
