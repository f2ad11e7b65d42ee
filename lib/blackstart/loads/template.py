"""Bodies, addresses and headers with holes: `{key}`, `{n}`, `{choice:BUY|SELL}`, `{int:1-100}`; other braces stay.

What fills the holes of request n depends on the seed and n alone, so that a retry sends exactly what its first attempt
sent, and two runs with one seed send the same.
"""

import random
import re
from collections.abc import Callable

_HOLE = re.compile(r"\{(key|n|choice:[^{}]*|int:-?\d+-\d+)\}")
_Fill = Callable[[str, int, "random.Random | None"], str]


class Template:
    """A text whose holes are filled for one request at a time. Raises ValueError for `{choice:}` and `{int:9-1}`."""

    def __init__(self, text: str) -> None:
        self.text = text
        pieces = _HOLE.split(text)  # literal, hole, literal, hole, ..., literal
        self._parts: list[str | _Fill] = [
            _filler(piece) if at % 2 else piece for at, piece in enumerate(pieces) if at % 2 or piece
        ]
        self.fixed = len(pieces) == 1
        self.random = any(hole.startswith(("choice:", "int:")) for hole in pieces[1::2])

    def fill(self, key: str, n: int, dice: random.Random | None = None) -> str:
        """The text for request `n` with this key; `dice` is needed where `random` is true."""
        return "".join([part if isinstance(part, str) else part(key, n, dice) for part in self._parts])


def with_values(text: str, word: str, number: str, ranges: bool) -> str:
    """The text with this word for `{key}` and this number for `{n}`, and with `ranges` for `{int:}` whatever its range
    is; choices stay holes."""

    def value(match: re.Match[str]) -> str:
        hole = match[1]
        if hole == "key":
            return word
        return number if hole == "n" or (ranges and hole.startswith("int:")) else match[0]

    return _HOLE.sub(value, text)


def _filler(hole: str) -> _Fill:
    if hole == "key":
        return lambda key, n, dice: key
    if hole == "n":
        return lambda key, n, dice: str(n)
    kind, _, rest = hole.partition(":")
    if kind == "choice":
        choices = rest.split("|")
        if not all(choices):
            raise ValueError(f"{{{hole}}} has an empty choice: write {{choice:BUY|SELL}}")
        return lambda key, n, dice: _dice(dice).choice(choices)
    low, high = _bounds(hole, rest)
    return lambda key, n, dice: str(_dice(dice).randint(low, high))


def _bounds(hole: str, rest: str) -> tuple[int, int]:
    low, high = (int(number) for number in rest.rsplit("-", 1))
    if low > high:
        raise ValueError(f"{{{hole}}} is empty: the first number must not be above the second")
    return low, high


def _dice(dice: random.Random | None) -> random.Random:
    if dice is None:
        raise ValueError("a template with a random hole needs dice")
    return dice
