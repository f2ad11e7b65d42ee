"""What of a run's changes is proved undone, by the run or by its guardian since, and what is still broken. Pure."""

import shlex
from collections.abc import Iterator

from blackstart.controls.steps.shell import as_typed
from blackstart.evidence.events import BEGUN, EventName
from blackstart.model.change import Change
from blackstart.probes.control_state import ControlState
from blackstart.reports.story import RunView

_DOWN = ("stopped", "failed")


def still_broken(view: RunView) -> Iterator[str]:
    """A line for each change that nobody has proved undone: neither the run nor its guardian."""
    for what, change in unmended(view):
        by = as_typed(change.undo) if change else ""
        start = "".join(_start(view, change, by)) if change else ""
        told = f"{what}{f', undone by: {by}' if by else ''}{start}"
        yield f"{told}; or: sh {shlex.quote(str(view.where / 'HEAL.sh'))}"


def unmended(view: RunView) -> Iterator[tuple[str, Change | None]]:
    """What was done and nobody has proved undone, with its change where the record has it."""
    proved = view.guardian.of(EventName.GONE) if view.guardian else []
    mended = {event.get("change") for event in proved if event.get("ok")}
    latest = {event["change"]: event for event in view.record.of(*BEGUN, EventName.GONE)}
    for entry, event in latest.items():
        if event.get("ok") or entry in mended:
            continue
        number = str(entry).rpartition("#")[2]
        known = number.isdecimal() and int(number) < len(view.changes)
        yield str(event["what"]), view.changes[int(number)] if known else None


def undone(view: RunView) -> str:
    """What was broken, once each, of a run after which none of it is any more; "" where nothing was."""
    done = dict.fromkeys(str(event["what"]) for event in view.record.of(EventName.DO))
    return f"{', '.join(done)}: undone, and proved" if done else ""


def _start(view: RunView, change: Change, undone_by: str) -> Iterator[str]:
    """What starts a service of the change that its control saw down last, where that is not what undoes the change."""
    for probe in (condition.probe for condition in change.gone):
        if not isinstance(probe, ControlState) or probe.control is None or probe.field != "status":
            continue
        seen, start = view.readings((probe.name,)), as_typed(probe.control.start())
        if seen and seen[-1].value in _DOWN and start not in undone_by:
            yield f"; {probe.service} is {seen[-1].value}, started by: {start}"
