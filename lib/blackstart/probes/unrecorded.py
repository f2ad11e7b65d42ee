"""What was acknowledged and is not recorded yet: the run's own history beside the keys that a database lists."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import Redactor
from blackstart.evidence.history import COLUMNS
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Picked, Reader
from blackstart.model.target import Target
from blackstart.probes.sql import SqlQuery, postgres_dsn

_OP, _KEY, _OUTCOME = (COLUMNS.index(name) for name in ("op", "key", "outcome"))


@plain("probe.unrecorded")
class Unrecorded(Conditions):
    """How many keys of acknowledged requests, of the operation `op`, a query does not list. It gives one value, a JSON
    list of keys.

    The engine says where the run's history is (`at_history`): it is not known before the run has a folder.
    """

    query: str
    op: str
    service: str = "postgres"
    name: str = "unrecorded"
    dsn: str = ""
    history: str = ""

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or postgres_dsn(target, self.service))

    def at_history(self, path: Path) -> Self:
        """The same, reading this history."""
        return replace(self, history=str(path))

    def endpoint(self) -> "AcknowledgedAndListed":
        """Both."""
        return AcknowledgedAndListed(self.dsn, self.query, self.history, self.op)

    def pick(self, answer: Answer) -> Picked:
        """The number."""
        return "value", answer.body, ""


@plain("endpoint.acknowledged_and_listed")
class AcknowledgedAndListed:
    """A history that is being written, and a query."""

    dsn: str
    query: str
    history: str
    op: str
    least_tick_s: ClassVar[float] = 0.5
    loads: ClassVar[tuple[str, ...]] = SqlQuery.loads

    def open(self) -> Reader:
        """A reader that keeps its connection, and reads on in the history where it was."""
        return _Both(SqlQuery(self.dsn, self.query).open(), self.history, self.op)

    def describe(self) -> str:
        """The file, the query and the dsn, without the password."""
        return Redactor()(f"{self.history or 'the history'} beside {self.query} on {self.dsn}")


class _Both:
    def __init__(self, listed: Reader, path: str, op: str) -> None:
        self._listed, self._path, self._op = listed, path, op
        self._at, self._acknowledged = 0, set[str]()

    def read(self, timeout_s: float) -> Answer:
        """How many of the keys that were acknowledged before are not listed."""
        try:
            self._read_on()
        except OSError as error:
            return Answer("unreadable", note=str(error))  # ours: it says nothing of the target
        answer = self._listed.read(timeout_s)
        if answer.kind != "answer":
            return answer
        listed = [json.loads(value) for row in answer.body for value in row.values()]
        return Answer("answer", len(self._acknowledged.difference(*listed)))

    def close(self) -> None:
        """Close the connection; the next read opens another."""
        self._listed.close()

    def _read_on(self) -> None:
        with open(self._path, "rb") as file:
            file.seek(self._at)
            whole = file.read().rpartition(b"\n")[0]
        self._at += len(whole) + bool(whole)
        for row in csv.reader(whole.decode("utf-8", "replace").split("\n")):
            if len(row) == len(COLUMNS) and (row[_OP], row[_OUTCOME]) == (self._op, "ok") and row[_KEY]:
                self._acknowledged.add(row[_KEY])
