"""A run's history as Elle and Jepsen's other checkers read it: `elle-cli --model MODEL FILE`.

One JSON list of events, each request being an `invoke` and then `ok`, `fail` (it did not happen) or `info` (nobody
knows); its value is a transaction of one key. `process` is one that sends one request at a time: one that lost an
answer sends none any more, so that each unknown outcome uses one up.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from typing import Any

from blackstart.evidence.history import History, Row
from blackstart.verdict.keyed_operations import Meaning
from blackstart.verdict.linearizability import Operation

MODELS = {"register": "rw-register", "list": "list-append", "idempotency": "rw-register"}
"""What elle-cli calls the model that such a history is for."""


def events(history: History, meaning: Meaning) -> Iterator[dict[str, Any]]:
    """The events in their order; times are whole ns since the first.

    A key that is bound is a register that is written once: who created it read nothing and wrote the id, who got the
    same read it. That a key is bound to something else, or perhaps bound, can't be said, and is left out.
    """
    numbers, fresh = itertools.count(), itertools.count()
    free: list[int] = []
    under_way: list[tuple[float, int, int, dict[str, Any]]] = []
    zero_s = math.nan

    def event(kind: str, process: int, at_s: float, value: list[list[Any]]) -> dict[str, Any]:
        times = {"process": process, "time": round((at_s - zero_s) * 1e9), "index": next(numbers)}
        return {"type": kind, "f": "txn", "value": value, **times}

    def ended(before_s: float) -> Iterator[dict[str, Any]]:
        while under_way and under_way[0][0] < before_s:
            at_s, process, _, told = heapq.heappop(under_way)
            if told["kind"] != "info":
                heapq.heappush(free, process)
            yield event(process=process, at_s=at_s, **told)

    for order, row in enumerate(history.each("sent and key <> ''", order="start_s, key, attempt")):
        found = _told(row, meaning)
        if found is None or row.start_s is None or row.end_s is None:
            continue
        kind, asked, answered = found
        zero_s = row.start_s if math.isnan(zero_s) else zero_s
        yield from ended(row.start_s)
        process = heapq.heappop(free) if free else next(fresh)
        yield event("invoke", process, row.start_s, asked)
        heapq.heappush(under_way, (row.end_s, process, order, {"kind": kind, "value": answered}))
    yield from ended(math.inf)


def _told(row: Row, meaning: Meaning) -> tuple[str, list[list[Any]], list[list[Any]]] | None:
    """How it ended, what was asked for and what was answered; None for what can't be said, or says nothing."""
    one = meaning.operation(row)
    if one is None and row.outcome == "fail" and row.op in meaning.writes:
        one = meaning.operation(row._replace(outcome="ok"))
        return None if one is None else ("fail", _asked(row.key, one), _asked(row.key, one))
    if one is None:
        return None
    if one.action != "request":
        asked = _asked(row.key, one)
        answered = [["r", row.key, _read(one.answer)]] if one.action == "read" else asked
        return "ok" if one.certain else "info", asked, answered
    kind, made = one.answer if isinstance(one.answer, tuple) else ("", "")
    if not made:
        return None
    asked = [["r", row.key, None]]
    if kind == "created":
        return "ok", [*asked, ["w", row.key, made]], [*asked, ["w", row.key, made]]
    return "ok", asked, [["r", row.key, made]]


def _asked(key: str, one: Operation) -> list[list[Any]]:
    verb = {"write": "w", "append": "append", "read": "r"}[one.action]
    return [[verb, key, None if one.action == "read" else _number(one.value)]]


def _read(answer: Any) -> Any:
    if isinstance(answer, tuple):
        return [_number(value) for value in answer]
    return _number(answer) if answer else None


def _number(value: Any) -> Any:
    return int(value) if str(value).isascii() and str(value).isdecimal() and str(int(value)) == value else value
