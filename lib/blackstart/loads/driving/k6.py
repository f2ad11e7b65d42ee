"""Runs a user's k6 script, and writes its requests into the history as they end."""

import asyncio
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

from blackstart.base.clock import now_s
from blackstart.base.durations import shown
from blackstart.base.secrets.env import secret
from blackstart.base.secrets.redact import SECRET_NAME
from blackstart.base.writer import error as say_error
from blackstart.evidence import history
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.driving.control import Control, first, say
from blackstart.loads.driving.k6_process import K6Process
from blackstart.loads.driving.k6_rows import K6Rows
from blackstart.loads.driving.redacting import redactor
from blackstart.loads.k6 import K6
from blackstart.loads.load import Load
from blackstart.loads.summary import Driven, rows_of, summarise

_THRESHOLDS_CROSSED = 99
_INTERRUPTED = 105
_CLOCK_MOVED_S = 0.5


async def drive(load: K6, spec_path: Path, history_path: Path, control: Control, share: object) -> None:
    """Play the script, and tell the parent what came of it."""
    mask = redactor(
        secret(value) for name, value in load.env.items() if value.startswith("env:") or SECRET_NAME.search(name)
    )
    k6 = await K6Process.start(load, history_path.with_suffix(f".{load.name}.summary.json"), mask)
    try:
        with HistoryWriter(history_path, mask) as writer:
            say("ready", kind=load.kind, worker=f"{load.name}/0", unreachable=[])
            if await control.go() is None:
                driven = Driven(stopped=True, reasons=("it was ended before it began",))
            else:
                driven = await _run(load, k6, writer, control, mask)
    finally:
        await k6.end()
    tell(load, history_path, driven)


def tell(load: Load, history_path: Path, driven: Driven) -> None:
    """Say the summary of a load by k6, which does not tell what was due: what was sent was, and what it dropped."""
    record = history.read(history_path)
    dropped = driven.dropped_iterations or 0
    (count,) = rows_of(record, load.name).one("select count(*) from requests")
    driven = dataclasses.replace(driven, intended=count + dropped)
    say("summary", **summarise(load.name, load.kind, record, driven).to_data())


async def _run(load: K6, k6: K6Process, writer: HistoryWriter, control: Control, mask: Callable[[str], str]) -> Driven:
    rows, begin_s, epoch_s = K6Rows(load, since_boot_s), now_s(), since_boot_s(0.0)
    reading = asyncio.ensure_future(_read(k6, rows, writer, mask))
    await k6.resume()
    await first(asyncio.shield(reading), control.stopping.wait())
    stopped = not reading.done()
    if stopped:
        k6.interrupt()
        await first(asyncio.shield(reading), control.aborting.wait())
        if not reading.done():
            await k6.end()
    await reading
    code, lasted_s = await k6.ended(), now_s() - begin_s
    thresholds = k6.thresholds()
    reasons = list(control.why_ended())
    if code not in (0, _THRESHOLDS_CROSSED) and not (stopped and code == _INTERRUPTED):
        reasons.append(f"k6 ended with code {code}: {'; '.join(k6.last_lines) or 'it said nothing'}")
    if thresholds is None:
        reasons.append("k6 wrote no summary: its thresholds are not known")
    reasons += k6.thrown.reasons()
    reasons += moved(since_boot_s(0.0) - epoch_s)
    if rows.unreadable:
        reasons.append(f"{rows.unreadable} lines of k6 can't be read")
    return Driven(
        lasted_s=lasted_s,
        stopped=stopped,
        reasons=tuple(reasons),
        thresholds=thresholds or (),
        dropped_iterations=rows.dropped_iterations,
        exit_code=code,
    )


async def _read(k6: K6Process, rows: K6Rows, writer: HistoryWriter, mask: Callable[[str], str]) -> None:
    """Each line of k6 as it comes; what is no metric (the summary for people) goes to the log."""
    assert k6.process.stdout
    while line := await k6.process.stdout.readline():
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        known, row = rows.feed(text)
        if row is not None:
            writer.append(row)
        if not known:
            say_error(mask(text))


def moved(by_s: float) -> list[str]:
    """What is wrong where somebody set the wall clock meanwhile; time servers change it by less."""
    told = f"the wall clock, by which k6 tells its times, was moved by {shown(abs(by_s))}: when its requests were sent "
    return [f"{told}is not known"] if abs(by_s) > _CLOCK_MOVED_S else []


def since_boot_s(wall_s: float) -> float:
    """A time of the wall clock as one of `clock.now_s()`."""
    return wall_s - time.time() + now_s()
