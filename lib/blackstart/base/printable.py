"""Text for people, of which anything may have been filled in by a target, a file or a name.

It must not steer who reads it: neither a terminal (escapes, bidirectional signs), nor a CI server (commands in a log),
nor the eye (a line break that makes a line of its own). Structured records keep what was said as it was.
"""

import os
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

# GitHub's commands begin a line and have a second `::`; those of Azure, TeamCity and older runners stand anywhere.
_COMMAND = re.compile(r"(?P<start>^ *):(?=:.*::)|#(?=#(?:vso|teamcity)?\[)", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w/~.])(?:/[^\s/:,;'\"]+){3,}")  # none within an address
_LONGEST_PATH = 24
_BETWEEN = 2  # signs between two columns of a table
_PADDING = 2  # that tabulate gives a heading
_LEAST = 20  # signs of a column of sentences, that it can still be read


def printable(text: str) -> str:
    """The text with what is no letter or sign, ends of lines among it, written as its number, as Python's repr has it.

    So it is known to the redactor, too, whose secrets may hold such characters.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def one_line(text: str) -> str:
    """The text as one line of a terminal or a log, which is no command to a CI server. Done twice it stays the same."""
    text = printable(text)
    return _COMMAND.sub(_disarmed, text) if "::" in text or "##" in text else text


def shortened(text: str, most: int) -> str:
    """The text with its middle left out, where it is longer than that: at the beginning stands what was run, and at the
    end what a program says went wrong."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]} … {text[head + 3 - most :]}"


def short_paths(text: str) -> str:
    """The text for the cell of a table, with each long path in it in short: a program by its name, the home as `~`, and
    the middle left out. What is to be typed is never told so."""
    return _PATH.sub(_short_path, text)


def _short_path(match: re.Match[str]) -> str:
    path, home = match[0], os.path.expanduser("~").rstrip("/")
    if len(path) <= _LONGEST_PATH:
        return path
    folder, _, name = path.rpartition("/")
    if folder.endswith(("/bin", "/sbin")):
        return name
    path = f"~{path.removeprefix(home)}" if home and path.startswith(f"{home}/") else path
    return path if len(path) <= _LONGEST_PATH else f"{path[: path.index('/', 1)]}/…/{name}"


def kind_of(value: Any) -> str:
    """What a value of a file is, as in `a list`: where it is of the wrong kind, the value itself may be a secret."""
    kinds = {str: "text", bool: "true or false", dict: "a table", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), type(value).__name__)


def lines(texts: Iterable[str]) -> str:
    """Each text as one line."""
    return "\n".join(map(one_line, texts))


def wrapped(text: str, columns: int, indent: str) -> list[str]:
    """The text in lines of so many signs, broken between words; a word that is longer is left whole, to be copied."""
    most = max(columns, 2 * len(indent))
    return textwrap.wrap(text, most, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def table(rows: Iterable[Sequence[Any]], heads: Sequence[str] = (), columns: int = 0, **how: Any) -> list[str]:
    """The lines of a table, whose cells can't be left by what stands in them; `how` is tabulate's.

    It fits `columns` signs, where that is not 0, as far as breaking lines between words makes it.
    """
    from tabulate import tabulate  # noqa: PLC0415  (most of what is said is no table)

    cells = [[printable(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    if columns and cells:
        how["maxcolwidths"] = _fitted(cells, heads, columns)
    made = str(tabulate(cells, headers=list(heads), **how))
    return [one_line(line) for line in made.split("\n")]


def _fitted(cells: Sequence[Sequence[Any]], heads: Sequence[str], columns: int) -> list[int | None]:
    """How wide each column may be: the widest that has sentences gives way, what is one word stays whole."""
    texts = [[str(cell) for cell in column] for column in zip(*cells, strict=True)]
    names = [len(head) + _PADDING for head in heads] or [0] * len(texts)
    widths = [max(name, *map(len, column)) for name, column in zip(names, texts, strict=True)]
    prose = [number for number, column in enumerate(texts) if any(" " in text for text in column)]
    fitted: list[int | None] = [None] * len(texts)
    while sum(widths) + _BETWEEN * (len(widths) - 1) > columns:
        widest = max(prose, key=lambda number: widths[number], default=None)
        if widest is None or widths[widest] <= max(_LEAST, names[widest]):
            break
        widths[widest] -= 1
        fitted[widest] = widths[widest]
    return fitted


def _disarmed(match: re.Match[str]) -> str:
    return f"{match['start'] or ''}\\x{ord(match[0][-1]):02x}"
