"""What a person sees of a terminal: its screen, and what has scrolled off above it, made of what was written to it."""

from itertools import groupby

import pyte


class Seen:
    """A terminal of that size, with all that was ever above its screen."""

    def __init__(self, columns: int, lines: int = 24) -> None:
        self._screen = pyte.HistoryScreen(columns, lines, history=100_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)

    def write(self, data: bytes) -> None:
        self._stream.feed(data)

    def lines(self, styled: bool = False) -> list[str]:
        """All lines, without what is empty at their ends; `styled`: with colours and bold, as in `<red bold:text>`."""
        rows = [*self._screen.history.top, *(self._screen.buffer[number] for number in range(self._screen.lines))]
        told = [_row(row, self._screen.columns, styled).rstrip() for row in rows]
        while told and not told[-1]:
            told.pop()
        return told

    def above_cursor(self, count: int, styled: bool = False) -> list[str]:
        """So many lines above that of the cursor."""
        at = self._screen.cursor.y
        rows = [self._screen.buffer[number] for number in range(max(0, at - count), at)]
        return [_row(row, self._screen.columns, styled).rstrip() for row in rows]

    def text(self, styled: bool = False) -> str:
        return "".join(f"{line}\n" for line in self.lines(styled))


def _row(row: dict[int, pyte.screens.Char], columns: int, styled: bool) -> str:
    signs = [row[column] for column in range(columns)]
    if not styled:
        return "".join(sign.data for sign in signs)
    parts = []
    for style, group in groupby(signs, key=_style):
        text = "".join(sign.data for sign in group)
        parts.append(f"<{style}:{text}>" if style else text)
    return "".join(parts)


def _style(sign: pyte.screens.Char) -> str:
    colour = "" if sign.fg == "default" else sign.fg
    return " ".join(filter(None, (colour, "bold" if sign.bold else "")))
