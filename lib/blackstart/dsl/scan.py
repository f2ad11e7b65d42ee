"""Where the chaos blocks of a document are. The rest of it belongs to others: it is skipped, not understood.

Words and braces in strings and comments are none. A quote that is not closed on its line is an apostrophe; one behind a
backslash is none, so that no line is looked through for its end again and again. Listing the tasks reads this: it
imports next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache

_COMMENT = r"//[^\n]*|\#[^\n]*|/\*[^*]*\*+(?:[^/*][^*]*\*+)*/"
_STRING = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"|' r"'[^'\\\n]*+(?:\\.[^'\\\n]*+)*'"
_TOKEN = re.compile(
    rf"(?P<comment>{_COMMENT})|(?P<unclosed>/\*)|(?P<string>{_STRING})|(?P<word>[A-Za-z_]\w*)|(?P<sign>\\.|[^\s\ufeff])"
)


def _all(name: str, pattern: str) -> str:
    """As many of these as are here, and never fewer: a possessive group, which Python 3.11 of Debian 12 gets wrong."""
    return rf"(?=(?P<{name}>(?:{pattern})*))(?P={name})"


def _gap(name: str) -> str:
    """Blanks and comments: what a comment holds is no sign."""
    return _all(name, rf"\s|{_COMMENT}")


_LONGEST = 8  # signs of a word that is nearly `chaos`
_LONGEST_HELD = 11  # signs, but for the first, of one that is nearly `scenario`
_IMPORTS = ("import", "imports", "use")
_NAMED = r"[A-Za-z_]\w*"
_NOT_A_BLOCK = re.compile(rf"{_gap('a')}[:=,)\]}}?|.]")


@cache
def _holding(opened: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a block holds that opens so: what is perhaps a scenario at once, or settings up to the first string."""
    begun = rf"{opened}\{{{_gap('c')}"
    rest = _all("rest", rf"{_COMMENT}|[^{{}}\"'/\#]|/(?![/*])|\{{[^{{}}\"'/\#]*+\}}")
    return (
        re.compile(rf"{begun}(?P<held>[A-Za-z_]\w{{0,{_LONGEST_HELD}}}){_gap('d')}[\"']"),
        re.compile(rf"{begun}(?:retries|timeout|with)\b{rest}[\"']"),
    )


_OPENED = rf"{_gap('a')}(?:{_NAMED}{_gap('b')})?"
# What is written for it by mistake, on one line: `chaos: {`, `chaos = {`; and what may be another's behind its name.
_SIGNED = rf"[ \t]*+(?:{_NAMED}[ \t]*+)?[-:=,.|?>]{{1,3}}{_gap('b')}"
_WORDED = rf"[ \t]*+(?:{_NAMED}[ \t]+|[-:=(\[<>]{{1,3}}[ \t]*+){_NAMED}[ \t]*+[)\]>:=]?{_gap('b')}"


@dataclass(frozen=True)
class Extent:
    """A chaos block: from `start` to before `end`, in characters, and the behavior that it stands in, "" for none."""

    start: int
    end: int
    behavior: str = ""


class Unread(Exception):
    """What begins at `start` can't be told from the rest: it is never closed, or it is no `chaos` but nearly."""

    def __init__(self, start: int, message: str) -> None:
        super().__init__(message)
        self.start = start


def extents(text: str) -> tuple[Extent, ...]:
    """The chaos blocks, in order. Raises Unread."""
    scanner = _Scanner(text)
    for token in _TOKEN.finditer(text):
        scanner.take(token)
    if scanner.chaos is not None:
        raise Unread(scanner.chaos, "this chaos block is never closed")
    return tuple(scanner.found)


def names(text: str) -> list[str]:
    """What the scenarios of all blocks are called, as it is written, in order: told without the grammar, and of what is
    not closed up to there."""
    return _looked_through(text).named


@dataclass(frozen=True)
class Declared:
    """What the rest of a document says: its behaviors, the names that it imports, and the errors that each behavior
    declares (`errors { CODE … }`), those of none under ""."""

    behaviors: tuple[str, ...] = ()
    imported: tuple[str, ...] = ()
    codes: Mapping[str, Sequence[str]] = field(default_factory=dict)


def declared(text: str) -> Declared:
    """Of what is not closed, what stands before."""
    scanner = _looked_through(text)
    return Declared(tuple(scanner.behaviors), tuple(scanner.imported), scanner.codes)


def _looked_through(text: str) -> _Scanner:
    scanner = _Scanner(text)
    with suppress(Unread):
        for token in _TOKEN.finditer(text):
            scanner.take(token)
    return scanner


@dataclass
class _Scanner:
    text: str
    found: list[Extent] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    homes: list[str | None] = field(default_factory=lambda: [""])  # of each open brace: None where no block can stand
    declared: list[str] = field(default_factory=list)  # `behavior` or `domain` and what follows it
    chaos: int | None = None  # where the open block begins
    depth: int = 0
    before: re.Match[str] | None = None
    behaviors: list[str] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)
    importing: bool = False
    codes: dict[str, list[str]] = field(default_factory=dict)
    listed: int = 0  # how many braces are open in the list of errors; 0 outside of one
    within: list[str] = field(default_factory=lambda: [""])  # of each open brace: the behavior that it is part of

    def take(self, token: re.Match[str]) -> None:
        kind = token.lastgroup
        if kind == "unclosed":
            raise Unread(token.start(), "this comment is never closed")
        if kind == "comment":
            return
        if self.declared and token[0] != "{" and self._first(token):
            self.declared = []  # it had no brace of its own: a value, or a heading
        if self.chaos is not None:
            self._inside(token[0], token.end())
            if kind == "string" and self.depth == 1 and self.before and self.before[0] in ("scenario", "chaos"):
                self.named.append(token[0])
        elif token[0] == "{":
            self.homes.append(self._home())
            self.within.append(self.homes[-1] or self.within[-1])
            if self.declared[:1] == ["behavior"]:
                self.behaviors += self.declared[1:2]
            self.declared = []
            if not self.listed and self.before and self.before[0] == "errors":
                self.listed = len(self.homes)
        elif token[0] == "}":
            self.homes.pop()
            self.within.pop()
            self.homes, self.within = self.homes or [""], self.within or [""]
            self.declared = []
            self.listed = self.listed if len(self.homes) >= self.listed else 0
        elif kind == "word":
            self._word(token)
        self.before = token

    def _inside(self, sign: str, end: int) -> None:
        self.depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == "}" and self.depth <= 0 and self.chaos is not None:
            self.found.append(Extent(self.chaos, end, self.homes[-1] or ""))
            self.chaos = None

    def _home(self) -> str | None:
        """What a block directly inside the brace that opens now would stand in."""
        if not self.declared or self.homes[-1] is None:
            return None
        return self.declared[1] if self.declared[0] == "behavior" and len(self.declared) > 1 else ""

    def _word(self, token: re.Match[str]) -> None:
        if self._first(token) and not (self.before and self.before[0] in "{,"):
            self.importing = token[0] in _IMPORTS
        if self.importing:
            self.imported.append(token[0])
        if self.listed == len(self.homes) and token[0].isupper():
            self.codes.setdefault(self.within[-1], []).append(token[0])
        if token[0] == "chaos" and self._begins(token):
            self.chaos, self.depth = token.start(), 0
        elif self._misspelt(token):
            raise Unread(token.start(), f'unknown block "{token[0]}". Did you mean "chaos"?')
        elif self._opened_otherwise(token):
            raise Unread(token.start(), "this chaos block is opened by something else: write chaos { or chaos NAME {")
        elif token[0] in ("behavior", "domain") and not self.declared:
            self.declared = [token[0]]
        elif self.declared:
            self.declared.append(token[0])

    def _begins(self, token: re.Match[str]) -> bool:
        """Whether the word `chaos` begins a block: as a statement where one can stand, or by what it holds."""
        if _like_a_block(self.text, token.end(), _OPENED):
            return len(self.declared) != 1  # behind the word itself stands the name of what is declared
        return self._first(token) and self.homes[-1] is not None and not _NOT_A_BLOCK.match(self.text, token.end())

    def _misspelt(self, token: re.Match[str]) -> bool:
        """Whether it is nearly the word `chaos`, and holds what only a chaos block does."""
        if token[0] == "chaos" or self.declared or not self._first(token):
            return False
        return _means_chaos(token[0]) and _like_a_block(self.text, token.end(), _OPENED)

    def _opened_otherwise(self, token: re.Match[str]) -> bool:
        """Whether it is the word `chaos`, or nearly, and a sign or a word more stands before what only its block holds.
        Where a word more does, only as a statement: else it is perhaps that word's."""
        if self.declared or not _means_chaos(token[0]):
            return False
        first = self._first(token)
        forms = (_SIGNED, _WORDED) if first else (_SIGNED,) if token[0] == "chaos" else ()
        return any(_like_a_block(self.text, token.end(), form) for form in forms)

    def _first(self, token: re.Match[str]) -> bool:
        """Whether it begins a statement."""
        return self.before is None or self.before[0] in "{};" or "\n" in self.text[self.before.end() : token.start()]


def _like_a_block(text: str, at: int, opened: str) -> bool:
    """Whether a brace opens here, in that way, that holds a scenario, perhaps behind settings."""
    at_once, behind_settings = _holding(opened)
    if found := at_once.match(text, at):
        return _nearly(found["held"], "scenario", "chaos")
    found = behind_settings.match(text, at)
    return found is not None and any(_nearly(word, "scenario", "chaos") for word in found["rest"].split()[-1:])


def _means_chaos(word: str) -> bool:
    """Whether it is `chaos`, misspelt, or with something more, as `chaos_blocks`."""
    return "chaos" in word.lower() or (len(word) <= _LONGEST and _nearly(word, "chaos"))


def _nearly(word: str, *known: str) -> bool:
    """Whether it is one of these, or one that is misspelt."""
    return bool(get_close_matches(word.lower(), known, cutoff=0.75))
