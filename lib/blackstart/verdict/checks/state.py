"""What a check reads: the rows it is about, and keys and numbers of the final state."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from blackstart.evidence.events import EventName
from blackstart.evidence.history import GIVEN_UP, History
from blackstart.evidence.history_file import FATES
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import MOST_OFFENDERS

_BATCH, _SHOWN = 10_000, 60


class Missing(Exception):
    """The final state does not hold what the check needs; the message says what."""


def selected(evidence: Recorded, op: str = "", phase: str = "", lossy: bool = False) -> History:
    """The requests of an operation that were due in a phase. Of a fault that is `lossy`, which loses clients' requests
    or answers, without those that were under way in its time and had no answer: nobody could tell what it was.

    What was unreadable stays: it may belong to any operation and any phase. Raises Missing for an unknown phase.
    """
    rows = evidence.history.of(op)
    if lossy:
        kept = "status is not null or start_s is null or end_s < ? or start_s >= ?"
        rows = rows.where(kept, *evidence.ours)
    if not phase:
        return rows
    if phase not in evidence.phases:
        raise Missing(f'the run did not get to the end of the phase "{phase}"')
    return rows.due(*evidence.phases[phase])


def answered(evidence: Recorded) -> str:
    """The condition of a request that was answered. A command tells no status: it was, unless it was given up."""
    statuses, acknowledged = evidence.history.one(
        "select count(status), count(*) filter (outcome = 'ok') from requests"
    )
    if acknowledged and not statuses:
        return f"(sent and not starts_with(detail, '{GIVEN_UP}'))"
    return "(outcome = 'ok' or status is not null)"


def present(evidence: Recorded, source: str) -> str:
    """The table (beside the requests) of how often (`n`) each `key` stands in the final state, `first` being its place.

    The final state has a list, a JSON list, or text with one key on each line. Raises Missing where it was not read.
    """
    value = evidence.finals.get(source)
    if value is None:
        raise Missing(_unread(evidence, source))
    if source not in evidence.listed:
        evidence.listed[source] = evidence.history.file.counted(_listed(value, source))
    return evidence.listed[source]


def number_in(evidence: Recorded, source: str) -> float:
    """A number of the final state. Raises Missing where it was not read or is none."""
    value = evidence.finals.get(source)
    if value is None:
        raise Missing(_unread(evidence, source))
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Missing(f'the final state\'s "{source}" is {value!r}, not a number')
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Missing(f'the final state\'s "{source}" is {value!r}, not a number')
    return number


def _unread(evidence: Recorded, source: str) -> str:
    there = ", ".join(sorted(evidence.finals)) or "nothing"
    return f'the final state has no "{source}" (it has {there}): it {evidence.unread(source)}'


def unsettled(evidence: Recorded, depth: str = "") -> str:
    """Why what was accepted may still be on its way at the end: the run was interrupted, and waited for nothing; or the
    queue of which `depth` is the probe was not seen empty since. "" for nothing."""
    if evidence.record.first(EventName.INTERRUPTED) is not None:
        return "the run was interrupted: it did not wait for what was on its way"
    last = next(reversed(evidence.readings(depth)), None) if depth else None
    if last is None:
        return f"{depth} was never read" if depth else ""
    if last.kind != "value" or last.value != 0:
        return str(last)
    (accepted_s,) = evidence.history.one("select max(end_s) from requests where outcome = 'ok'")
    return f"{last}, and not read since the last answer" if accepted_s is not None and last.sent_s < accepted_s else ""


def _listed(value: Any, source: str) -> Iterator[str]:
    """The keys, one on each line, some thousands at a time."""
    text = value.strip() if isinstance(value, str) else ""
    if text.startswith("["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Missing(f'the final state\'s "{source}" begins as a JSON list and is none: {error}') from error
    elif isinstance(value, str):
        value = [line.strip() for line in text.splitlines() if line.strip()]
    if not isinstance(value, list | tuple):
        raise Missing(f'the final state\'s "{source}" is {type(value).__name__}, not a list of keys')
    other = next((key for key in value if isinstance(key, dict | list | tuple)), None)
    if other is not None:
        raise Missing(f'the final state\'s "{source}" lists what is no key: {str(other)[:_SHOWN]}')
    for at in range(0, len(value), _BATCH):
        words = [str(key) for key in value[at : at + _BATCH] if key is not None]  # a null is no key: nobody doubled it
        if not "".join(words).isprintable():  # the history has no line's end within a key either, nor half a character
            words = [" ".join(word.encode(errors="backslashreplace").decode().splitlines()) for word in words]
        if words:
            yield "\n".join(words)


@dataclass(frozen=True)
class Tally:
    """Of the keys of one fate: how many there are, how many of them are in the final state, and how many twice or
    more."""

    count: int = 0
    there: int = 0
    twice: int = 0

    @property
    def gone(self) -> int:
        """How many are not there."""
        return self.count - self.there


def tallied(evidence: Recorded, rows: History, source: str) -> dict[str, Tally]:
    """What became of the keys of each fate, `ok`, `info` and `fail`: the requests against `source` of the final state.

    One look at millions of keys serves all checks of the same requests and source. Raises Missing as `present` does.
    """
    there, asked = present(evidence, source), (rows.condition, rows.params, source)
    if asked not in evidence.tallies:
        fates = "select key, min(outcome) as fate from requests"
        counts = rows.ask(f"select fate, count(*) from ({fates} where key <> '' group by key) group by fate")
        # Those that are there were acknowledged, but for a few: only these are looked for among all requests.
        ours, lost = rows.accepted, _lost(rows, there)
        others = rows.kept(f"select key, n from {there} anti join {ours} using (key)")
        theirs = f"{fates} semi join {others} using (key) where key <> '' group by key"
        found = rows.ask(
            f"select 'ok', (select count(*) from {ours}) - (select count(*) from {lost}), "
            f"(select count(*) from {ours} semi join (from {there} where n > 1) using (key)) union all "
            f"select fate, count(*), count(*) filter (n > 1) from ({theirs}) join {others} using (key) group by fate"
        )
        seen = {fate: figures for fate, *figures in found}
        evidence.tallies[asked] = {fate: Tally(count, *seen.get(fate, ())) for fate, count in counts}
    return {fate: evidence.tallies[asked].get(fate, Tally()) for fate in FATES}


def gone(evidence: Recorded, rows: History, source: str) -> list[str]:
    """The first few keys that were acknowledged and are not in `source` of the final state, by when they were. Raises
    Missing as `present` does."""
    return _first(rows, f"from {_lost(rows, present(evidence, source))}")


def ghosts(evidence: Recorded, rows: History, source: str) -> list[str]:
    """The first few that are there although each of their requests was rejected. Raises Missing as `present` does."""
    asked = f"from requests semi join {present(evidence, source)} using (key) where key <> ''"
    return _first(rows, f"from (select key, min(n) as first {asked} group by key having min(outcome) = 'fail')")


def twice(evidence: Recorded, rows: History, source: str) -> list[str]:
    """The first few that were asked for and are there more than once. Raises Missing as `present` does."""
    asked = f"from requests semi join (from {present(evidence, source)} where n > 1) using (key) where key <> ''"
    return _first(rows, f"from (select key, min(n) as first {asked} group by key)")


def _lost(rows: History, there: str) -> str:
    """The table of the keys that were acknowledged and are not `there`."""
    return rows.kept(f"select key, first from {rows.accepted} anti join {there} using (key)")


def _first(rows: History, of: str) -> list[str]:
    return [key for (key,) in rows.ask(f"select key {of} order by first limit {MOST_OFFENDERS}")]


def keys(rows: History, of: str, *params: Any, order: str = "first") -> tuple[list[str], int]:
    """The first few keys of a query of keys, in this order, and how many more there are."""
    found = rows.ask(f"select key, count(*) over () from ({of}) order by {order} limit {MOST_OFFENDERS}", *params)
    return [key for key, _ in found], (found[0][1] - len(found) if found else 0)


def owned(there: str) -> str:
    """A query of `id`, `owner` and how often (`n`), of a table of `present` whose lines are `id key`."""
    return f"(select split_part(key, ' ', 1) as id, substr(key, strpos(key, ' ') + 1) as owner, n from {there})"


@dataclass(frozen=True)
class OtherResults:
    """Keys whose acknowledged answers name a result that is not recorded under them: the first few, how many more, and
    why they accuse nobody where nothing that was answered is recorded so; "" where something is."""

    keys: Sequence[str] = ()
    more: int = 0
    doubt: str = ""


def other_results(evidence: Recorded, rows: History, ids: str) -> OtherResults:
    """Answers' details against `ids` of the final state, which lists `id key`; nothing where it is "". A key that is
    not there at all is for others to tell. Raises Missing as `present` does."""
    if not ids:
        return OtherResults()
    listed = owned(present(evidence, ids))
    # A join of its own for each key: `listed` may have several for one.
    answered = (
        "select key, min(n) as first, bool_or(detail = any(ids)) as recorded, bool_and(detail = any(ids)) as all_so "
        f"from requests join (select owner, list(id) as ids from {listed} group by owner) on owner = key "
        "where outcome = 'ok' and detail <> '' group by key"
    )
    found, more = keys(rows, f"select key, first from ({answered}) where not all_so")
    if not found:
        return OtherResults()
    (some,) = rows.one(f"select coalesce(bool_or(recorded), false) from ({answered})")
    what = "no acknowledged answer names the id that is recorded under its key"
    doubt = "" if some else f"{what}: does result_from read what the query of {ids} gives as id?"
    return OtherResults(found, more, doubt)


def unnamed_results(count: int) -> str:
    """Why so many acknowledged answers, whose detail is empty, prove nothing of what they name."""
    return f"{count} acknowledged answers name no result: does result_from say where it stands?"


def unrecorded(evidence: Recorded) -> str:
    """Why a request may have been sent that left no row; "" where none may."""
    load = evidence.load
    if not load:
        return "the load was not seen to its end: what was in flight then left no row, and may explain what was seen"
    missing = load.get("intended", 0) - load.get("sent", 0) - load.get("unsent", 0)
    if missing > 0 and load.get("dropped_iterations") is None:
        return f"{missing} requests of the load left no row, and may explain what was seen"
    if load.get("dropped_iterations") is not None and (load.get("stopped") or not load.get("complete", True)):
        return "k6 did not come to its end: it forgets what is under way then, which may explain what was seen"
    return ""


def vacuity(history: History, *, ok_needed: bool = True, keys_needed: bool = True) -> str:
    """Why these rows prove nothing; "" where they may."""
    if history.unreadable:
        rest = history.unreadable - history.torn
        kinds = [f"{history.torn} torn at the end" if history.torn else "", f"{rest} in the middle" if rest else ""]
        return f"{history.unreadable} lines of the history can't be read ({', '.join(filter(None, kinds))})"
    count, sent, ok, keyed, nameless = history.one(
        "select count(*), count(start_s), count(*) filter (outcome = 'ok'), count(*) filter (key <> ''), "
        "count(*) filter (outcome = 'ok' and key = '') from requests"
    )
    if not count:
        return "no request was recorded"
    if not sent:
        return "no request was sent"
    if ok_needed and not ok:
        return f"none of {count} requests was acknowledged"
    if keys_needed and not keyed:
        return "no request carried a key"
    if keys_needed and nameless:
        return f"{nameless} of {ok} acknowledged requests carried no key"
    return ""
