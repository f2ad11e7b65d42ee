"""What a run left for its checks to look at: the requests of its load, its final state, and every reading. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from itertools import pairwise
from math import inf
from typing import Any

from blackstart.base.codec import from_data
from blackstart.evidence.events import EventName
from blackstart.evidence.history import SENT_LATE_MS, History, Row
from blackstart.evidence.journal import Record, readings_of
from blackstart.model.reading import Reading
from blackstart.verdict.confounders import over_s
from blackstart.verdict.judge import replay
from blackstart.verdict.lateness import CROWDED_PER_CPU, NOT_NOW, RECOIL_S, Lateness
from blackstart.verdict.monitors import Monitors, Timeline

# So many requests sent late, after a stall of the load, wait for each other and let others wait, which says nothing.
_CROWD = 10
_NO_PAGE = "status 404"
SAYS_NOT_NOW = f"status in {tuple(sorted(NOT_NOW))}"
"""The condition of an answer that a limit of time of the system's own leads to."""
UNAVAILABLE = f"status = {HTTPStatus.SERVICE_UNAVAILABLE:d}"
"""The same where the others of them may be what was decided about the request."""


@dataclass(frozen=True)
class Recorded:
    """A run's history and journal, as checks ask for them. Times are seconds of the run's clock."""

    history: History
    record: Record

    @cached_property
    def _readings(self) -> dict[str, list[Reading]]:
        found: dict[str, list[Reading]] = {}
        for event in self.record.of(EventName.READ):
            for reading in readings_of(event):
                found.setdefault(reading.probe, []).append(reading)
        return found

    def readings(self, probe: str) -> list[Reading]:
        """All readings of a probe, in order."""
        return self._readings.get(probe, [])

    def final(self, probe: str) -> Reading | None:
        """The final state that was collected under this name, as a reading."""
        for event in self.record.of(EventName.FINAL):
            if event["probe"] == probe:
                # Journals of before say only when it was written down; a read lasted 10 s at most.
                sent_s: float = event["sent"] if "sent" in event else event["at"] - 10.0
                answered_s: float = event["answered"] if "answered" in event else event["at"]
                return Reading(probe, event["kind"], sent_s, answered_s, event["value"], event["note"])
        return None

    def final_json(self, probe: str) -> Any:
        """The final state parsed as JSON. Raises ValueError that says why there is none."""
        reading = self.final(probe)
        if reading is None or reading.kind != "value":
            raise ValueError(f"{probe} {self.unread(probe)}")
        return json.loads(str(reading.value))

    def unread(self, probe: str) -> str:
        """Why there is no such final state, said of it."""
        reading = self.final(probe)
        if reading is None:
            return "was never collected"
        # It is the target's to have such a page.
        return "is not shown (status 404)" if reading.note == _NO_PAGE else f"was {reading.kind}: {reading.note}"

    @cached_property
    def finals(self) -> dict[str, Any]:
        """Every value of the final state that could be read, by its name."""
        return {event["probe"]: event["value"] for event in self.record.of(EventName.FINAL) if event["kind"] == "value"}

    @cached_property
    def listed(self) -> dict[str, str]:
        """The tables, beside the requests, of what the final state lists, by its name: see `state.present`."""
        return {}

    @cached_property
    def tallies(self) -> dict[object, Any]:
        """What `state.tallied` has counted already."""
        return {}

    @cached_property
    def load(self) -> dict[str, Any]:
        """The load's own summary (see `blackstart.loads.summary`); empty where it left none."""
        return next((event["summary"] for event in reversed(self.record.of(EventName.LOAD)) if "summary" in event), {})

    @cached_property
    def _followed(self) -> tuple[Monitors, Timeline] | None:
        head = self.record.first(EventName.RUN)
        return replay(self.record, from_data(head["experiment"]), self.record.changes()) if head else None

    @property
    def bit_s(self) -> float | None:
        """When the faults were proved to be in force; None where they were not, or there were none."""
        return self._followed[1].bit_s if self._followed else None

    @property
    def mended_s(self) -> float:
        """Until when the faults were seen in force where somebody else ended one before its undo; infinite for none."""
        return over_s(self._followed[0]) if self._followed else inf

    @cached_property
    def lateness(self) -> Lateness:
        """When our own processes stood still or starved."""
        return Lateness.of(self.record)

    def disturbed(self, row: Row, gave_way: bool = False) -> bool:
        """Whether what became of a sent request may have come of us: of a crowd that the load, being late, sent at
        once, or of a time in which we stood still or starved; where it `gave_way`, of a crowded machine, too."""
        return _within(row, self._crowds) or self.lateness.excuses(row, gave_way)

    def answer_ms(self, row: Row) -> float:
        """What the system certainly took for it: without what may have come of us, as above, or of one late tick, and
        for how long it may have waited behind others for a processor (see `Lateness.queued_s`)."""
        if row.start_s is None or row.end_s is None or self.disturbed(row):
            return 0.0
        ours_ms = self.lateness.worst_s(row.start_s, row.end_s) * 1000
        return row.answer_ms - self.lateness.queued_s(row.start_s, row.end_s) * 1000 - ours_ms

    def disturbed_ones(self, rows: History, gave_way: str = "", *params: Any) -> list[Row]:
        """Those of the sent requests that were sent late by the load, or of which `disturbed` is true.

        Of all requests of the run, those of which the condition `gave_way` holds have an answer that a limit of time of
        the system's own leads to (a breaker's, a lease's). A crowd lets it pass, and what follows ends by itself: see
        `Lateness.lets_lapse`.
        """
        if not gave_way or not self.lateness.slow:
            return self._disturbed(rows)
        held = f"coalesce({gave_way}, false)"
        (last_s,) = self.history.one("select max(start_s) from requests")
        over = [
            (from_s, to_s)
            for from_s, to_s, _ in _stretches(self.history.where(f"start_s is not null and {held}", *params), RECOIL_S)
            if to_s + RECOIL_S <= last_s and self.lateness.lets_lapse(from_s, to_s)
        ]
        others, gave = rows.where(f"not {held}", *params), rows.where(held, *params)
        return [*self._disturbed(others), *self._disturbed(gave, over, gave_way=True)]

    def _disturbed(
        self, rows: History, over: Sequence[tuple[float, float]] = (), *, gave_way: bool = False
    ) -> list[Row]:
        """Only what was under way while we were late, or in one of these times, is looked at one by one."""
        times = [*self._crowds, *self.lateness.times, *over]
        from_s, to_s = [start_s for start_s, _ in times], [end_s for _, end_s in times]
        within = "(select unnest(?::double[]) as from_s, unnest(?::double[]) as to_s)"
        ours = rows.each(
            f"sent and (start_error_ms > ? or exists (from {within} where from_s <= end_s and start_s <= to_s))",
            SENT_LATE_MS, from_s, to_s,
        )  # fmt: skip
        return [row for row in ours if row.sent_late or _within(row, over) or self.disturbed(row, gave_way)]

    @cached_property
    def _crowds(self) -> list[tuple[float, float]]:
        """From when to when requests that were sent late, many at once, kept the system busy."""
        crowds = _stretches(self.history.where("start_error_ms > ?", SENT_LATE_MS))
        if sum(count for _, _, count in crowds) < _CROWD:
            return []
        return [(start_s, end_s) for start_s, end_s, _ in crowds]

    def why_disturbed(self, from_s: float | None, to_s: float | None, from_per_cpu: float = CROWDED_PER_CPU) -> str:
        """What of ours was late, or how many threads there were where they are so many, when what was due and answered
        from then to then was under way; "" where that was the load's sending alone."""
        told = self.lateness.told(from_s, to_s, from_per_cpu) if from_s is not None and to_s is not None else ""
        return f"; {told}" if told else ""

    @cached_property
    def phases(self) -> dict[str, tuple[float, float]]:
        """When each phase, and each stretch of a schedule, that came to its end began and ended."""
        marks = [(str(event["phase"]), float(event["began"])) for event in self.record.of(EventName.PHASE)]
        return self.stretches | {name: (at_s, until_s) for (name, at_s), (_, until_s) in pairwise(marks)}

    @cached_property
    def stretches(self) -> dict[str, tuple[float, float]]:
        """When each stretch of a schedule that came to its end began and ended."""
        instants = self.record.of(EventName.INSTANT)
        began, ended = (
            {str(one["stretch"]): float(one["began"]) for one in instants if one["side"] == side}
            for side in ("begin", "end")
        )
        return {name: (began[name], to_s) for name, to_s in ended.items() if name in began}

    @cached_property
    def in_force(self) -> tuple[float, float]:
        """From when the last change was done to when the first undo began, or somebody else ended it; no time at all
        where they don't overlap."""
        from_s, to_s = self.ours
        return (from_s, min(to_s, self.mended_s)) if self.mended_s > from_s else (0.0, 0.0)

    @cached_property
    def ours(self) -> tuple[float, float]:
        """From when the last change was done to when the first undo began: a fault of ours may have been in force."""
        did = [float(event["at"]) for event in self.record.of(EventName.DID)]
        undo = [float(event["at"]) for event in self.record.of(EventName.UNDO)]
        return (max(did), min(undo)) if did and undo else (0.0, 0.0)

    @cached_property
    def struck_s(self) -> float | None:
        """When the first change was begun, which a schedule may do long after the fault phase began; None without."""
        done = self.record.first(EventName.DO)
        return None if done is None else float(done["at"])

    def began_s(self, phase: str) -> float | None:
        """When a phase (baseline, fault, recovery, settle, end) began."""
        return next((float(e["began"]) for e in self.record.of(EventName.PHASE) if e["phase"] == phase), None)


def _within(row: Row, times: Sequence[tuple[float, float]]) -> bool:
    start_s = row.start_s if row.start_s is not None else row.intended_s
    return any(from_s <= start_s <= to_s for from_s, to_s in times)


def _stretches(rows: History, gap_s: float = 0.0) -> list[tuple[float, float, int]]:
    """From when to when requests of such a kind were under way, with no longer a gap, and how many they were."""
    return rows.ask(
        "select min(start_s), max(end_s), count(*) from "
        "(select *, sum(apart::int) over (order by start_s, n) as stretch from "
        "(select *, coalesce(start_s - ? > max(end_s) over (order by start_s, n rows between unbounded preceding and 1 "
        "preceding), false) as apart from requests)) group by stretch order by 1",
        gap_s,
    )
