"""k6's CSV lines as rows of a history. Pure.

k6 writes several lines for each request: the count, and its times in ms, all stamped with the wall clock at its end.
"""

import csv
from collections.abc import Callable, Mapping

from blackstart.evidence.history import LONGEST_DETAIL, Outcome, Row
from blackstart.loads.k6 import K6

_NEEDED = {"http_reqs", "http_req_duration", "http_req_blocked"}
# k6's error codes: 1100 to 1199 are DNS, 1210 to 1219 failed dials; nothing was sent then. The others leave it open.
_NEVER_CONNECTED = (range(1100, 1200), range(1210, 1220))


class K6Rows:
    """Gathers the lines of each request. `since_boot_s` turns a wall clock time (s) into `clock.now_s()` seconds,
    `worker` is the number of the k6 whose lines they are."""

    def __init__(self, load: K6, since_boot_s: Callable[[float], float], worker: int = 0) -> None:
        self._load, self._worker = load, f"{load.name}/{worker}"
        self._statuses = load.statuses()
        self._since_boot_s = since_boot_s
        self._columns: list[str] = []
        self._values: dict[str, float] = {}
        self._fields: dict[str, str] = {}
        self.dropped_iterations = 0
        self.unreadable = 0

    def feed(self, line: str) -> tuple[bool, Row | None]:
        """Whether the line was one of k6's metrics, and the row that it completed, if any."""
        if not self._columns:
            self._columns = line.split(",") if line.startswith("metric_name,") else []
            return bool(self._columns), None
        metric = line.partition(",")[0]
        if metric == "dropped_iterations" or metric in _NEEDED:
            return True, self._gather(metric, line)
        return line.count(",") >= len(self._columns) - 1, None

    def _gather(self, metric: str, line: str) -> Row | None:
        try:
            fields = dict(zip(self._columns, next(csv.reader([line], strict=True)), strict=True))
            value = float(fields["metric_value"])
            if metric == "dropped_iterations":
                self.dropped_iterations += int(value)
                return None
            if metric == "http_reqs":
                self._values, self._fields = {}, fields
            self._values[metric] = value
            return self._row() if self._values.keys() >= _NEEDED else None
        except (ValueError, KeyError, csv.Error):
            self.unreadable += 1
            return None

    def _row(self) -> Row:
        fields, values = self._fields, self._values
        self._values = {}
        end_s = self._since_boot_s(int(fields["timestamp"]) / 1e6)
        start_s = max(0.0, end_s - (values["http_req_duration"] + values["http_req_blocked"]) / 1000)
        tags = {**_pairs(fields.get("extra_tags", "")), **_pairs(fields.get("metadata", ""))}
        status = int(fields["status"] or 0) or None
        instance, key = tags.get(self._load.instance_tag, ""), self._key(tags, fields.get("method", ""))
        detail = fields.get("error", "")[:LONGEST_DETAIL]
        outcome = self._outcome(status, int(fields.get("error_code") or 0))
        return Row(fields["name"], key, 1, start_s, start_s, end_s, outcome, status, instance, detail, self._worker)

    def _key(self, tags: Mapping[str, str], method: str) -> str:
        key = tags.get(self._load.key_tag, "")
        return key if key.startswith(self._load.key_prefix) and self._load.key_method in ("", method) else ""

    def _outcome(self, status: int | None, error_code: int) -> Outcome:
        if status is not None:
            return self._statuses.outcome(status)
        return "fail" if any(error_code in codes for codes in _NEVER_CONNECTED) else "info"


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split("&") if "=" in pair)
