"""Expressions about an answer as data: what a record may hold, and a check reads (`verdict.checks.claim_holds`)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from blackstart.base.errors import NotAvailable, did_you_mean
from blackstart.dsl.tree import (
    Attribute,
    Binary,
    Call,
    Duration,
    Eventually,
    Expression,
    ListOf,
    Name,
    Number,
    Place,
    Text,
    Unary,
    WhenParametersDiffer,
    plain,
)

_ORDER = ("<", "<=", ">", ">=")
_SAME = ("is", "==", "!=")
_WORDS = ("error", "success")
_JOINED = ("and", "or", "implies")
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!=", "is": "is"}


@dataclass(frozen=True)
class Field:
    """What is known of an answer: `what` it is, one `such`, the values that it may be compared with, and how."""

    what: str
    such: str
    fits: Callable[[Expression], bool]
    operators: tuple[str, ...] = _SAME


FIELDS: Mapping[str, Field] = {
    "result": Field(
        "error or success", "error", lambda value: isinstance(value, Name | Text) and plain(value) in _WORDS
    ),
    "status": Field(
        "a whole number from 100 to 599",
        "503",
        lambda value: isinstance(value, Number) and isinstance(value.value, int) and 100 <= value.value <= 599,
        (*_SAME, *_ORDER),
    ),
    "error.code": Field("a code", "RATE_LIMITED", lambda value: isinstance(value, Name | Text) and bool(plain(value))),
    "latency": Field("a time with its unit", "500ms", lambda value: isinstance(value, Duration), (*_SAME, *_ORDER)),
}
"""`result` itself, the rest is written `result.status`, ..."""


def as_data(claim: Expression) -> tuple[Any, ...]:
    """As nested tuples. Raises NotAvailable for what is not known of an answer, or is compared with what that never is:
    it is never taken for true."""
    match claim:
        case Unary(operator="not", operand=operand):
            return ("not", as_data(operand))
        case Binary(operator=operator, left=left, right=right) if operator in _JOINED:
            return (operator, as_data(left), as_data(right))
        case Binary(operator=operator, left=left, right=right):
            if _path(left) is not None:
                return _compared(operator, left, right)
            if _path(right) is not None and operator in _TURNED:
                return _compared(_TURNED[operator], right, left)
    raise NotAvailable(f"{as_text(claim)} is no claim of an answer: compare a field of `result` with a value")


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


def codes(claim: Expression) -> Iterator[tuple[str, Place]]:
    """The error codes that a claim names, each with its place."""
    match claim:
        case WhenParametersDiffer(code=code):
            yield code, claim.place
        case Call(function=Name(name="error_returned"), arguments=(argument,)):
            yield from _named(argument.value)
        case Eventually(claim=inner) | Unary(operand=inner):
            yield from codes(inner)
        case Binary(left=left, right=right) if "error.code" in (_path(left), _path(right)):
            yield from _named(right if _path(left) else left)
        case Binary(left=left, right=right):
            yield from codes(left)
            yield from codes(right)


def _named(value: Expression) -> Iterator[tuple[str, Place]]:
    for one in value.items if isinstance(value, ListOf) else (value,):
        if isinstance(one, Name | Text):
            yield str(plain(one)), one.place


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


def _compared(operator: str, part: Expression, value: Expression) -> tuple[Any, ...]:
    path = _path(part) or ""
    if path not in FIELDS:
        raise NotAvailable(f"{as_text(part)} is not available yet: nothing here tells it.{did_you_mean(path, FIELDS)}")
    field = FIELDS[path]
    if operator not in (*field.operators, "in"):
        raise NotAvailable(f"{as_text(part)} is compared by {', '.join(field.operators)} or in, not by {operator}")
    if operator != "in":
        return (operator, path, _value(part, field, value))
    if not isinstance(value, ListOf) or not value.items:
        raise NotAvailable(f"behind in stands a list, as in {as_text(part)} in [{field.such}]")
    return (operator, path, tuple(_value(part, field, item) for item in value.items))


def _value(part: Expression, field: Field, value: Expression) -> Any:
    if field.fits(value):
        return plain(value)
    near = did_you_mean(str(plain(value)), _WORDS) if field is FIELDS["result"] else ""
    raise NotAvailable(f"{as_text(part)} is {field.what}, as {field.such}, and never {as_text(value)}.{near}")
