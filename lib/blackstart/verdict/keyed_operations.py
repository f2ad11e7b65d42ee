"""A load's history as operations on its keys: what its requests asked for, and what their answers tell."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Self

from blackstart.base.secrets.redact import MASK
from blackstart.evidence.history import LONGEST_DETAIL, History, Row
from blackstart.verdict.linearizability import Operation
from blackstart.verdict.sequential_models import NOTHING

_ABSENT = 404


@dataclass(frozen=True)
class Meaning:
    """What the requests of a history mean to a model: see `checks.linearizable`, whose parameters these are."""

    model: str
    requests: Mapping[str, str] | None = None
    reads: Sequence[str] = ()
    writes: Mapping[str, str] = field(default_factory=dict)
    created: int = 201
    same: int = 200
    conflict: int = 409
    conflict_code: str = ""

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Self:
        """What the check with these parameters was told."""
        known = {one.name for one in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in params.items() if name in known})

    def by_key(self, history: History) -> Iterator[tuple[str, list[Operation]]]:
        """Each key with its operations, in the order of their starts; one key at a time is in memory."""
        rows = history.each("sent and key <> ''", order="key, start_s, attempt")
        for key, group in itertools.groupby(rows, key=attrgetter("key")):
            yield key, [one for row in group if (one := self.operation(row)) is not None]

    def operation(self, row: Row) -> Operation | None:
        """What a sent request did; None where it did certainly nothing, or its answer tells nothing."""
        if row.start_s is None or row.end_s is None:
            return None
        if self.model == "idempotency":
            return self._request(row, row.start_s, row.end_s)
        if row.op in self.reads:
            answer = self._read(row)
            return None if answer is None else Operation("read", None, answer, row.start_s, row.end_s, _name(row))
        if row.op not in self.writes or row.outcome == "fail":
            return None
        action = "append" if self.model == "list" else "write"
        end_s = row.end_s if row.outcome == "ok" else math.inf
        return Operation(action, self.writes[row.op], None, row.start_s, end_s, _name(row))

    def _request(self, row: Row, start_s: float, end_s: float) -> Operation | None:
        asked = row.op if self.requests is None else self.requests.get(row.op)
        if asked is None:
            return None
        if row.outcome == "info":
            return Operation("request", asked, None, start_s, math.inf, _name(row))
        if row.outcome == "fail":
            told = row.detail == self.conflict_code if self.conflict_code else row.status == self.conflict
            if told:
                return Operation("request", asked, ("conflict", ""), start_s, end_s, _name(row))
            # It made nothing. Whether a system binds its key all the same (a card that is declined), nobody says.
            return Operation("request", asked, None, start_s, end_s, _name(row), optional=True)
        kind = {self.same: "same", self.created: "created"}.get(row.status or 0, "done")
        made = row.detail if _whole(row) else ""
        kind = "done" if self.same == self.created else kind
        return Operation("request", asked, (kind, made), start_s, end_s, _name(row))

    def _read(self, row: Row) -> str | tuple[str, ...] | None:
        nothing: str | tuple[str, ...] = () if self.model == "list" else NOTHING
        if row.outcome == "fail" and row.status == _ABSENT:
            return nothing
        # An empty detail is one that was not where `detail_from` said: it is no value.
        if row.outcome != "ok" or not row.detail or not _whole(row):
            return None
        if row.detail == "null":
            return nothing
        return _listed(row.detail) if self.model == "list" else row.detail


def _name(row: Row) -> str:
    return row.op if row.attempt == 1 else f"{row.op} (attempt {row.attempt})"


def _whole(row: Row) -> bool:
    """Whether the history certainly has what was answered, all of it and as it was."""
    return len(row.detail) < LONGEST_DETAIL and MASK not in row.detail


def _listed(text: str) -> tuple[str, ...] | None:
    """The values of a JSON list, as text; None where it is none."""
    try:
        values = json.loads(text)
    except ValueError:
        return None
    if not isinstance(values, list):
        return None
    return tuple(value if isinstance(value, str) else json.dumps(value) for value in values)
