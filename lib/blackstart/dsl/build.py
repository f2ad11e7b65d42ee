"""From what the grammar found to the nodes of the tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from lark import Token, Transformer_NonRecursive, v_args
from lark.tree import Meta

from blackstart.base import durations
from blackstart.base.errors import did_you_mean
from blackstart.dsl import tree
from blackstart.dsl.strings import said
from blackstart.dsl.tree import Argument, Injection, Place

# The names of a transformer's methods are those of the rules, `list` among them.
Tokens = list[Token]
Parts = list[Any]
MOST_RETRIES = 1000
_QUANTITY = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)[ \t]*\.?(?P<unit>%|[A-Za-z]\w*)?")
_LONGEST = 18  # signs of a number
UNITS = ("ms", "s", "m", "h", "d", "milliseconds", "seconds", "minutes", "hours", "days")


class Mistake(Exception):
    """What the grammar allows and the language does not."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place, self.message = place, message


@dataclass(frozen=True)
class _Setting:
    """`retries: 3`, `timeout: 30s`."""

    name: str
    value: tree.Expression
    place: Place


@dataclass(frozen=True)
class _Settings:
    """`with { … }`, which begins on this line."""

    entries: tuple[_Setting, ...]
    line: int


@dataclass(frozen=True)
class _Injected:
    """One `inject`. What is written on one line takes the `with { … }` that begins on this line, its last."""

    injections: tuple[Injection, ...]
    line: int | None


def _place(at: Meta | Token) -> Place:
    return Place(getattr(at, "line", 0) or 0, getattr(at, "column", 0) or 0)


@v_args(meta=True)
class Builder(Transformer_NonRecursive[Token, Any]):
    """Makes the tuple of `Block`. `behaviors` are what each block, in order, stands in. Raises Mistake."""

    def __init__(self, behaviors: tuple[str, ...]) -> None:
        super().__init__()
        self._behaviors = behaviors

    def start(self, _: Meta, blocks: list[tree.Block]) -> tuple[tree.Block, ...]:
        around = zip(blocks, self._behaviors, strict=True)
        return tuple(replace(block, behavior=block.behavior or behavior) for block, behavior in around)

    def block(self, meta: Meta, parts: Parts) -> tree.Block:
        behavior = next((str(part) for part in parts if isinstance(part, Token)), "")
        scenarios = tuple(part for part in parts if isinstance(part, tree.Scenario))
        return tree.Block(behavior, scenarios, **_limits(_settings(parts)), place=_place(meta))

    def scenario(self, meta: Meta, parts: Parts) -> tree.Scenario:
        members = _with_their_settings(parts[1:])
        listed = [node for part in members if isinstance(part, tuple) for node in part]
        return tree.Scenario(
            _string(parts[0]),
            tuple(found for part in members if isinstance(part, _Injected) for found in part.injections),
            tuple(part for part in members if isinstance(part, tree.Call)),
            tuple(step for step in listed if not isinstance(step, tree.Expectation)),
            tuple(claim for claim in listed if isinstance(claim, tree.Expectation)),
            **_limits(_settings(members)),
            place=_place(meta),
        )

    def retries(self, meta: Meta, parts: list[tree.Expression]) -> _Setting:
        return _Setting("retries", parts[0], _place(meta))

    def timeout(self, meta: Meta, parts: list[tree.Expression]) -> _Setting:
        return _Setting("timeout", parts[0], _place(meta))

    def settings(self, meta: Meta, entries: list[_Setting]) -> _Settings:
        return _Settings(tuple(entries), meta.line)

    def use(self, meta: Meta, parts: list[tree.Expression]) -> tree.Call:
        if not isinstance(parts[0], tree.Call):
            raise Mistake(parts[0].place, 'expected a call, as in with: idempotency_key("a-key")')
        return parts[0]

    def inject(self, meta: Meta, parts: Parts) -> _Injected:
        made: list[Injection] = []
        for part in parts:
            if isinstance(part, _Settings):
                made[-1] = _given(made[-1], part)
            elif isinstance(part, Injection):
                made.append(part)
        listed = any(isinstance(part, Token) and part == "{" for part in parts)
        return _Injected(tuple(made), None if listed else meta.end_line)

    def injection(self, meta: Meta, parts: Parts) -> Injection:
        arguments = [argument for part in parts[1:] if isinstance(part, tuple) for argument in part]
        arguments += [part for part in parts[1:] if isinstance(part, Argument)]
        return Injection(str(parts[0]), tuple(arguments), place=_place(meta))

    def component(self, meta: Meta, parts: Tokens) -> Argument:
        named = parts[0].type == "NAME"
        value = tree.Name(str(parts[0]), place=_place(meta)) if named else self.text(meta, parts)
        return Argument("target", value, place=_place(meta))

    def expect(self, _: Meta, claims: list[tree.Expectation]) -> tuple[tree.Expectation, ...]:
        return tuple(claims)

    def claim(self, meta: Meta, parts: Parts) -> tree.Expectation:
        return tree.Expectation(parts[0], _string(parts[1]) if len(parts) > 1 else None, place=_place(meta))

    def differ(self, meta: Meta, parts: Tokens) -> tree.WhenParametersDiffer:
        return tree.WhenParametersDiffer(str(parts[0]), place=_place(meta))

    def when(self, _: Meta, steps: list[tree.Step]) -> tuple[tree.Step, ...]:
        return tuple(steps)

    def assignment(self, meta: Meta, parts: Parts) -> tree.Assignment:
        return tree.Assignment(str(parts[0]), parts[1], place=_place(meta))

    def step(self, _: Meta, parts: list[tree.Expression]) -> tree.Call:
        if not isinstance(parts[0], tree.Call):
            raise Mistake(parts[0].place, "a step of when is a call, or name = value")
        return parts[0]

    def binary(self, meta: Meta, parts: Parts) -> tree.Binary:
        return tree.Binary(str(parts[1]), parts[0], parts[2], place=_place(meta))

    def unary(self, meta: Meta, parts: Parts) -> tree.Unary:
        return tree.Unary("not" if parts[0] == "!" else str(parts[0]), parts[1], place=_place(meta))

    def eventually(self, meta: Meta, parts: Parts) -> tree.Eventually:
        return tree.Eventually(_seconds(_quantity(parts[0]), "within"), parts[1], place=_place(meta))

    def attribute(self, meta: Meta, parts: Parts) -> tree.Attribute:
        return tree.Attribute(parts[0], str(parts[1]), place=_place(meta))

    def call(self, meta: Meta, parts: Parts) -> tree.Call:
        if not isinstance(parts[0], tree.Name | tree.Attribute):
            raise Mistake(_place(meta), "only a name can be called")
        return tree.Call(parts[0], parts[1], place=_place(meta))

    def arguments(self, _: Meta, parts: list[Argument]) -> tuple[Argument, ...]:
        return tuple(parts)

    def argument(self, meta: Meta, parts: Parts) -> Argument:
        return Argument(str(parts[0]) if len(parts) > 1 else None, parts[-1], place=_place(meta))

    def entry(self, meta: Meta, parts: Parts) -> _Setting:
        return _Setting(parts[0], parts[1], _place(meta))

    def key(self, _: Meta, parts: Tokens) -> str:
        return _string(parts[0]) if parts[0].type == "STRING" else str(parts[0])

    def name(self, meta: Meta, parts: Tokens) -> tree.Name:
        return tree.Name(str(parts[0]), place=_place(meta))

    def text(self, meta: Meta, parts: Tokens) -> tree.Text:
        return tree.Text(_string(parts[0]), place=_place(meta))

    def quantity(self, _: Meta, parts: Tokens) -> tree.Expression:
        return _quantity(parts[0])

    def true(self, meta: Meta, _: Tokens) -> tree.Truth:
        return tree.Truth(True, place=_place(meta))

    def false(self, meta: Meta, _: Tokens) -> tree.Truth:
        return tree.Truth(False, place=_place(meta))

    def null(self, meta: Meta, _: Tokens) -> tree.Null:
        return tree.Null(place=_place(meta))

    def list(self, meta: Meta, items: list[tree.Expression]) -> tree.ListOf:
        return tree.ListOf(tuple(items), place=_place(meta))

    def map(self, meta: Meta, entries: Parts) -> tree.MapOf:
        return tree.MapOf(tuple((entry.name, entry.value) for entry in entries), place=_place(meta))


def _settings(parts: Parts) -> list[_Setting]:
    single = [part for part in parts if isinstance(part, _Setting)]
    return single + [entry for part in parts if isinstance(part, _Settings) for entry in part.entries]


def _with_their_settings(members: Parts) -> Parts:
    """The members, where a `with { … }` on the line of an `inject` has become that injection's arguments."""
    kept: Parts = []
    for member in members:
        last = kept[-1] if kept else None
        if isinstance(member, _Settings) and isinstance(last, _Injected) and last.line == member.line:
            kept[-1] = _Injected((*last.injections[:-1], _given(last.injections[-1], member)), None)
        else:
            kept.append(member)
    return kept


def _given(injection: Injection, settings: _Settings) -> Injection:
    more = (Argument(entry.name, entry.value, place=entry.place) for entry in settings.entries)
    return replace(injection, arguments=(*injection.arguments, *more))


def _limits(settings: list[_Setting]) -> dict[str, Any]:
    """`retries` and `timeout_s` as a block and a scenario have them."""
    found: dict[str, Any] = {}
    for setting in settings:
        field = {"retries": "retries", "timeout": "timeout_s"}.get(setting.name)
        if field is None:
            near = did_you_mean(setting.name, ("retries", "timeout"))
            raise Mistake(setting.place, f'unknown setting "{setting.name}".{near}')
        if field in found:
            raise Mistake(setting.place, f'"{setting.name}" is given twice; leave one of them out')
        found[field] = _retries(setting.value) if field == "retries" else _seconds(setting.value, "timeout")
    return found


def _retries(value: tree.Expression) -> int:
    count = value.value if isinstance(value, tree.Number) else None
    if not isinstance(count, int) or count > MOST_RETRIES:
        raise Mistake(value.place, f"retries must be a whole number from 0 to {MOST_RETRIES}")
    return count


def _seconds(value: tree.Expression, name: str) -> float:
    if not isinstance(value, tree.Duration) or value.seconds <= 0:
        raise Mistake(value.place, f"{name} must be a time above 0 with its unit, as 500ms, 30s or 1.5h")
    return value.seconds


def _quantity(token: Token) -> tree.Number | tree.Duration | tree.Percent:
    """A number, a time or a share."""
    place, match = _place(token), _QUANTITY.fullmatch(token)
    if match is None or len(match["number"]) > _LONGEST:
        raise Mistake(place, f"a number has at most {_LONGEST} signs")
    number, unit = match["number"], match["unit"]
    if unit is None:
        return tree.Number(float(number) if "." in number else int(number), place=place)
    if unit == "%":
        return tree.Percent(float(Decimal(number) / 100), place=place)
    try:
        return tree.Duration(durations.seconds(f"{number}{unit}"), place=place)
    except ValueError:
        raise Mistake(place, f'unknown unit "{unit}".{did_you_mean(unit, (*UNITS, "%"))}') from None


def _string(token: Token) -> str:
    """What a string says. Raises Mistake for an escape that means nothing."""
    try:
        return said(token)
    except ValueError as error:
        raise Mistake(_place(token), str(error)) from None
