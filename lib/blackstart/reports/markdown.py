"""Text in Markdown that stays text."""

from collections.abc import Sequence

from blackstart.base.printable import one_line, table
from blackstart.reports.standing import Standing, is_typed

_CELL_AT_MOST = 300


def cell(value: object) -> str:
    """Text that can't leave its cell or line, nor be taken for Markdown, HTML or a mention."""
    told = one_line(" ".join(str(value).split()))
    return text(told if len(told) <= _CELL_AT_MOST else f"{told[: _CELL_AT_MOST - 1]}…")


def text(value: str) -> str:
    """Text of any length, with its spaces, that can't leave its line nor be taken for more than text."""
    told = one_line(value)
    for sign in "\\`*_[]|~#":
        told = told.replace(sign, f"\\{sign}")
    return told.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@&#8203;")


def code(text: str) -> str:
    """Text as code within a line."""
    return f"`{one_line(text).replace('`', chr(39))}`"


def standing_lines(stands: Standing) -> list[str]:
    """How things stand, as a list; what is to be typed is code."""
    return [
        f"- **{label}**: {code(text) if label == 'evidence' or is_typed(label) else cell(text)}"
        for label, text in stands.rows()
    ]


def grid(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> list[str]:
    """A table, line by line; numbers stay as they are written."""
    cells = [[cell(value) if isinstance(value, str) else value for value in row] for row in rows]
    return table(cells, heads, tablefmt="github", disable_numparse=True)
