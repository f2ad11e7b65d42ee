"""Before anything is broken: are the rights there, is `gone` observable, does the undo work?"""

from collections.abc import Sequence

from blackstart.base.errors import Refused, StepFailed
from blackstart.controls.steps.local import carry_out
from blackstart.model.change import Change
from blackstart.model.step import Ask, Step
from blackstart.safety.heal import heal_script
from blackstart.safety.heal.restore import all_true, unproved


def rehearse(changes: Sequence[Change]) -> list[str]:
    """Check every change; returns what was rehearsed. Raises Refused that says what is missing."""
    done: list[str] = []
    if lacking := heal_script.lacks(changes):
        raise Refused(f"HEAL.sh could undo nothing here: it needs {lacking}, and none is on PATH; install curl")
    for change in changes:
        _carry_out(change.rights, f'a right needed for "{change.what}" is missing')
        if seen := unproved(change):
            raise Refused(f'"{change.what}": the system does not look healthy to begin with: {"; ".join(seen)}')
        if all_true(change.bites):
            proofs = ", ".join(str(condition) for condition in change.bites)
            raise Refused(f'"{change.what}": what would prove that it took effect is true already ({proofs})')
        if change.undo_is_noop:
            _carry_out(change.undo, f'the undo of "{change.what}" does not work, tried before the fault')
            done.append(f"rehearsed the undo of: {change.what}")
        if change.undo_is_noop and (seen := unproved(change)):
            after = "after rehearsing its undo the system no longer looks healthy"
            raise Refused(f'"{change.what}": {after}: {"; ".join(seen)}')
    return done


def _carry_out(steps: Sequence[Step], complaint: str) -> None:
    for step in steps:
        if isinstance(step, Ask):
            continue
        try:
            carry_out(step)
        except StepFailed as error:
            raise Refused(f"{complaint}: {error}") from error
