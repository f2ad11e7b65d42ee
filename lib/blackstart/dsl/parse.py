"""From a document to its tree. What is not understood is an error, never left out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from lark import Lark, Token, Tree, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken
from lark.exceptions import VisitError

from blackstart.base.errors import did_you_mean
from blackstart.dsl import check, scan, vocabulary
from blackstart.dsl.build import UNITS, Builder, Mistake
from blackstart.dsl.problems import BadSpec, Problem, line_at
from blackstart.dsl.tree import Block, Document, Place
from blackstart.dsl.vocabulary import Words

MOST_BYTES = 256 * 1024
_DEEPEST = 100
_SPACES = 40  # between a number and its unit, at most
_LIKE_A_UNIT = re.compile(r"(?:%|[A-Za-z]{1,20}+)(?=[ \t]*[),}\]\n])")
_LONE_CR = re.compile(r"\r(?!\n)")
_SHOWN = {
    "NAME": "a name", "STRING": "a string", "QUANTITY": "a number", "COMPARISON": "== != < <= > >= is in",
    "NOT": '"not"', "_OPEN_CALL": '"("', "PARAMETERS_DIFFER": '"when parameters differ"',
    "$END": "the end of the block",
}  # fmt: skip


def read(path: Path) -> str:
    """A document's text, as it is in the file. Raises BadSpec: no file, not UTF-8, larger than `MOST_BYTES`."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise _whole(path, f"can't be read: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise _whole(path, f"is larger than {MOST_BYTES // 1024} KiB; put its chaos blocks into a file of their own")
    if b"\r" in data and b"\n" not in data:
        raise _whole(path, "ends its lines with CR alone; save it with LF, or CR LF")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        problem = Problem(Place(line, column), f"is not UTF-8: byte 0x{data[error.start]:02x}; save it as UTF-8")
        raise BadSpec(str(path), (problem,)) from error


def parse(text: str, file: str = "", injections: Mapping[str, Words] = vocabulary.INJECTIONS) -> Document:
    """The chaos blocks of a document, which may inject these. Raises BadSpec: the first mistake in its form, else all
    those in its words."""
    found = blocks(text, file)
    lines = text.split("\n")
    mistakes = check.problems(found, injections, scan.declared(text))
    if wrong := [replace(at, line=line_at(lines, at.place)) for at in mistakes]:
        raise BadSpec(file, tuple(sorted(wrong, key=lambda at: (at.place.line, at.place.column))))
    return Document(found, file, text)


def blocks(text: str, file: str = "") -> tuple[Block, ...]:
    """The chaos blocks of a document by their form alone, whatever words they use. Raises BadSpec."""
    try:
        extents = scan.extents(text)
        _refuse_lone_cr(text, extents)
        tree = _grammar().parse(_blanked(text, extents))
        _refuse_deep(tree)
        made: tuple[Block, ...] = Builder(tuple(extent.behavior for extent in extents)).transform(tree)
        return made
    except scan.Unread as error:
        raise _bad(text, file, _at(text, error.start), str(error)) from None
    except (UnexpectedToken, UnexpectedCharacters, UnexpectedEOF) as error:
        raise _bad(text, file, _place(text, error), _told(text, error)) from None
    except Mistake as error:
        raise _bad(text, file, error.place, error.message) from None
    except VisitError as error:
        if not isinstance(error.orig_exc, Mistake):
            raise
        raise _bad(text, file, error.orig_exc.place, error.orig_exc.message) from None


def pattern(terminal: str) -> str:
    """A terminal of the grammar, as a regular expression."""
    return next(str(found.pattern.to_regexp()) for found in _grammar().terminals if found.name == terminal)


@cache
def _grammar() -> Lark:
    path = Path(__file__).with_name("chaos.lark")
    return Lark(path.read_text(encoding="utf-8"), parser="lalr", propagate_positions=True, maybe_placeholders=False)


def _blanked(text: str, extents: tuple[scan.Extent, ...]) -> str:
    """The text with all but the blocks made spaces, so that every place stays what it is."""
    parts, end = [], 0
    for extent in extents:
        parts += [re.sub(r"[^\n]", " ", text[end : extent.start]), text[extent.start : extent.end]]
        end = extent.end
    return "".join(parts)


def _refuse_lone_cr(text: str, extents: tuple[scan.Extent, ...]) -> None:
    """Some programs end a line there and some do not, and its end means something: behind a comment, before `with`."""
    for extent in extents:
        if found := _LONE_CR.search(text, extent.start, extent.end):
            raise Mistake(_at(text, found.start()), "a CR alone ends no line; save the file with LF, or CR LF")


def _refuse_deep(tree: Tree[Token]) -> None:
    """Nobody writes so, and no reader of ours must come to its limit by it."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > _DEEPEST:
            raise Mistake(Place(node.meta.line, node.meta.column), f"is nested deeper than {_DEEPEST} levels")
        waiting += [(child, depth + 1) for child in node.children if isinstance(child, Tree)]


def _at(text: str, offset: int) -> Place:
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


def _place(text: str, error: UnexpectedToken | UnexpectedCharacters | UnexpectedEOF) -> Place:
    at = error.pos_in_stream
    return _at(text, at if at is not None and _found(text, error) else len(text))


def _found(text: str, error: UnexpectedToken | UnexpectedCharacters | UnexpectedEOF) -> str:
    """What stands at the place; "" at the end."""
    if isinstance(error, UnexpectedToken):
        return "" if error.token.type == "$END" else str(error.token)
    return (
        text[error.pos_in_stream] if isinstance(error, UnexpectedCharacters) and error.pos_in_stream is not None else ""
    )


def _told(text: str, error: UnexpectedToken | UnexpectedCharacters | UnexpectedEOF) -> str:
    """What stands there, and what was expected."""
    found = _found(text, error)
    if isinstance(error, UnexpectedCharacters) and found in "\"'":
        return "this string is not closed on its line"
    if unit := _unit(text, error.pos_in_stream or 0):
        near = " A share is written without a space, as 80%." if unit == "%" else did_you_mean(unit, UNITS)
        return f'unknown unit "{unit}".{near}'
    wanted = error.allowed if isinstance(error, UnexpectedCharacters) else None
    if isinstance(error, UnexpectedToken):
        wanted = error.accepts or set(error.expected)
    words = {name: _word(name) for name in wanted or ()}
    near = did_you_mean(found, [word for name, word in words.items() if word.isalpha() and name not in _SHOWN])
    expected = ", ".join(sorted({word if name in _SHOWN else f'"{word}"' for name, word in words.items()}))
    shown = json.dumps(found, ensure_ascii=False) if found else "end"
    return f"unexpected {shown}; expected {expected}.{near if 'Did' in near else ''}"


def _unit(text: str, at: int) -> str:
    """What stands there, where that can only be meant as the unit of the number before it; else ""."""
    before = text[text.rfind("\n", 0, at) + 1 : at]
    found = _LIKE_A_UNIT.match(text, at)
    return found[0] if found and re.search(r"[0-9][ \t]+$", before[-_SPACES:]) else ""


def _word(terminal: str) -> str:
    """How a terminal of the grammar is written."""
    if terminal in _SHOWN:
        return _SHOWN[terminal]
    found = next((found for found in _grammar().terminals if found.name == terminal), None)
    return str(found.pattern.value) if found is not None else terminal


def _bad(text: str, file: str, place: Place, message: str) -> BadSpec:
    return BadSpec(file, (Problem(place, message, line_at(text.split("\n"), place)),))


def _whole(path: Path, message: str) -> BadSpec:
    return BadSpec(str(path), (Problem(Place(1, 1), message),))
