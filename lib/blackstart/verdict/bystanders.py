"""What became of the services that a run did not touch: what each was before, and what it is afterwards. Pure.

One that ran, and does not any more, is broken: nothing of the run touched it; but one that ended without an error, and
that nothing is meant to revive, has done what it had to do, which is told alone. That one was restarted is told, and
decides nothing: its own restart policy may be what it relies on, and what must be the same process all the time is for
the experiment to say.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Record
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict

NAME = "others_as_before"
ALIVE = ("running", "starting")
# As a container's control and a unit's say that it ended by itself and without an error: it had one thing to do.
_DONE = ("exit code 0", "dead success")
_HINT = (
    "This run did not stop it, but may have stopped what it needs: see its log. Only where it is meant to end with "
    'that: allow = ["{}"] at the top of the target file.'
)


def findings(record: Record) -> list[Finding]:
    """One finding over all of them; none where there are none, or nobody has looked before the fault."""
    looks = {event["when"]: event["services"] for event in record.of(EventName.SERVICES)}
    before = looks.get("before")
    if not before:
        return []
    after = looks.get("after", {})
    told = {
        name: _became(seen, after[name]) if name in after else ("unseen", nobody_looked(record))
        for name, seen in before.items()
    }
    dead = [name for name, (kind, _) in told.items() if kind == "dead"]
    others = [name for name, (kind, _) in told.items() if kind != "same"]
    status = Verdict.BROKE if dead else Verdict.INCONCLUSIVE if others else Verdict.HELD
    changed = not dead and any(told[name][0] == "changed" for name in others)
    message = "; ".join(f"{name} {told[name][1]}" for name in dead + [one for one in others if one not in dead])
    message = message or f"{', '.join(before)}: as before"
    expected = f"{', '.join(before)}: running as before"
    hint = _HINT.format('", "'.join(dead)) if dead else ""
    return [Finding(NAME, "check", status, message, expected, message, criterion=False, hint=hint, changed=changed)]


def nobody_looked(record: Record) -> str:
    """Of something that was to be looked at afterwards, and was not; with the reason where there is one."""
    interrupted = record.first(EventName.INTERRUPTED) is not None
    return f"was not looked at afterwards{': the run was interrupted' if interrupted else ''}"


def died_by(record: Record) -> datetime | None:
    """By when the first had ended of those that ran before and do not afterwards; None where no control says it."""
    ends = (_moment(str(seen.get("ended", ""))) for seen in _dead(record))
    return min(filter(None, ends), default=None)


def starts(record: Record) -> str:
    """What a person types to start those again; empty where no control says it."""
    return " && ".join(str(seen["start"]) for seen in _dead(record) if seen.get("start"))


def _dead(record: Record) -> list[Mapping[str, Any]]:
    """What was seen afterwards of each that ran before and does not any more."""
    looks = {event["when"]: event["services"] for event in record.of(EventName.SERVICES)}
    before, after = looks.get("before", {}), looks.get("after", {})
    both = ((seen, after[name]) for name, seen in before.items() if name in after)
    return [now for was, now in both if _became(was, now)[0] == "dead"]


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _became(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str]:
    for when, seen in (("before", before), ("afterwards", after)):
        if "unseen" in seen:
            return "unseen", f"could not be looked at {when} ({seen['unseen']})"
    was, now = before["status"], after["status"]
    if was in ALIVE and now not in ALIVE:
        detail = f" ({after['detail']})" if after["detail"] else ""
        done = after["detail"] in _DONE and not after.get("revives", True)
        return "changed" if done else "dead", f"was {was} before, and is {now} afterwards{detail}"
    if was != now and was not in ALIVE:
        return "changed", f"was {was} before, and is {now} afterwards"
    if before["instance"] and after["instance"] and before["instance"] != after["instance"]:
        return "changed", f"was restarted meanwhile ({before['instance']} before, {after['instance']} afterwards)"
    return "same", ""
