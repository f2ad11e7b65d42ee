"""Which answers there can be, as far as a claim tells them apart: what is true, or false, of all of them says nothing.

They are judged by the function that judges a run's requests.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

from blackstart.evidence.history import Row
from blackstart.verdict.checks.claim_holds import Claim, holds

_SUCCESS, _LAST = 200, 599  # what is below is no answer yet
_NO_SUCCESS = 300
_USUAL = (200, 201, 299, 302, 404, 503)
_STEP_S = 1e-3
_ANOTHER = "another code"
_MOST = 20_000  # comparisons, of one claim


def always(claim: Claim) -> bool | None:
    """What a claim (`claims.as_data`) is of every answer; None where it is true of one and false of another. Raises
    ValueError where it names more values than can be looked through."""
    constants = list(_constants(claim))
    most = _MOST // (len(constants) + 1)
    found = set()
    for looked, row in enumerate(_answers(constants)):
        if looked > most:
            raise ValueError("names too many values to be looked through: split it")
        found.add(holds(claim, row))
        if len(found) > 1:
            return None
    return found.pop()


def _constants(claim: Claim) -> Iterator[tuple[str, Any]]:
    """Each field that is compared, with each value."""
    operator, *parts = claim
    if isinstance(parts[0], str):
        field, value = parts
        yield from ((field, one) for one in (value if operator == "in" else (value,)))
    else:
        for part in parts:
            yield from _constants(part)


def _answers(constants: list[tuple[str, Any]]) -> Iterator[Row]:
    """Around each value that is compared: a success has a status of 200 to 299 and no code, an error another status and
    any code; both take some time."""
    named = {field: [value for of, value in constants if of == field] for field in ("status", "error.code", "latency")}
    around = {status + step for status in named["status"] for step in (-1, 0, 1)}
    statuses = sorted(status for status in {*_USUAL, *around} if _SUCCESS <= status <= _LAST)
    codes = sorted({*named["error.code"], _ANOTHER})
    limits = [limit_s + step for limit_s in named["latency"] for step in (-min(_STEP_S, limit_s / 2), 0.0, _STEP_S)]
    times = sorted({limit_s for limit_s in limits if limit_s > 0} or {1.0})
    for status, took_s in product(statuses, times):
        ok = status < _NO_SUCCESS
        for code in ("",) if ok else codes:
            yield Row("", "", 1, 0.0, 0.0, took_s, "ok" if ok else "fail", status, detail=code)
