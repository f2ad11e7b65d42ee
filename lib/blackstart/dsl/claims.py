"""Expressions about an answer as data: what a record may hold, and a check reads (`verdict.checks.claim_holds`)."""

from typing import Any

from blackstart.base.errors import NotAvailable, did_you_mean
from blackstart.dsl.tree import Attribute, Binary, Expression, ListOf, Name, Unary, plain

FIELDS = ("result", "status", "error.code", "latency")
"""What is known of an answer: `result` itself is `error` or `success`, the rest is written `result.status`, ..."""
_JOINED = ("and", "or", "implies")
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!=", "is": "is"}


def as_data(claim: Expression) -> tuple[Any, ...]:
    """As nested tuples. Raises NotAvailable for what is not known of an answer: it is never taken for true."""
    match claim:
        case Unary(operator="not", operand=operand):
            return ("not", as_data(operand))
        case Binary(operator=operator, left=left, right=right) if operator in _JOINED:
            return (operator, as_data(left), as_data(right))
        case Binary(operator=operator, left=left, right=right):
            if _path(left) is not None:
                return (operator, _field(left), _value(right))
            if _path(right) is not None and operator in _TURNED:
                return (_TURNED[operator], _field(right), _value(left))
    raise NotAvailable(f"{as_text(claim)} is not available yet: a claim compares a field of `result` with a value")


def as_text(claim: Expression) -> str:
    """As it is written."""
    match claim:
        case Unary(operator=operator, operand=operand):
            return f"{operator} {as_text(operand)}"
        case Binary(operator=operator, left=left, right=right):
            return f"{as_text(left)} {operator} {as_text(right)}"
        case Attribute(of=of, name=name):
            return f"{as_text(of)}.{name}"
        case ListOf(items=items):
            return f"[{', '.join(map(as_text, items))}]"
        case _:
            value = plain(claim)
            return type(claim).__name__.lower() if value is None else str(value)


def _path(part: Expression) -> str | None:
    """Which field of the answer it is; None for what is none."""
    match part:
        case Name(name="result"):
            return "result"
        case Attribute(of=of, name=name):
            before = _path(of)
            return None if before is None else name if before == "result" else f"{before}.{name}"
        case _:
            return None


def _field(part: Expression) -> str:
    path = _path(part) or ""
    if path not in FIELDS:
        raise NotAvailable(f"{as_text(part)} is not available yet: nothing here tells it.{did_you_mean(path, FIELDS)}")
    return path


def _value(part: Expression) -> Any:
    if isinstance(part, ListOf):
        return tuple(_value(item) for item in part.items)
    value = plain(part)
    if value is None:
        raise NotAvailable(f"{as_text(part)} is not available yet: a field is compared with a value")
    return value
