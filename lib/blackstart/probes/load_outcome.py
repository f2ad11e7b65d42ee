"""How the run's own load fares right now: the outcome of the request that ended last."""

import csv
import os
from dataclasses import replace
from pathlib import Path
from typing import Self

from blackstart.base.codec import plain
from blackstart.evidence.history import COLUMNS, History
from blackstart.model.reading import Answer, Endpoint, Picked, Reader
from blackstart.probes.mixed_in import Bound
from blackstart.probes.visitor import HoldsNothing

_TAIL_BYTES = 4096


@plain("probe.load_outcome")
class LoadOutcome(Bound):
    """`ok`, `fail` or `info`, as in the last row of the history; absent while there is none.

    With `usual` an `ok` whose detail is another one reads as that detail (`bypassed`): answered, but not as usual. A
    row without a detail says nothing of that, and reads as its outcome. Requests of the operation `beside` are left
    out. The note of what is not `ok` is its status and detail.

    The engine says where the run's history is (`at_history`): it is not known before the run has a folder.
    """

    name: str = "load_outcome"
    history: str = ""
    usual: str = ""
    beside: str = ""

    def at_history(self, path: Path) -> Self:
        """The same, reading this history."""
        return replace(self, history=str(path))

    def says_until_s(self, history: History) -> float:
        """When the last of its requests ended: what is read from then on is that one's outcome, again and again."""
        rows = history.where("op <> ?", self.beside) if self.beside else history
        return float(rows.one("select coalesce(max(coalesce(end_s, intended_s)), 'inf'::double) from requests")[0])

    def endpoint(self) -> Endpoint:
        """The end of the history."""
        return HistoryTail(self.history)

    def pick(self, answer: Answer) -> Picked:
        """The outcome column of the last whole row, or its detail where that is not as usual."""
        lines = [line for line in str(answer.body).split("\n")[:-1] if line]
        if self.beside:
            lines = [line for line in lines if not line.startswith(f"{self.beside},")]
        row = next(csv.reader(lines[-1:]), []) if lines else []
        if len(row) != len(COLUMNS) or tuple(row) == COLUMNS:
            said = f"; what it says is in {Path(self.history).with_suffix('.log')}" if self.history else ""
            return "absent", None, f"no request of the load has ended yet{said}"
        outcome, status, detail = (row[COLUMNS.index(name)] for name in ("outcome", "status", "detail"))
        unusual = self.usual and outcome == "ok" and detail not in ("", self.usual)
        why = "" if outcome == "ok" else " ".join(filter(None, (status, detail)))
        return "value", detail if unusual else outcome, why


@plain("endpoint.load_history")
class HistoryTail:
    """The last lines of a history that is being written."""

    path: str

    def open(self) -> Reader:
        """A reader; the file may not be there yet."""
        return _Tail(self.path)

    def describe(self) -> str:
        """The file."""
        return f"the end of {self.path or 'the history'}"


class _Tail(HoldsNothing):
    def __init__(self, path: str) -> None:
        self._path = path

    def read(self, timeout_s: float) -> Answer:
        try:
            with open(self._path, "rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL_BYTES))
                return Answer("answer", file.read(_TAIL_BYTES).decode("utf-8", "replace"))
        except FileNotFoundError:
            return Answer("answer", "")
        except OSError as error:
            return Answer("unreadable", note=str(error))  # ours: it says nothing of the target
