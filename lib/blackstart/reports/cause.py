"""The one cause that a run's headline names: what most of its broken expectations share in the record. Pure.

Only what was read is named. Expectations follow from an outage where the readings that broke them are of the outage
itself: the same place, failing, without an answer in between. Where none explains most of them, two at least, the first
to be violated is the headline, and nothing is said to follow from it. That a service died
which the run did not touch is the headline only where it was dead before anything else was violated; else it stands in
a line of its own. Where something is not restored that comes before all: why, as its service's own log says it.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from blackstart.base.printable import shortened
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import readings_of
from blackstart.model.finding import Finding
from blackstart.model.reading import Reading
from blackstart.model.verdict import Verdict
from blackstart.reports.restoration import unmended
from blackstart.reports.story import RunView
from blackstart.reports.words import MENDED
from blackstart.verdict import bystanders, judge
from blackstart.verdict.expectation_monitor import IN_A_ROW, Monitor

_FAILED = ("unreachable", "timed_out", "malformed")
_ORIGIN = re.compile(r"https?://[^/\s]+", re.ASCII)
_COMPLAINT = re.compile(
    r"\b(?:fatal|panic|error|failed|bad|corrupt(?:ed)?|invalid|refused|denied|unable to|can(?:no|')t|could(?:n't| not)|"
    r"no such|not permitted|in use|no space|out of memory)\b",
    re.IGNORECASE,
)
_UP = re.compile(
    r"\bready (?:to accept|for) (?:\w+ )*connections\b", re.IGNORECASE
)  # as Redis, PostgreSQL, MySQL say it
_LONGEST_LINE = 160
_MOST = 0.5  # of what is broken; and of the time that an expectation had: less does not explain that it never came true


@dataclass(frozen=True)
class Cause:
    """In one line what it is, how many expectations follow from it, and the names of what broke besides."""

    text: str
    follows: int = 0
    besides: tuple[str, ...] = ()


@dataclass
class Outage:
    """Readings in a row of one place of which none was answered. `to_s` is infinite where the record ends with it."""

    place: str
    from_s: float
    last_s: float = 0.0
    to_s: float = math.inf
    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    endpoints: set[str] = field(default_factory=set)

    def take(self, endpoint: str, reading: Reading) -> None:
        """The next failed reading."""
        self.last_s = max(self.last_s, reading.sent_s)
        self.count += 1
        self.kinds[reading.kind] += 1
        self.endpoints.add(endpoint)

    def explains(self, monitor: Monitor, reading: Reading) -> bool:
        """Whether the reading is one of it, and it lasted for most of the time in which something had to come true."""
        if not self.from_s <= reading.sent_s <= self.last_s:
            return False
        if monitor.expectation.when != "eventually" or monitor.left is not None:
            return True
        anchor_s, deadline_s = monitor.anchor_s or monitor.opened_s, monitor.deadline_s() or reading.sent_s
        out_s = min(deadline_s, self.to_s) - max(anchor_s, self.from_s)
        return out_s >= _MOST * (deadline_s - anchor_s) or self.from_s <= anchor_s

    def told(self, view: RunView) -> str:
        """`API unreachable from 05:21:49Z to the end`."""
        kind = self.kinds.most_common(1)[0][0]
        one = kind != "unreachable" and len(self.endpoints) == 1  # an address that is open is not as a whole down
        api = _ORIGIN.match(str(view.target.get("api") or ""))
        place = next(iter(self.endpoints)) if one else "API" if api and api[0] == self.place else self.place
        until = "the end" if self.to_s == math.inf else _utc(view, self.to_s)
        return f"{place} {kind.replace('_', ' ')} from {_utc(view, self.from_s)} to {until}"


def of(view: RunView) -> Cause:
    """The cause of a run, whatever its verdict; one without text where everything held."""
    verdict, reasons = view.judgement.verdict, view.judgement.reasons
    if verdict == Verdict.BROKE:
        return _of_broken(view)
    if verdict == Verdict.NOT_RESTORED:
        broke = _of_broken(view)
        first = broke.text if broke.follows else broke.text.partition(": ")[0]
        first += f" ({expectations(broke.follows)} of it)" if broke.follows else ""
        besides = (first, *broke.besides) if first else ()
        symptom = next(iter(reasons), verdict.says)
        return Cause(MENDED if view.mended_later else _logged(view) or symptom, 0, besides)
    if verdict == Verdict.INCONCLUSIVE:
        return _mended_late(view) if view.mended_later else _of_untold(view)
    return Cause(next(iter(reasons), "").removeprefix("Not started: "))


def expectations(count: int) -> str:
    """`1 expectation`, `6 expectations`."""
    return f"{count} expectation{'' if count == 1 else 's'}"


def _of_broken(view: RunView) -> Cause:
    """The cause of a run in which something broke; one without text where nothing did."""
    broke = [f for f in view.judgement.findings if f.status == Verdict.BROKE and f.phase != "baseline"]
    if not broke:
        return Cause("")
    dead = next((f for f in broke if f.name == bystanders.NAME), None)
    others = [f for f in broke if f is not dead]
    first = min(others, key=lambda f: _violated_s(view, f), default=None)
    led = dead if first is None or _died_before(view, _violated_s(view, first)) else None
    died = f"{led.message}; " if led else ""
    shared = [(one, found) for one, found in _explained(view, broke) if len(found) > max(1, _MOST * len(broke))]
    if shared:
        outage, found = min(shared, key=lambda one: (-len(one[1]), one[0].from_s))
        besides = tuple(f.name for f in others if f not in found)
        return Cause(f"{died}{outage.told(view)}", len(found), besides)
    if led or first is None:
        return Cause(led.message if led else "", 0, tuple(f.name for f in others))
    return Cause(f"{first.name}: {first.message}", 0, tuple(f.name for f in others if f is not first))


def _of_untold(view: RunView) -> Cause:
    """The cause of a run that could not be told: the first reason, and how many criteria were not seen."""
    reasons = view.judgement.reasons
    unseen = [f for f in view.judgement.findings if f.status == Verdict.INCONCLUSIVE and f.criterion]
    first = reasons[0] if reasons else ""
    itself = [f for f in unseen if first == f"{f.name}: {f.message}"]
    if not itself:  # it was ended early, or the fault is not proved: nothing could be told for that
        return Cause(first, len(unseen))
    alike = [f for f in unseen if f.actual == itself[0].actual and _kind(view, f) == "unreadable"]
    return Cause(first, max(0, len(alike) - 1), tuple(f.name for f in unseen if f is not itself[0] and f not in alike))


def _logged(view: RunView) -> str:
    """Of what is not restored, the first whose service says in its own log why, in its words; "" where none does."""
    for what, change in unmended(view):
        if change and (line := _of_log(view, change.service)):
            return f"{what}: no proof that it was undone; the log of {change.service} says: {line}"
    return ""


def _mended_late(view: RunView) -> Cause:
    """Of a run whose guardian has mended what it could not: that kept it from a verdict."""
    late = dict.fromkeys(str(event["what"]) for event in view.record.of(EventName.GONE) if not event["ok"])
    proved = [event["at"] for event in view.guardian.of(EventName.GONE) if event["ok"]] if view.guardian else []
    if not late or not proved:
        return _of_untold(view)
    unseen = sum(f.status == Verdict.INCONCLUSIVE and f.criterion for f in view.judgement.findings)
    when = f"{view.utc_text(max(proved))[:8]}Z"
    return Cause(f"{', '.join(late)}: the run could not undo it; its guardian did, proved at {when}", unseen)


def _of_log(view: RunView, service: str) -> str:
    """The line of the service's own log in which it says why it does not run: the first of the complaints in a row that
    came last. "" where the record has none: a service that is up again complains of nothing that matters."""
    tails = [event["lines"] for event in view.record.of(EventName.LOG_TAIL) if event["service"] == service]
    lines = [str(line) for line in tails[-1]] if tails else []
    complaints = [bool(_COMPLAINT.search(line)) for line in lines]
    if True not in complaints:
        return ""
    first = last = len(lines) - 1 - complaints[::-1].index(True)
    while first and complaints[first - 1] and lines[first - 1] not in lines[first:]:
        first -= 1
    up = any(_UP.search(line) for line in lines[last:])
    return "" if up else shortened(lines[first].strip(), _LONGEST_LINE)


def _explained(view: RunView, broke: Sequence[Finding]) -> list[tuple[Outage, list[Finding]]]:
    """Each outage with the findings that it explains. That of a whole origin comes before that of one address."""
    endpoints = {name: str(event["endpoint"]) for event in view.record.of(EventName.READ) for name, *_ in event["r"]}
    left, made = list(broke), list[tuple[Outage, list[Finding]]]()
    for place_of in (_origin, str):
        places = {probe: place_of(endpoint) for probe, endpoint in endpoints.items()}
        for outage in _outages(view, place_of):
            found = [f for f in left if _is_of(view, f, outage, places)]
            left = [f for f in left if f not in found]
            made.append((outage, found))
    return made


def _is_of(view: RunView, finding: Finding, outage: Outage, places: Mapping[str, str]) -> bool:
    monitor = _monitor(view, finding)
    reading = monitor.against if monitor else None
    if monitor is None or reading is None or reading.kind not in _FAILED:
        return False
    return places.get(reading.probe) == outage.place and outage.explains(monitor, reading)


def _outages(view: RunView, place_of: Callable[[str], str]) -> list[Outage]:
    going, good_s, made = dict[str, Outage](), dict[str, float](), list[Outage]()
    for event in view.record.of(EventName.READ):
        place, endpoint = place_of(str(event["endpoint"])), str(event["endpoint"])
        for reading in readings_of(event)[:1]:  # one read, however many probes it feeds
            if reading.kind in _FAILED:
                outage = going.setdefault(place, Outage(place, reading.sent_s))
                if reading.sent_s > good_s.get(place, -math.inf):  # of reads at one time the first sent may come last
                    outage.from_s = min(outage.from_s, reading.sent_s)
                outage.take(endpoint, reading)
                continue
            good_s[place] = reading.answered_s
            if place in going and reading.sent_s > going[place].from_s:  # else it was under way when that began
                ended = going.pop(place)
                ended.to_s = reading.answered_s
                made.append(ended)
    return [outage for outage in (*made, *going.values()) if outage.count >= IN_A_ROW]


def _origin(endpoint: str) -> str:
    found = _ORIGIN.search(endpoint)
    return found[0] if found else endpoint


def _monitor(view: RunView, finding: Finding) -> Monitor | None:
    return _monitors(view).get((finding.phase, finding.name))


@lru_cache(maxsize=1)
def _monitors(view: RunView) -> dict[tuple[str, str], Monitor]:
    """Every expectation with what the judge saw of it: nothing that came after the end, as during an abort."""
    if view.experiment is None:
        return {}
    monitors, _ = judge.replay(view.record.until_end(), view.experiment, view.changes)
    return {(one.phase, one.expectation.name): one for one in monitors.expected}


def _kind(view: RunView, finding: Finding) -> str:
    monitor = _monitor(view, finding)
    return str(monitor.last.kind) if monitor and monitor.last else ""


def _died_before(view: RunView, first_s: float) -> bool:
    """Whether it is known that a service which the run did not touch was dead by then; what is only counted at the end
    came after it."""
    died = bystanders.died_by(view.record)
    return first_s == math.inf or (died is not None and died <= view.utc(first_s))


def _violated_s(view: RunView, finding: Finding) -> float:
    """When it was violated; what is only counted at the end comes last."""
    monitor = _monitor(view, finding)
    if monitor is None or monitor.against is None:
        return math.inf
    deadline_s = monitor.deadline_s() if monitor.expectation.when == "eventually" and not monitor.interval else None
    return monitor.against.sent_s if deadline_s is None else deadline_s


def _utc(view: RunView, at_s: float) -> str:
    return f"{view.utc_text(at_s)[:8]}Z"
