"""The drills' calendar: a TOML file that says which drill is due when. Every mistake in it is named.

```toml
begins = 2026-11-02              # the Monday of week 1; without it, weeks are those of the calendar (ISO)

[[drill]]
experiment = "leader-lock"
week = [4, 12]                   # or cron = "0 9 * * MON", in UTC
target = "lab"
variant = "bounce"
without = "orders"               # what --without leaves out, if the target can't say it
```
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from cronsim import CronSim, CronSimError

from blackstart.base.errors import Refused, did_you_mean
from blackstart.base.printable import kind_of

_LARGEST_BYTES = 1 << 20
_KEYS: dict[str, Any] = {
    "experiment": str, "scenario": str, "variant": str, "target": str, "without": str, "cron": str, "week": (int, list),
}  # fmt: skip
_LAST_WEEK = 5300


class BadSchedule(Refused):
    """A calendar can't be read, or says what is not valid."""


@dataclass(frozen=True)
class Drill:
    """One entry: a drill, and when it is due. `weeks` count from `begins`, or are those of each year."""

    experiment: str
    scenario: str = ""
    variant: str = ""
    target: str = ""
    without: str = ""
    cron: str = ""
    weeks: tuple[int, ...] = ()
    begins: date | None = None

    @property
    def title(self) -> str:
        """As in `leader-lock --bounce`."""
        return " ".join(filter(None, (self.experiment, self.scenario, f"--{self.variant}" if self.variant else "")))

    def last_due(self, now: datetime) -> datetime | None:
        """The newest instant at which it became due; None where that is all to come."""
        if self.cron:
            return next(CronSim(self.cron, now + timedelta(minutes=1), reverse=True), None)
        return max((monday for monday in self._mondays(now) if monday <= now), default=None)

    def next_due(self, now: datetime) -> datetime | None:
        """The first instant after that; None where there is none."""
        if self.cron:
            return next(CronSim(self.cron, now), None)
        return min((monday for monday in self._mondays(now) if monday > now), default=None)

    def _mondays(self, now: datetime) -> Iterator[datetime]:
        for week in self.weeks:
            if self.begins:
                yield _midnight(self.begins + timedelta(weeks=week - 1))
                continue
            for year in (now.year - 1, now.year, now.year + 1):
                if week <= date(year, 12, 28).isocalendar().week:  # not every year has a week 53
                    yield _midnight(date.fromisocalendar(year, week, 1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def load(path: Path) -> list[Drill]:
    """The drills of a calendar, in its order. Raises BadSchedule that names the file, the drill and the key."""
    try:
        with path.open("rb") as source:
            text = source.read(_LARGEST_BYTES + 1)
        if len(text) > _LARGEST_BYTES:
            raise BadSchedule(f"{path} is larger than {_LARGEST_BYTES} bytes: no calendar of drills")
        data = tomllib.loads(text.decode("utf-8-sig"))
    except OSError as error:
        raise BadSchedule(f"{path}: {error.strerror}. Write a calendar there, or name one with --schedule.") from error
    except (ValueError, RecursionError) as error:
        raise BadSchedule(f"{path} is not TOML: {error}") from error
    unknown = set(data) - {"begins", "drill"}
    if unknown:
        raise BadSchedule(f'{path}: unknown key "{min(unknown)}".{did_you_mean(min(unknown), ("begins", "drill"))}')
    begins, drills = data.get("begins"), data.get("drill")
    if begins is not None and (type(begins) is not date or begins.weekday()):
        raise BadSchedule(f"{path}: begins must be a Monday, as in begins = 2026-11-02")
    if not isinstance(drills, list) or not drills:
        raise BadSchedule(f"{path} has no drills: each is a table [[drill]] with experiment, and week or cron")
    return [_drill(f"{path}, drill {number}", one, begins) for number, one in enumerate(drills, start=1)]


def _drill(where: str, table: Any, begins: date | None) -> Drill:
    if not isinstance(table, dict):
        raise BadSchedule(f"{where}: must be a table, not {kind_of(table)}")
    for key, value in table.items():
        if key not in _KEYS:
            raise BadSchedule(f'{where}: unknown key "{key}".{did_you_mean(key, _KEYS)}')
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool) or value == "":
            raise BadSchedule(f'{where}: "{key}" is not valid: {kind_of(value)}')
    if "experiment" not in table:
        raise BadSchedule(f'{where}: which experiment? As in experiment = "leader-lock"')
    if ("week" in table) == ("cron" in table):
        raise BadSchedule(f'{where}: needs either week = 4 (or several, [4, 12]) or cron = "0 9 * * MON"')
    words = {
        key: table[key] for key in ("experiment", "scenario", "variant", "target", "without", "cron") if key in table
    }
    try:
        if "cron" in table:
            CronSim(table["cron"], datetime.now(UTC))
    except CronSimError as error:
        raise BadSchedule(f'{where}: cron = "{table["cron"]}" is not valid: {error}') from error
    return Drill(**words, weeks=_weeks(where, table, begins), begins=begins)


def _weeks(where: str, table: Mapping[str, Any], begins: date | None) -> tuple[int, ...]:
    given = table.get("week", [])
    weeks = given if isinstance(given, list) else [given]
    most = _LAST_WEEK if begins else 53
    if any(type(week) is not int or not 1 <= week <= most for week in weeks) or ("week" in table and not weeks):
        raise BadSchedule(f"{where}: week must be whole numbers from 1 to {most}")
    return tuple(weeks)
