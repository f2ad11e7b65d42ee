"""What the services of a target were set to and made of before a run, and what they are afterwards: images, limits,
settings. Pure.

What is different afterwards is told, and decides nothing: a restart that loses what was set by hand, a deployment in
the middle of the drill. What a fault itself sets, it gives back, and that is proved.
"""

from collections.abc import Mapping

from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Record
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.verdict.bystanders import nobody_looked

NAME = "settings_as_before"
_NOT_TOLD = "not told"
_HINT = (
    "A restart loses what was set while it ran: write it into its configuration. Or somebody has changed it meanwhile."
)


def findings(record: Record) -> list[Finding]:
    """One finding over all of them; none where there are none, or nobody has looked before the fault."""
    looks = {event["when"]: event["settings"] for event in record.of(EventName.SETTINGS)}
    before, after = looks.get("before"), looks.get("after")
    if not before:
        return []
    after = after or {}
    told = {
        name: _became(seen, after[name]) if name in after else ("unseen", nobody_looked(record))
        for name, seen in before.items()
    }
    changed = any(kind == "changed" for kind, _ in told.values())
    message = "; ".join(f"{name}: {what}" for name, (_, what) in told.items() if what)
    status, hint = (Verdict.INCONCLUSIVE, _HINT) if message else (Verdict.HELD, "")
    message = message or f"{', '.join(before)}: set as before"
    expected = f"{', '.join(before)}: set as before"
    return [Finding(NAME, "check", status, message, expected, message, criterion=False, hint=hint, changed=changed)]


def _became(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, str]:
    if "unseen" in after:
        return "unseen", f"could not be read afterwards ({after['unseen']})"
    other = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    words = (f"{name} was {_said(before, name)} before, and is {_said(after, name)} afterwards" for name in other)
    return ("changed" if other else "same"), ", ".join(words)


def _said(settings: Mapping[str, str], name: str) -> str:
    return settings.get(name, _NOT_TOLD) or '""'
