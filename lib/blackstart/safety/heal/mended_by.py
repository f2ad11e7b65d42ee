"""By whom it was undone, what a run did: told from the records in its evidence folder. They say what was proved, by the
run itself, its guardian or `chaos.heal`. HEAL.sh and a hand write no record: who looks afterwards finds it undone."""

from collections.abc import Iterator
from pathlib import Path

from blackstart.base.errors import Damaged, Refused
from blackstart.evidence import journal, runs
from blackstart.evidence.events import BEGUN, EventName
from blackstart.evidence.journal import Record

_WHOSE = (("journal.jsonl", "its run"), ("guardian.jsonl", "its guardian"), ("heal*.jsonl", "chaos.heal"))
_GONE_WITH = {EventName.GONE_WITH_LAB: "its lab", EventName.GONE_WITH_NETWORK: "its network namespace"}


def newest(reports: Path) -> Iterator[str]:
    """A line for each change of the newest run there: what it was, and who undid it. None where nothing can be read."""
    try:
        evidence = runs.find("", reports)
        did = journal.read(evidence / "journal.jsonl").of(*BEGUN)
    except (Refused, Damaged):
        return
    told = {change: text for record, who in _records(evidence) for change, text in _told(record, who)}
    for event in {str(event["change"]): event for event in did}.values():
        if event["change"] in told:
            yield f"{event['what']} (run {evidence.name}): {told[event['change']]}"


def _records(evidence: Path) -> Iterator[tuple[Record, str]]:
    for pattern, who in _WHOSE:
        for path in sorted(evidence.glob(pattern)):
            try:
                yield (journal.read_beside(evidence, path.name), who)
            except Damaged:
                continue  # `report.verify` says so


def _told(record: Record, who: str) -> Iterator[tuple[str, str]]:
    found = {event["change"] for event in record.of(EventName.FOUND_UNDONE)}
    for event in record.of(EventName.GONE, EventName.GIVEN_UP, *_GONE_WITH):
        change, name = str(event["change"]), event["event"]
        if name == EventName.GIVEN_UP:
            yield change, f"given up by {event.get('by')}"
        elif name in _GONE_WITH:
            yield change, f"gone with {_GONE_WITH[EventName(name)]}, as {who} found"
        elif event.get("ok") and change in found:
            yield change, f"{who} found it undone already, by HEAL.sh, by hand or by itself, and proved it"
        elif event.get("ok"):
            yield change, f"undone by {who}, and proved"
