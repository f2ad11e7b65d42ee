"""The CSV log of a run: the rows of the original scripts, in their order and with their names, then ours."""

import csv
import io
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from blackstart.base import clock
from blackstart.base.codec import from_data
from blackstart.base.printable import one_line, printable
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import own_file
from blackstart.evidence.journal import Record, readings_of
from blackstart.model.experiment import Experiment, LogRow
from blackstart.model.finding import Interval
from blackstart.model.reading import UNSEEN, Reading, Scalar
from blackstart.reports.standing import Standing
from blackstart.reports.words import result
from blackstart.verdict.judge import Judgement, replay

NOT_OBSERVED = "not_observed"
NOT_PROVED = "effect_not_proved"
_NUMBER = re.compile(r"[+-]?[\d.]+(\.\.[+-]?[\d.]+)?", re.ASCII)  # also an interval
_MOMENTS = {"baseline": "before", "fault": "fault", "recovery": "end"}


def write(path: Path, record: Record, judgement: Judgement, stands: Standing | None = None) -> None:
    """Write the log anew. Raises OSError, also where a link or a pipe has been put in its place."""
    with open(path, "w", newline="", encoding="utf-8", opener=own_file) as file:
        file.writelines(f"{line(row)}\n" for row in rows(record, judgement, stands))


def line(row: Iterable[object]) -> str:
    """The row as one line without its end, which is no command to the CI server in whose log somebody shows it."""
    held = io.StringIO()
    csv.writer(held, lineterminator="").writerow(map(cell, row))
    return one_line(held.getvalue())


def cell(value: object) -> object:
    """A cell in one line, which no spreadsheet takes for a formula; numbers are what they are."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text[:1] in "=+-@" and text and not _NUMBER.fullmatch(text) else text


def rows(record: Record, judgement: Judgement, stands: Standing | None = None) -> list[tuple[str, str]]:
    """`title,timestamp`, the experiment's rows, a row per transition, the verdict, its cause and how things stand,
    where that is given, `test_result` last.

    A transition's seconds count from the proved effect of the fault, or of its undo, as they do in every other report;
    below 0 is before that proof.
    """
    record = record.until_end()
    run = record.first(EventName.RUN) or {}
    experiment: Experiment = from_data(run["experiment"])
    began = datetime.fromisoformat(run["began"])
    moments = _moments(record)
    monitors, _ = replay(record, experiment, record.changes())
    effects = {(monitor.phase, monitor.expectation.name): monitor.anchor_s for monitor in monitors.expected}
    made = [(experiment.log_title or f"{experiment.name.replace('-', '_')}_chaos_test", clock.utc_stamp(began))]
    made += list(experiment.log_facts)
    made += [(row.key, _value(row, moments)) for row in experiment.log_rows]
    waits = {e.name for e in (*experiment.during, *experiment.recovery, *experiment.drained) if e.when == "eventually"}
    for finding in judgement.findings:
        if finding.phase in ("fault", "recovery", "drain") and finding.name in waits:
            key = f"{finding.name}_interval_s"
            made.append((key, _interval(finding.transition, effects.get((finding.phase, finding.name)))))
    made += [(f"check_{f.name}", result(f).replace(" ", "_")) for f in judgement.findings if f.phase == "check"]
    made += [("run_id", str(run["id"]))] if run.get("id") else []
    made += [("run", str(run.get("run", ""))), ("target", str(run["target"]["name"])), ("verdict", judgement.verdict)]
    made += [("left_out", told) for told in judgement.left_out]
    made += [("reason", reason.replace("\n", " ")) for reason in judgement.reasons]
    made += _standing(stands) if stands else []
    return [*made, ("test_result", judgement.verdict.csv)]


def _standing(stands: Standing) -> list[tuple[str, str]]:
    rows = (
        ("cause", stands.headline if stands.cause else ""),
        *(("still_broken", line) for line in stands.still_broken),
        ("abort", stands.abort.replace(" ", "_")),
        ("trading", stands.state),
    )
    return [(key, value) for key, value in rows if value]


def _interval(value: Interval | None, effect_s: float | None) -> str:
    if value is None:
        return NOT_OBSERVED
    return NOT_PROVED if effect_s is None else f"{value.from_s - effect_s:.3f}..{value.to_s - effect_s:.3f}"


def _moments(record: Record) -> dict[str, dict[str, Reading]]:
    """The last reading of each probe before the fault, during it and at the end, and the highest ever seen."""
    seen: dict[str, dict[str, Reading]] = {"before": {}, "fault": {}, "end": {}, "peak": {}}
    now = earlier = "before"
    began_s = 0.0
    for event in record.of(EventName.PHASE, EventName.READ, EventName.FINAL):
        if event["event"] == EventName.PHASE:
            if (moment := _MOMENTS.get(event["phase"], now)) != now:
                earlier, now, began_s = now, moment, float(event["began"])
            continue
        if event["event"] == EventName.FINAL:
            probe = event["probe"]
            seen["end"][probe] = Reading(probe, event["kind"], 0.0, 0.0, event["value"], event["note"])
            continue
        for reading in readings_of(event):
            # A read that was under way when a phase began tells of the time before it.
            seen[now if reading.sent_s >= began_s else earlier][reading.probe] = reading
            _keep_peak(seen["peak"], reading)
    return seen


def _keep_peak(peak: dict[str, Reading], reading: Reading) -> None:
    if not isinstance(reading.value, int | float):
        return
    best = peak.get(reading.probe)
    if best is None or (isinstance(best.value, int | float) and reading.value > best.value):
        peak[reading.probe] = reading


def _value(row: LogRow, moments: dict[str, dict[str, Reading]]) -> str:
    reading = moments[row.at].get(row.probe)
    if reading is None or reading.kind in UNSEEN:
        return NOT_OBSERVED
    if reading.kind != "value":
        return row.words.get(reading.kind, reading.kind)
    return row.words.get(_plain(reading.value, 0), _plain(reading.value, row.digits))


def _plain(value: Scalar, digits: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.{digits}f}" if digits or value.is_integer() else f"{value:g}"
    return str(value).replace("\n", " ")
