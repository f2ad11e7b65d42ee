"""Whether a schedule was kept. One that came late was another drill than the one that was declared. Pure."""

from blackstart.base.durations import shown
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Record

LATE_S = 1.0
"""By so much an instant may come late: for as long the proof of what came before it may take."""


def late_instants(record: Record) -> list[str]:
    """What began or ended later than its schedule says, by how much."""
    return [
        f"{event['stretch']} {'began' if event['side'] == 'begin' else 'ended'} {shown(late_s)} later than planned"
        for event in record.of(EventName.INSTANT)
        if (late_s := float(event["began"]) - float(event["planned"])) > LATE_S
    ]
