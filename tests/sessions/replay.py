"""Tells a recorded session again, by the same printing code, on a terminal of any size or into a pipe.

What was said by the engine is said again; what the narrator tells, and how things stand at the end, is made anew of
the run's journal.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import struct
import termios
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from blackstart.base import clock, live, writer
from blackstart.base.clock import utc_iso
from blackstart.base.console import Console
from blackstart.base.errors import Interrupted
from blackstart.base.live import Row
from blackstart.base.printable import one_line, wrapped
from blackstart.engine.narrator import Narrator
from blackstart.engine.observer import Observer
from blackstart.evidence import journal
from blackstart.evidence.folder import Folder
from blackstart.evidence.journal import Journal, Record, readings_of
from blackstart.model.plan import Plan
from blackstart.reports import documents, table
from blackstart.reports.story import RunView
from blackstart.suites import systems
from blackstart.verdict import judge
from blackstart.verdict.from_folder import judge_folder
from blackstart.verdict.judge import Judgement, Timeline
from blackstart.verdict.monitors import Monitors
from tests.screen import Seen
from tests.unit.stage import TARGET

BLOCKS = "~~~ what stood below the lines, at the end of each wait:"
_CTRL_C = "\x03"
_NARRATED = ("tick", "waiting", "trying", "undo_failed", "draw", "verdict")


_JUDGED: dict[str, tuple[Record, Judgement]] = {}


@dataclass
class Run:
    """The run of a session, up to the moment that is told: its journal's events, fed to the narrator."""

    record: Record
    folder: Path
    console: Console
    lines: dict[str, list[str]] = field(default_factory=lambda: {"journal": [], "guardian": []})

    def __post_init__(self) -> None:
        view = RunView(self.record, None, self.folder)  # type: ignore[arg-type]
        assert view.experiment is not None
        self.changes = view.changes
        self.monitors = Monitors(view.experiment, view.changes)
        self.times = Timeline(0.0, 0.0)
        scratch = Journal(self.folder / "scratch.jsonl")
        self.observer = Observer(self.monitors, scratch, 1.0, 1.0)
        plan = Plan(view.experiment, TARGET, view.changes, (), None)
        self.narrator = Narrator(self.console, self.observer, plan)

    def take(self, event: dict[str, Any]) -> None:
        """The next event of the journal."""
        if event["event"] == "read":
            readings = readings_of(event)
            self.monitors.feed(readings, event["tick"])
            self.observer.latest |= {one.probe: one for one in readings}
            judge._anchors(self.monitors, self.times)
        elif event["event"] == "phase":
            judge._enter(self.monitors, self.times, event)
        elif event["event"] == "log tail":
            self.narrator._logs[event["service"]] = event["lines"]

    def verdict(self, run: str, run_id: str, where: str) -> None:
        """Its end, judged again from what is on the disk by then."""
        self.narrator.verdict(self.view(Path(where)), Folder(run, Path(where), datetime.now(UTC), run_id))

    def view(self, where: Path) -> RunView:
        """As a report of it begins."""
        for name, lines in self.lines.items():
            (self.folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        seen = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(self.folder.glob("*.*")))).hexdigest()
        if seen not in _JUDGED:  # in each of its forms a session has the same
            _JUDGED[seen] = journal.read(self.folder / "journal.jsonl"), judge_folder(self.folder)
        record, judgement = _JUDGED[seen]
        return RunView(record, judgement, where, documents.guardian_of(self.folder), systems.of)


class Told:
    """A session told again. `columns` 0 is a pipe, and has no questions."""

    def __init__(self, recorded: Sequence[dict[str, Any]], folder: Path, columns: int, coloured: bool) -> None:
        self.recorded, self.folder, self.columns = recorded, folder, columns
        self.seen = Seen(columns or 1000)
        self.blocks: dict[str, list[str]] = {}
        self.run: Run | None = None
        self.now_s, self._styled = 0.0, coloured
        first = next(one for one in recorded if "utc" in one)
        self._utc = datetime.fromisoformat(first["utc"]) - timedelta(seconds=first["at"])
        self._environ = {"TERM": "xterm", "BLACKSTART_RUN": "invoke", "NO_COLOR": "" if coloured else "1"}
        self._environ["BLACKSTART_STATE"] = "/tmp/drill/state"  # which stands in the lines to be typed

    def text(self) -> str:
        """What a person has read in the end; and below it the block, as it stood at the end of each wait."""
        with ExitStack() as stack:
            stack.enter_context(patch.object(clock, "now_s", lambda: self.now_s))
            stack.enter_context(patch.object(clock, "utc_iso", self._utc_iso))
            stack.enter_context(patch.object(live, "EVERY_S", 1e6))  # drawn when it was, not by a clock
            stack.enter_context(patch.dict(os.environ, self._environ))
            self._open(stack)
            for one in self.recorded:
                self.now_s = one["at"]
                self._tell(stack, one["call"], one["args"], one.get("more", {}))
                self._look()
        lines = self.seen.lines(self._styled)
        if self.blocks:
            lines += ["", BLOCKS]
        lines += [line for block in self.blocks.values() for line in ("", *block)]
        return "".join(f"{line}\n" for line in lines)

    def _utc_iso(self, at: datetime | None = None) -> str:
        return utc_iso(at or self._utc + timedelta(seconds=self.now_s))

    def _open(self, stack: ExitStack) -> None:
        if self.columns:
            self.ours, theirs = pty.openpty()
            fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, self.columns, 0, 0))
        else:
            self.ours, theirs = os.pipe()
        stack.callback(os.close, self.ours)
        out = stack.enter_context(os.fdopen(os.dup(theirs), "w", encoding="utf-8"))
        source = stack.enter_context(os.fdopen(theirs, "r", encoding="utf-8"))
        self.console = Console(not self.columns, out=out, source=source)

    def _look(self) -> None:
        while select.select([self.ours], [], [], 0)[0]:
            data = os.read(self.ours, 65536)
            self.seen.write(data if self.columns else data.replace(b"\n", b"\r\n"))

    def _tell(self, stack: ExitStack, call: str, args: list[Any], more: dict[str, Any]) -> None:
        tell: Callable[..., Any] | None = getattr(self, f"_on_{call.replace(' ', '_')}", None)
        if tell is None:
            getattr(self.run.narrator if self.run and call in _NARRATED else self.console, call)(*args, **more)
        elif call == "draw":
            tell(stack, *args)
        else:
            tell(*args)

    # ------------------------------------------------------------ what was recorded

    def _on_command(self, text: str) -> None:
        self._look()
        unasked = "" if self.columns else "NONINTERACTIVE=1 "
        self.seen.write(f"$ {unasked}{text}\r\n".encode())

    def _on_ended(self, code: int) -> None:
        self._look()
        self.seen.write(f"[exit code {code}]\r\n".encode())

    def _on_journal(self, line: str) -> None:
        if self.run is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            lines = [one["args"][0] for one in self.recorded if one["call"] == "journal"]
            (self.folder / "journal.jsonl").write_text("".join(f"{one}\n" for one in lines), encoding="utf-8")
            self.run = Run(journal.read(self.folder / "journal.jsonl"), self.folder, self.console)
        self.run.lines["journal"].append(line)
        self.run.take(json.loads(line))

    def _on_guardian(self, line: str) -> None:
        assert self.run is not None
        self.run.lines["guardian"].append(line)

    def _on_history(self, text: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "history.csv").write_text(text, encoding="utf-8")

    def _on_verdict(self, *args: str) -> None:
        assert self.run is not None
        self.run.verdict(*args)

    def _on_draw(self, stack: ExitStack, rows: list[list[str]] | None) -> None:
        assert self.run is not None
        if not self.columns:
            return
        if self.console._block is None:
            stack.enter_context(self.console.live(lambda: ()))
        self.console._rows = (lambda: [Row(*row) for row in rows]) if rows else self.run.narrator.rows
        self.console._draw()
        self._look()
        wait = re.split(r" \d+ s\b", next(iter(self.console._rows())).label)[0]
        height = self.console._block.height if self.console._block else 0
        self.blocks[wait] = self.seen.above_cursor(height, self._styled)

    def _on_end_of_block(self) -> None:
        self.console._end_block()

    def _on_prose(self, text: str) -> None:
        parts = wrapped(one_line(text), self.columns, "    ") if self.columns else [text]
        for part in parts:
            self._on_error(part)

    def _on_error(self, text: str) -> None:
        self.console._put(f"{one_line(text)}\n")

    def _on_page(self, *texts: str) -> None:
        """A report, which was laid out for the terminal that it was recorded on."""
        assert self.run is not None
        (where,) = (text.removeprefix("evidence: ") for text in texts if text.startswith("evidence: "))
        for text in table.lines(self.run.view(Path(where)), columns=self.columns or writer.COLUMNS):
            self._on_error(text)

    def _on_typed(self, text: str) -> None:
        if self.columns:
            self._type(text)

    def _on_line(self, prompt: str, answer: str | None = None) -> None:
        if answer is None:  # a line that was written, no question
            return self._on_error(prompt)
        if not self.columns:
            return None
        asking = threading.Thread(target=self._ask, args=(prompt,))
        asking.start()
        self._await(lambda: prompt.rstrip()[-20:] in self._shown())
        if answer == _CTRL_C:
            self._type(answer)
            self.console.between = self._interrupt
        else:
            os.write(self.ours, answer.encode())
        asking.join()

    def _type(self, text: str) -> None:
        """Not to be read, as Ctrl-C. The kernel takes it in a thread of its own, in which it shows it, and throws away
        what was written until then and is unread: whatever is told next comes after that."""
        echo = text.replace(_CTRL_C, "^C")
        before = self._shown().count(echo)
        os.write(self.ours, text.encode())
        self._await(lambda: self._shown().count(echo) > before)

    def _shown(self) -> str:
        return self.seen.text().replace("\n", "")

    def _await(self, fact: Callable[[], bool]) -> None:
        """What is on the screen; one on which it never is differs from the golden file's."""
        until_s = time.monotonic() + 20
        while not fact() and time.monotonic() < until_s:
            select.select([self.ours], [], [], 0.1)
            self._look()

    def _ask(self, prompt: str) -> None:
        try:
            self.console.line(prompt, 60.0)
        except Interrupted:
            return

    def _interrupt(self) -> None:
        raise Interrupted(2)
