"""What a load did, told from its history: what was due, what was sent, and how near to its time."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from blackstart.base.percentiles import percentiles_sql
from blackstart.evidence.history import History

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


def rows_of(history: History, name: str) -> History:
    """The requests that the load of this name sent: a history may be shared."""
    return history.in_full.where("split_part(worker, '/', 1) = ?", name)


def summarise(name: str, kind: str, history: History, driven: Driven) -> Summary:
    """The summary of a load from its rows and from what only its driver knows."""
    firsts = "true" if kind in ("burst", "sequence") else "attempt = 1"
    rows, first, sent, ok, fail, info, late, errors, *flight = rows_of(history, name).one(
        "select count(*), count(*) filter (is_first), count(start_s) filter (is_first), "
        "count(*) filter (sent and outcome = 'ok'), count(*) filter (sent and outcome = 'fail'), "
        "count(*) filter (sent and outcome = 'info'), count(*) filter (is_first and start_error_ms > ?), "
        f"{percentiles_sql('start_error_ms', (50, 99, 100))} filter (is_first and sent), "
        f"count(start_s), max(start_s), min(end_s) from (select *, {firsts} as is_first from requests)",
        _LATE_MS,
    )
    timed = kind in ("open_loop", "commands") and sent > 0
    p50_ms, p99_ms, max_ms = (round(figure, 3) for figure in errors) if timed else (None, None, None)
    overlap = _overlap(rows, flight, driven.release_spread_ms) if kind == "burst" else None
    reasons = (*driven.reasons, *_shortfalls(first, sent, history, driven, overlap))
    reasons += _lateness(late, sent) if timed else ()
    return Summary(
        name=name,
        kind=kind,
        complete=not reasons,
        reasons=reasons,
        planned=driven.planned,
        intended=driven.intended,
        sent=sent,
        unsent=first - sent,
        ok=ok,
        fail=fail,
        info=info,
        retries=rows - first,
        unreadable=history.unreadable,
        stopped=driven.stopped,
        lasted_s=round(driven.lasted_s, 6),
        intended_rate_per_s=_rate(driven.intended, driven.lasted_s),
        reached_rate_per_s=_rate(sent, driven.lasted_s),
        start_error_p50_ms=p50_ms,
        start_error_p99_ms=p99_ms,
        start_error_max_ms=max_ms,
        overlap=overlap,
        thresholds=driven.thresholds,
        dropped_iterations=driven.dropped_iterations,
        exit_code=driven.exit_code,
    )


def _overlap(rows: int, flight: Sequence[Any], spread_ms: float | None) -> Overlap:
    sent, latest_start_s, earliest_end_s = flight
    if not sent:
        return Overlap(rows, False)
    proven = sent == rows >= 2 and latest_start_s < earliest_end_s
    return Overlap(rows, proven, latest_start_s, earliest_end_s, spread_ms)


def _shortfalls(first: int, sent: int, history: History, driven: Driven, overlap: Overlap | None) -> list[str]:
    found = []
    if not first:
        found.append("nothing was sent")
    if sent < first:
        found.append(f"{first - sent} of {driven.intended} requests were never sent")
    if first < driven.intended and driven.dropped_iterations is None:
        found.append(f"{driven.intended - first} of {driven.intended} requests left no row")
    if history.unreadable:
        found.append(f"{history.unreadable} lines of the history can't be read")
    if overlap is not None and not overlap.proven and overlap.n != 1:
        found.append("the requests of the burst did not all overlap")
    if driven.cut and not driven.reasons:  # else it is said already why it was ended
        found.append(f"{driven.cut} requests were cut off before their time limit: their answers are not known")
    if driven.dropped_iterations:
        found.append(f"k6 dropped {driven.dropped_iterations} iterations: the rate was not reached")
    return found


def _lateness(late: int, sent: int) -> tuple[str, ...]:
    if late <= _LATE_SHARE * sent:
        return ()
    of = f"{late} of {sent} requests were sent more than {_LATE_MS / 1000:g} s after their time"
    return (f"{of}: the rate was not reached (did the load's process stand still?)",)


def _rate(count: int, lasted_s: float) -> float:
    return round(count / lasted_s, 3) if lasted_s > 0 else 0.0
