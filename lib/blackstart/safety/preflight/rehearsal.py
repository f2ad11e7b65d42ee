"""Before anything is broken: are the rights there, is `gone` observable, does the undo work?"""

from __future__ import annotations

from collections.abc import Sequence

from blackstart.base.errors import Refused, StepFailed
from blackstart.controls.steps.local import carry_out
from blackstart.model.change import Change
from blackstart.model.step import Ask
from blackstart.safety.heal.restore import all_true, is_gone


def rehearse(changes: Sequence[Change]) -> list[str]:
    """Check every change; returns what was rehearsed. Raises Refused that says what is missing."""
    done: list[str] = []
    for change in changes:
        _rights(change)
        if not is_gone(change):
            proofs = ", ".join(str(condition) for condition in change.gone)
            raise Refused(f'"{change.what}": the system does not look healthy to begin with ({proofs} is not true)')
        if all_true(change.bites):
            proofs = ", ".join(str(condition) for condition in change.bites)
            raise Refused(f'"{change.what}": what would prove that it took effect is true already ({proofs})')
        if change.undo_is_noop:
            _run_undo(change)
            done.append(f"rehearsed the undo of: {change.what}")
        if change.undo_is_noop and not is_gone(change):
            raise Refused(f'"{change.what}": after rehearsing its undo the system no longer looks healthy')
    return done


def _rights(change: Change) -> None:
    for step in change.rights:
        try:
            carry_out(step)
        except StepFailed as error:
            raise Refused(f'a right needed for "{change.what}" is missing: {error}') from error


def _run_undo(change: Change) -> None:
    for step in change.undo:
        if isinstance(step, Ask):
            continue
        try:
            carry_out(step)
        except StepFailed as error:
            raise Refused(f'the undo of "{change.what}" does not work, tried before the fault: {error}') from error
