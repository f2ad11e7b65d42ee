"""What one k6 says from its first line to its last: rows, exceptions, and what it counted itself. Pure."""

import json
from collections.abc import Callable
from typing import Any

from blackstart.evidence.history import Row
from blackstart.loads.driving.k6_rows import K6Rows
from blackstart.loads.driving.k6_thresholds import Union
from blackstart.loads.driving.k6_thrown import Thrown
from blackstart.loads.k6 import K6

_SUMMARY = "blackstart {"


class Said:
    """The log of the k6 of that number. `summary` is what `in_pods/main.js` prints last, None until then.

    What is measured goes to the `union` of all.
    """

    def __init__(self, load: K6, since_boot_s: Callable[[float], float], number: int, union: Union) -> None:
        self.rows, self.thrown, self.union = K6Rows(load, since_boot_s, number), Thrown(), union
        self.summary: dict[str, Any] | None = None
        self.count = 0

    def feed(self, line: str) -> tuple[bool, Row | None]:
        """Whether the line was of k6's own, and the row that it completed, if any."""
        if line.startswith(_SUMMARY):
            self.summary = json.loads(line.removeprefix(_SUMMARY[:-1]))
            return True, None
        known, row = self.rows.feed(line)
        if known:
            self.union.feed(line)
        else:
            self.thrown.look(line)
        self.count += row is not None
        return known, row

    def reasons(self, name: str) -> tuple[str, ...]:
        """Why what is known of it, in the pod of that name, is not the whole."""
        found = [f"{name}: {reason}" for reason in self.thrown.reasons()]
        if self.rows.unreadable:
            found.append(f"{name}: {self.rows.unreadable} lines of k6 can't be read")
        if self.summary is None:
            found.append(f"{name} did not say what it had sent in all")
        elif self.summary["requests"] != self.count:
            found.append(f"{name} sent {self.summary['requests']} requests, and told of {self.count} in its log")
        return tuple(found)
