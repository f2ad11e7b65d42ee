"""What an HTTP status says about a request's fate, by patterns such as `2xx`, `409`."""

import re
from collections.abc import Sequence

from blackstart.evidence.history import Outcome

_PATTERN = re.compile(r"[1-5](\d\d|xx)")


class Statuses:
    """Patterns for each outcome; a full number beats `4xx`, and a status that no pattern names is `info` (unknown).

    Raises ValueError for a pattern that is none, or one that stands for two outcomes.
    """

    def __init__(self, ok: Sequence[str | int], fail: Sequence[str | int], info: Sequence[str | int]) -> None:
        self._exact: dict[int, Outcome] = {}
        self._hundreds: dict[int, Outcome] = {}
        named: tuple[tuple[Outcome, Sequence[str | int]], ...] = (("ok", ok), ("fail", fail), ("info", info))
        for outcome, patterns in named:
            for pattern in map(str, patterns):
                self._learn(pattern, outcome)
        if "ok" not in {*self._exact.values(), *self._hundreds.values()}:
            raise ValueError("no status means ok: name at least one in ok_statuses")

    def outcome(self, status: int) -> Outcome:
        """The fate that this status means."""
        exact = self._exact.get(status)
        return exact or self._hundreds.get(status // 100, "info")

    def _learn(self, pattern: str, outcome: Outcome) -> None:
        if not _PATTERN.fullmatch(pattern):
            raise ValueError(f"{pattern!r} is no status: write 201, or 2xx for all of them")
        wide = pattern.endswith("xx")
        table, number = (self._hundreds, int(pattern[0])) if wide else (self._exact, int(pattern))
        if table.setdefault(number, outcome) != outcome:
            raise ValueError(f"status {pattern} can't mean both {table[number]} and {outcome}")
