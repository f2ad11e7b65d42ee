"""Before anything is broken: are the rights there, is `gone` observable, does the undo work?"""

from collections.abc import Sequence

from blackstart.base.errors import Refused, StepFailed
from blackstart.controls.steps.local import carry_out
from blackstart.model.change import Change
from blackstart.model.step import Ask, Step
from blackstart.safety.heal import heal_script
from blackstart.safety.heal.restore import all_true, stays_gone, unproved, wait_gone

# One look may be late for its limit, over SSH or on a busy machine.
_SEEN_WITHIN_S = 5.0
_SEEN_AGAIN_FOR_S = 0.2


def rehearse(changes: Sequence[Change]) -> list[str]:
    """Check every change; returns what was rehearsed. Raises Refused that says what is missing."""
    done: list[str] = []
    if lacking := heal_script.lacks(changes):
        raise Refused(f"HEAL.sh could undo nothing here: it needs {lacking}, and none is on PATH; install curl")
    for change in changes:
        _carry_out(change.rights, f'a right needed for "{change.what}" is missing')
        _refuse_unhealthy(change, "does not look healthy to begin with")
        if change.bites and all_true(change.bites):
            proofs = ", ".join(str(condition) for condition in change.bites)
            raise Refused(f'"{change.what}": what would prove that it took effect is true already ({proofs})')
        if change.undo_is_noop:
            _carry_out(change.undo, f'the undo of "{change.what}" does not work, tried before the fault')
            done.append(f"rehearsed the undo of: {change.what}")
            _refuse_unhealthy(change, "no longer looks healthy after its undo was rehearsed")
    return done


def _refuse_unhealthy(change: Change, complaint: str) -> None:
    # What was only late says nothing: it is looked at again, with more time for each reading.
    if wait_gone(change, _SEEN_WITHIN_S) or (seen_well := stays_gone(change, _SEEN_AGAIN_FOR_S)):
        return
    wanted = ", ".join(str(condition) for condition in change.gone)
    seen = "; ".join(unproved(change)) or "it came true since"
    told = complaint if seen_well is False else "can't be read, so that nobody knows whether it is well"
    raise Refused(f'"{change.what}": the system {told}: {seen} (wanted: {wanted})')


def _carry_out(steps: Sequence[Step], complaint: str) -> None:
    for step in steps:
        if isinstance(step, Ask):
            continue
        try:
            carry_out(step)
        except StepFailed as error:
            raise Refused(f"{complaint}: {error}") from error
