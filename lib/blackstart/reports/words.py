"""The words of results, the same in every report, and what an event of the journal says."""

from typing import Any

from blackstart.base.durations import shown
from blackstart.base.printable import shortened
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Event
from blackstart.model.finding import CHANGED, NOT_OBSERVED, Finding
from blackstart.model.verdict import Verdict
from blackstart.reports.story import RunView

DONE = "done"
MENDED = "The run did not prove that everything was undone, but its guardian has since undone all of it, and proved it."
_HIDDEN = ("n", "at", "event", "prev", "trace")


def verdict_says(view: RunView) -> str:
    """What the verdict means, and whether the system is whole again."""
    verdict = view.judgement.verdict
    if view.mended_later:
        return f"{verdict.says} {MENDED}" if verdict == Verdict.INCONCLUSIVE else MENDED
    if verdict in (Verdict.NOT_RESTORED, Verdict.REFUSED):
        return verdict.says
    says = (
        f"{verdict.says} Left out by choice: {', '.join(left)}." if (left := view.judgement.left_out) else verdict.says
    )
    unread = "What can be read of the journal tells of no fault." if view.record.damage else "No fault was injected."
    whole = "What was broken is restored, and that was proved." if view.restored else unread
    return f"{says} {whole}"


def result(finding: Finding) -> str:
    """The result of an expectation in a word; one that could not be observed and need not be is `not observed`, and
    what was seen to be different, and need not be the same, is `changed`."""
    if finding.changed:
        return CHANGED
    unneeded = finding.status == Verdict.INCONCLUSIVE and not finding.criterion
    return NOT_OBSERVED if unneeded else finding.status


def ms(value: float | None) -> str:
    """Milliseconds as figures stand in tables; empty for none."""
    return "" if value is None else f"{value:.1f}"


def sign_of(word: str) -> str:
    return Verdict.HELD.sign if word == DONE else next((known.sign for known in Verdict if known == word), "–")


def hint(finding: Finding) -> str:
    """Where to look, of what was seen to break; of what was not seen, a hint would accuse without a proof."""
    return finding.hint if finding.status == Verdict.BROKE else ""


def tell(event: Event) -> str:
    """One event of the journal in a sentence; events that nobody thought of show their fields."""
    name = str(event["event"])
    if name in _TEXTS:
        try:
            return _flat(_TEXTS[name](event))
        except (KeyError, TypeError, ValueError):  # an older or newer journal: its fields say it as well
            pass
    fields = ", ".join(f"{key} {_flat(value)}" for key, value in event.items() if key not in _HIDDEN)
    return f"{name}: {fields}" if fields else name


def _flat(value: Any) -> str:
    return shortened(str(value), 300)


def _undone(event: Event) -> str:
    proof = "and it was proved" if event["ok"] else "but it could NOT BE PROVED"
    return f"undone: {event['what']}, {proof}, in {shown(float(event['took_s']))}"


def _load(event: Event) -> str:
    if "summary" not in event:
        spec = event["spec"]
        return f"the load flows: {str(spec.get('kind')).replace('_', ' ')} {spec.get('name', '')}".rstrip()
    s = event["summary"]
    counts = ", ".join(f"{s[word]} {word}" for word in ("ok", "fail", "info", "unsent"))
    return f"the load has ended: {s['intended']} due, {counts}"


_PLAIN = (
    EventName.REFUSED, EventName.INTERRUPTED, EventName.INCONCLUSIVE, EventName.UNDO_SAID, EventName.REHEARSED,
)  # fmt: skip
_TEXTS: dict[str, Any] = {
    **dict.fromkeys(_PLAIN, lambda event: str(event["message"])),
    **dict.fromkeys((EventName.ALERT, EventName.SAID), lambda event: f"guardian: {event['message']}"),
    EventName.PHASE: lambda event: f"phase {event['phase']}",
    EventName.INSTANT: lambda event: (
        f"{event['stretch']} {'begins' if event['side'] == 'begin' else 'ends'}, "
        f"{shown(max(0.0, float(event['began']) - float(event['planned'])))} later than planned"
    ),
    EventName.DO: lambda event: f"doing: {event['what']}",
    EventName.SET_UP: lambda event: f"making for the load: {event['what']}",
    EventName.DID: lambda event: f"done: {event['what']}",
    EventName.UNDO: lambda event: f"undoing: {event['what']}",
    EventName.UNDONE: _undone,
    EventName.GONE_WITH_LAB: lambda event: f"nothing is left to mend of {event['what']}: {event['proof']}",
    EventName.GIVEN_UP: lambda event: f"LEFT BROKEN: {event['what']}, {event['told']}",
    EventName.GONE: lambda event: (
        f"stayed undone: {event['what']}" if event["ok"] else f"NOT RESTORED: {event['what']}"
    ),
    EventName.STEP: lambda event: f"ran: {event['step']} → {event['code']}, in {shown(float(event['took_s']))}",
    EventName.LINKED: lambda event: f"proved that {event['service']} is the target's own",
    EventName.LINK_ASSUMED: lambda event: f"ASSUMED that {event['service']} is the target's own: {event['missing']}",
    EventName.NOTE: lambda event: f"note: {event['text']}",
    EventName.ABORTED: lambda event: f"ended early: {event['message']}",
    EventName.VERDICT: lambda event: f"verdict: {event['verdict']}",
    EventName.LOAD: _load,
    EventName.FINAL: lambda event: (
        f"read for the checks: {event['probe']} {event['value'] if event['kind'] == 'value' else event['kind']}"
    ),
    EventName.SNAPSHOT: lambda event: (
        f"metrics kept in {event['file']}" if "file" in event else f"no metrics: {event['missing']}"
    ),
}


def number(value: float) -> str:
    """`12.5`, `209,100,000`: a number for people."""
    return f"{value:,.0f}" if abs(value) >= 1e6 else f"{value:g}"
