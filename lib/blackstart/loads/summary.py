"""What a load did, told from its history: what was due, what was sent, and how near to its time."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from blackstart.base.percentiles import percentile
from blackstart.evidence.history import History, Row

# A request this late is none of its moment any more. More than this share of them, and another load was played.
_LATE_MS = 1000.0
_LATE_SHARE = 0.01


@dataclass(frozen=True)
class Overlap:
    """Whether n requests were all in flight at one moment: `latest_start_s` is before `earliest_end_s`.

    `release_spread_ms` is the time from the first last byte let go to the last.
    """

    n: int
    proven: bool
    latest_start_s: float | None = None
    earliest_end_s: float | None = None
    release_spread_ms: float | None = None


@dataclass(frozen=True)
class Threshold:
    """One threshold of a user's k6 script, and whether it held; `seen` is whether there was a sample to tell from."""

    name: str
    held: bool
    seen: bool = True


@dataclass(frozen=True)
class Driven:
    """What only the driver knows; everything else is read from the history.

    `intended` is how many requests were due until the end, `planned` how many the whole load means (None: until
    stopped), `lasted_s` how long it ran. `cut` counts requests that were given up because the load had to end.
    """

    intended: int = 0
    planned: int | None = None
    lasted_s: float = 0.0
    cut: int = 0
    stopped: bool = False
    reasons: tuple[str, ...] = ()
    release_spread_ms: float | None = None
    thresholds: tuple[Threshold, ...] = ()
    dropped_iterations: int | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class Summary:
    """A finished load. It is `complete` where all that was due was sent and recorded; `reasons` say what was not.

    `ok`, `fail` and `info` count sent requests, retries included; `unsent` ones were never sent. Start errors are of
    first attempts, in ms after the intended time; None where a load has none (burst, k6).
    """

    name: str
    kind: str
    complete: bool
    reasons: tuple[str, ...] = ()
    planned: int | None = None
    intended: int = 0
    sent: int = 0
    unsent: int = 0
    ok: int = 0
    fail: int = 0
    info: int = 0
    retries: int = 0
    unreadable: int = 0
    stopped: bool = False
    lasted_s: float = 0.0
    intended_rate_per_s: float = 0.0
    reached_rate_per_s: float = 0.0
    start_error_p50_ms: float | None = None
    start_error_p99_ms: float | None = None
    start_error_max_ms: float | None = None
    overlap: Overlap | None = None
    thresholds: tuple[Threshold, ...] = ()
    dropped_iterations: int | None = None
    exit_code: int | None = None

    def to_data(self) -> dict[str, Any]:
        """As JSON-able data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """The summary behind `to_data`."""
        fields = {key: value for key, value in data.items() if key in {field.name for field in dataclasses.fields(cls)}}
        fields["reasons"] = tuple(fields.get("reasons", ()))
        fields["thresholds"] = tuple(Threshold(**item) for item in fields.get("thresholds", ()))
        if fields.get("overlap"):
            fields["overlap"] = Overlap(**fields["overlap"])
        return cls(**fields)


def rows_of(history: History, name: str) -> list[Row]:
    """The rows that the load of this name wrote: a history may be shared."""
    return [row for row in history.rows if row.worker.partition("/")[0] == name]


def summarise(name: str, kind: str, history: History, driven: Driven) -> Summary:
    """The summary of a load from its rows and from what only its driver knows."""
    rows = rows_of(history, name)
    firsts = rows if kind == "burst" else [row for row in rows if row.attempt == 1]
    sent = [row for row in firsts if row.sent]
    outcomes = Counter(row.outcome for row in rows if row.sent)
    errors = [row.start_error_ms for row in sent] if kind in ("open_loop", "commands") else []
    overlap = overlap_of(rows, driven.release_spread_ms) if kind == "burst" else None
    reasons = (*driven.reasons, *_shortfalls(firsts, history, driven, overlap), *_lateness(errors))
    return Summary(
        name=name,
        kind=kind,
        complete=not reasons,
        reasons=reasons,
        planned=driven.planned,
        intended=driven.intended,
        sent=len(sent),
        unsent=len(firsts) - len(sent),
        ok=outcomes["ok"],
        fail=outcomes["fail"],
        info=outcomes["info"],
        retries=len(rows) - len(firsts),
        unreadable=len(history.unreadable),
        stopped=driven.stopped,
        lasted_s=round(driven.lasted_s, 6),
        intended_rate_per_s=_rate(driven.intended, driven.lasted_s),
        reached_rate_per_s=_rate(len(sent), driven.lasted_s),
        start_error_p50_ms=round(percentile(errors, 50), 3) if errors else None,
        start_error_p99_ms=round(percentile(errors, 99), 3) if errors else None,
        start_error_max_ms=round(max(errors), 3) if errors else None,
        overlap=overlap,
        thresholds=driven.thresholds,
        dropped_iterations=driven.dropped_iterations,
        exit_code=driven.exit_code,
    )


def overlap_of(rows: Sequence[Row], release_spread_ms: float | None = None) -> Overlap:
    """Whether all these requests were sent and in flight at one moment."""
    starts = [row.start_s for row in rows if row.start_s is not None]
    ends = [row.end_s for row in rows if row.end_s is not None]
    if not starts or not ends:
        return Overlap(len(rows), False)
    proven = len(starts) == len(rows) >= 2 and max(starts) < min(ends)
    return Overlap(len(rows), proven, max(starts), min(ends), release_spread_ms)


def _shortfalls(firsts: Sequence[Row], history: History, driven: Driven, overlap: Overlap | None) -> list[str]:
    unsent = sum(not row.sent for row in firsts)
    found = []
    if not firsts:
        found.append("nothing was sent")
    if unsent:
        found.append(f"{unsent} of {driven.intended} requests were never sent")
    if len(firsts) < driven.intended and driven.dropped_iterations is None:
        found.append(f"{driven.intended - len(firsts)} of {driven.intended} requests left no row")
    if history.unreadable:
        found.append(f"{len(history.unreadable)} lines of the history can't be read")
    if overlap is not None and not overlap.proven and overlap.n != 1:
        found.append("the requests of the burst did not all overlap")
    if driven.cut and not driven.reasons:  # else it is said already why it was ended
        found.append(f"{driven.cut} requests were cut off before their time limit: their answers are not known")
    if driven.dropped_iterations:
        found.append(f"k6 dropped {driven.dropped_iterations} iterations: the rate was not reached")
    return found


def _lateness(errors_ms: Sequence[float]) -> list[str]:
    late = sum(error_ms > _LATE_MS for error_ms in errors_ms)
    if late <= _LATE_SHARE * len(errors_ms):
        return []
    of = f"{late} of {len(errors_ms)} requests were sent more than {_LATE_MS / 1000:g} s after their time"
    return [f"{of}: the rate was not reached (did the load's process stand still?)"]


def _rate(count: int, lasted_s: float) -> float:
    return round(count / lasted_s, 3) if lasted_s > 0 else 0.0
