"""The one form of a chaos block: two spaces for each level, one between words. Lines stay lines, comments stay.

What stands around the blocks stays as it is, to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from blackstart.dsl import parse, scan

_OPENING, _CLOSING = ("{", "(", "["), ("}", ")", "]")
_OPERATORS = ("and", "or", "not", "implies", "is", "in", "eventually", ":", ",", "=", "==", "!=", "<", "<=", ">", ">=",
              "+", "-", "*", "/", "!")  # fmt: skip
_TOKENS = ("COMMENT", "STRING", "QUANTITY", "PARAMETERS_DIFFER", "NAME")


def formatted(text: str, file: str = "") -> str:
    """The document with its chaos blocks in their one form, which says the same. Raises BadSpec for one that says
    nothing: only the form of a block is looked at, its words may be anybody's."""
    before = parse.blocks(text, file)
    made, end = "", 0
    for extent in scan.extents(text):
        made += text[end : extent.start]
        # What stands before it on its line: as it will be read again, which another block may have changed.
        made += _block(text[extent.start : extent.end], made[made.rfind("\n") + 1 :])
        end = extent.end
    made += text[end:]
    if parse.blocks(made, file) != before:
        raise RuntimeError(f"{file}: formatting would change what it says")
    return made


@cache
def _token() -> re.Pattern[str]:
    """A word, a sign, a comment or an end of a line, by the grammar's own patterns."""
    patterns = {name: parse.pattern(name) for name in _TOKENS}
    named = "|".join(f"(?P<{name}>{pattern})" for name, pattern in patterns.items())
    return re.compile(rf"{named}|(?P<sign>[=!<>]=|[^\s])|(?P<end>\n)")


def _block(block: str, before: str) -> str:
    indent = before[: len(before) - len(before.lstrip(" \t"))]
    end_of_line = "\r\n" if "\r\n" in block else "\n"
    return end_of_line.join(_indented(_lines(block), indent))


def _lines(block: str) -> Iterator[list[re.Match[str]]]:
    """The tokens of each line; of several empty lines one, and none at the begin and the end of what braces hold."""
    line: list[re.Match[str]] = []
    last, empty = "{", False
    for token in _token().finditer(block):
        if token.lastgroup != "end":
            line.append(token)
            continue
        if line:
            yield from [[]] if empty and last not in _OPENING and line[0][0] not in _CLOSING else []
            yield line
            last, empty, line = line[-1][0], False, []
        else:
            empty = True
    yield line


def _indented(lines: Iterator[list[re.Match[str]]], indent: str) -> Iterator[str]:
    depth = 0
    for number, line in enumerate(lines):
        closing = 0
        while closing < len(line) and line[closing][0] in _CLOSING:
            closing += 1
        level = max(0, depth - closing)
        signs = [token[0] for token in line]
        depth += sum(sign in _OPENING for sign in signs) - sum(sign in _CLOSING for sign in signs)
        shown = _spaced(line)
        yield f"{indent}{'  ' * level}{shown}" if number and shown else shown


def _spaced(line: list[re.Match[str]]) -> str:
    shown = ""
    for number, token in enumerate(line):
        words = token[0].split() if token.lastgroup in ("QUANTITY", "PARAMETERS_DIFFER") else [token[0].rstrip()]
        shown += ("" if not number or _close(line, number) else " ") + " ".join(words)
    return shown


def _close(line: list[re.Match[str]], number: int) -> bool:
    """Whether no space stands before this word of a line. One between a name and its parenthesis means something, and
    a dot behind a number would begin its unit."""
    before, token = line[number - 1], line[number]
    if before[0] in ("(", "[", ".") or token[0] in (")", "]", ",", ":"):
        return True
    if token[0] == "(" and (before.lastgroup == "NAME" or before[0] in (")", "]")):
        return before.end() == token.start()
    if token[0] == ".":
        return before.lastgroup != "QUANTITY"
    signs = number < 2 or line[number - 2][0] in _OPERATORS or line[number - 2][0] in _OPENING
    return before[0] == "!" or (before[0] == "-" and signs)
