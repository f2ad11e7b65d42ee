"""What is wrong with a specification: each mistake with its file, line, column, the line itself and a caret."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from blackstart.base.errors import BadExperiment
from blackstart.dsl.tree import Place

_WIDTH = 160
_LONGEST = 500  # signs of a message, which may quote a word of any length


@dataclass(frozen=True)
class Problem:
    """One mistake: where it is, and what to write instead. `line` is the whole line that it stands in."""

    place: Place
    message: str
    line: str = ""

    def excerpt(self) -> tuple[str, ...]:
        """The line, and a caret below the mistake; a long line is cut around it. Nothing of a whole file."""
        if not self.line:
            return ()
        cut = max(0, self.place.column - _WIDTH // 2)
        shown = self.line[cut : cut + _WIDTH].replace("\t", " ")
        return (f"  {shown}", f"  {' ' * sum(map(_width, self.line[cut : self.place.column - 1]))}^")


def _width(sign: str) -> int:
    """How many columns of a terminal a sign takes."""
    return 0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def line_at(lines: Sequence[str], place: Place) -> str:
    """The line of these that a place is in; "" for a place that is not there."""
    return lines[place.line - 1].rstrip("\r") if 0 < place.line <= len(lines) else ""


class BadSpec(BadExperiment):
    """A specification that is not right. Nothing of it is used."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(_told(file, problem) for problem in problems))
        self.file, self.problems = file, problems

    def lines(self) -> list[str]:
        """For people: each mistake in a line, and below it the line of the file with a caret."""
        each = ((_told(self.file, problem), *problem.excerpt()) for problem in self.problems)
        return [line for lines in each for line in lines]


def _told(file: str, problem: Problem) -> str:
    message = problem.message if len(problem.message) <= _LONGEST else f"{problem.message[:_LONGEST]}…"
    return f"{file}:{problem.place.line}:{problem.place.column}: {message}"
