"""Expressions about an answer as data: what a record may hold, and a check reads (`verdict.checks.claim_holds`)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from blackstart.base import durations
from blackstart.base.errors import NotAvailable, did_you_mean
from blackstart.dsl.tree import (
    Attribute,
    Binary,
    Call,
    Duration,
    Eventually,
    Expression,
    ListOf,
    MapOf,
    Name,
    Number,
    Percent,
    Place,
    Text,
    Truth,
    Unary,
    WhenParametersDiffer,
    plain,
)

_ORDER = ("<", "<=", ">", ">=")
_SAME = ("is", "==", "!=")
_WORDS = ("error", "success")
_JOINED = ("and", "or", "implies")
_LEVELS = {"implies": 0, "or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6}
_NOT, _COMPARISON, _SIGN, _NAMED = 3, 4, 7, 8
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"})
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
    """As it could be written: read again it is the same. Times are in s or, what is none of whole seconds, in ms."""
    return _written(claim, 0)


def _written(part: Expression, level: int) -> str:
    """In parentheses where it binds less tightly than what stands around it."""
    own, text = _with_level(part)
    return f"({text})" if own < level else text


def _with_level(part: Expression) -> tuple[int, str]:
    """How tightly it binds, as the grammar has it, and how it is written."""
    match part:
        case Eventually(within_s=within_s, claim=inner):
            return 0, f"eventually within {_time(within_s)}: {as_text(inner)}"
        case Binary(operator=operator, left=left, right=right):
            own = _LEVELS.get(operator, _COMPARISON)
            before, behind = (own + 1, own) if operator == "implies" else (own + (own == _COMPARISON), own + 1)
            return own, f"{_written(left, before)} {operator} {_written(right, behind)}"
        case Unary(operator="not", operand=inner):
            return _NOT, f"not {_written(inner, _NOT)}"
        case Unary(operator=operator, operand=inner):
            return _SIGN, f"{operator}{_written(inner, _SIGN)}"
        case Attribute(of=of, name=name):
            return _NAMED, f"{_written(of, _NAMED)}.{name}"
        case Call(function=function, arguments=arguments):
            given = (f"{f'{one.name}: ' if one.name else ''}{as_text(one.value)}" for one in arguments)
            return _NAMED, f"{_written(function, _NAMED)}({', '.join(given)})"
        case Name(name=name):
            return _NAMED, name
        case Number() | Duration() | Percent():
            return _SIGN, _quantity(part)
        case _:
            return _NAMED, _leaf(part)


def _leaf(part: Expression) -> str:
    match part:
        case Text(value=text):
            return _quoted(text)
        case ListOf(items=items):
            return f"[{', '.join(map(as_text, items))}]"
        case MapOf(entries=entries):
            return f"{{ {', '.join(f'{_quoted(key)}: {as_text(value)}' for key, value in entries)} }}"
        case WhenParametersDiffer(code=code):
            return f"{code} when parameters differ"
        case Truth(value=value):
            return str(value).lower()
        case _:
            return "null"


def _quantity(value: Number | Duration | Percent) -> str:
    match value:
        case Duration(seconds=seconds):
            return _time(seconds)
        case Percent(share=share):
            return f"{_decimal(share, 100, '')}%"
        case _:
            return str(value.value) if isinstance(value.value, int) else _decimal(value.value)


def _time(seconds: float) -> str:
    if seconds.is_integer():
        return f"{seconds:.0f}s"
    in_ms = (f"{_decimal(round(seconds * 1000, digits), 1, '')}ms" for digits in range(7))
    return next((time for time in in_ms if durations.seconds(time) == seconds), f"{_decimal(seconds)}s")


def _decimal(value: float, times: int = 1, of_none: str = "0") -> str:
    """Without an exponent, which the language has none of; `of_none` is what stands behind the point of a whole one."""
    whole, _, part = f"{Decimal(repr(value)) * times:f}".partition(".")
    return ".".join(filter(None, (whole, part.rstrip("0") or of_none)))


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPED)}"'


def codes(claim: Expression) -> Iterator[tuple[str, Place]]:
    """The error codes that a claim names, each with its place."""
    match claim:
        case WhenParametersDiffer(code=code):
            yield code, claim.place
        case Call(function=Name(name="error_returned"), arguments=(argument,)):
            yield from _codes_in(argument.value)
        case Eventually(claim=inner) | Unary(operand=inner):
            yield from codes(inner)
        case Binary(left=left, right=right) if "error.code" in (_path(left), _path(right)):
            yield from _codes_in(right if _path(left) else left)
        case Binary(left=left, right=right):
            yield from codes(left)
            yield from codes(right)


def _codes_in(value: Expression) -> Iterator[tuple[str, Place]]:
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
