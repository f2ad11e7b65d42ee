"""The block below the lines of a terminal that tells what goes on, drawn over itself.

rich lays it out: signs that are two columns wide, the colours that the terminal has, NO_COLOR. What is written is text
for whoever writes without waiting. The cursor stays where it can be seen, on a line of its own below the block, so that
whoever dies leaves a terminal in order; what is typed there meanwhile stays.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

EVERY_S = 0.25
_INDENT = 11  # as that of the last lines
_DUMB = ("", "dumb", "unknown")
_SAVE, _BACK, _ERASE_LINE, _ERASE_BELOW = "\x1b7", "\x1b8", "\x1b[K", "\x1b[J"


@dataclass(frozen=True)
class Row:
    """One line of the block: what it is about ("" as the row above; the heading has no text), in a style of rich's."""

    label: str
    text: str = ""
    style: str = ""


def can_draw(environ: Mapping[str, str], encoding: str) -> bool:
    """Whether that terminal moves its cursor where it is told to, and has the signs."""
    return environ.get("TERM", "") not in _DUMB and encoding.lower().replace("-", "") == "utf8"


def may_colour(environ: Mapping[str, str]) -> bool:
    """Whether a terminal is to have colours (https://no-color.org)."""
    return not environ.get("NO_COLOR") and environ.get("TERM", "") not in _DUMB


class Block:
    """What stands there, and what to write to change it. `height` is in lines, 0 where nothing stands."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415  (a fifth of a second, which most commands need not wait for)

        self._rich = Console(file=io.StringIO(), force_terminal=True, legacy_windows=False)
        self._lines: list[str] = []
        self._typed = 0
        self.height = 0

    def typed(self, line: str, columns: int) -> None:
        """Somebody has typed a line below it: the cursor is that much lower."""
        self._typed += 1 + max(0, len(line) - 1) // columns

    def drawn(self, rows: Sequence[Row], columns: int, lines: int) -> str:
        """The block anew, over the one that stands there."""
        self._lines = self._laid_out(rows[: max(1, lines - 2)], columns)
        if self.height != len(self._lines) or self._typed:
            return self.wiped() + self.again()
        told = "".join(f"{line}{_ERASE_LINE}\r\n" for line in self._lines)
        return f"{_SAVE}\r\x1b[{self.height}A{told}{_BACK}"

    def again(self) -> str:
        """The block as it was drawn last, where nothing stands now."""
        self.height = len(self._lines)
        return "".join(f"{line}\r\n" for line in self._lines)

    def wiped(self) -> str:
        """Nothing, over the block and what was typed below it."""
        up, self.height, self._typed = self.height + self._typed, 0, 0
        return f"\r\x1b[{up}A{_ERASE_BELOW}" if up else ""

    def _laid_out(self, rows: Sequence[Row], columns: int) -> list[str]:
        from rich.text import Text  # noqa: PLC0415

        told = Text("\n").join(Text(f"  {row.label:<{_INDENT - 2}}{row.text}" if row.text else row.label, row.style)
                               for row in rows)  # fmt: skip
        self._rich.width = max(1, columns - 1)  # some terminals begin a new line after the last sign
        with self._rich.capture() as captured:
            self._rich.print(told, no_wrap=True, overflow="ellipsis", crop=True, end="")
        return captured.get().split("\n")
