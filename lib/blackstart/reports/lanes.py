"""What each probe read, as lanes: stretches of time in which it read the same thing. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Record, readings_of
from blackstart.model.reading import Reading, ReadingKind, Scalar
from blackstart.verdict.expectation_monitor import GAP_LEAST_S, GAP_TICKS

# More different numbers than this are a curve, not states with names; fractions are never states for long.
_STATES_AT_MOST = 8
_FRACTIONS_AT_MOST = 2
Kind = ReadingKind | Literal["gap"]


@dataclass(frozen=True)
class Stretch:
    """From `from_s` to `to_s` the probe read `kind` and `value`, `count` times; a `gap` is time without readings.

    A change between two readings is put halfway between the old one's sending and the new one's answer.
    """

    kind: Kind
    value: Scalar
    from_s: float
    to_s: float
    count: int = 0
    note: str = ""

    @property
    def text(self) -> str:
        """What was read, in a word."""
        return words(self.value) if self.kind == "value" else self.kind.replace("_", " ")


@dataclass(frozen=True)
class Lane:
    """All that one probe read. `curve` has the numbers of a lane whose values never stay: (time, value)."""

    probe: str
    stretches: tuple[Stretch, ...]
    curve: tuple[tuple[float, float], ...] = ()
    before: Scalar = None
    endpoint: str = ""


def words(value: Scalar) -> str:
    """A value as people write it: `true`, `200`, `0.35`, `none`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


@dataclass
class _Growing:
    """A lane while its readings come in."""

    endpoint: str
    done: list[Stretch] = field(default_factory=list)
    last: Reading | None = None
    count: int = 0
    since_s: float = 0.0
    tick_s: float = 0.0
    numbers: list[tuple[float, float]] = field(default_factory=list)

    def take(self, reading: Reading, tick_s: float) -> None:
        if self.last is None:
            self.since_s = reading.sent_s
        elif reading.sent_s - self.last.answered_s > max(GAP_TICKS * max(tick_s, self.tick_s), GAP_LEAST_S):
            self._end(self.last.answered_s)
            self.done.append(Stretch("gap", None, self.last.answered_s, reading.sent_s))
            self.since_s = reading.sent_s
        elif not _same(reading, self.last):
            middle_s = (self.last.sent_s + reading.answered_s) / 2
            self._end(middle_s)
            self.since_s = middle_s
        if reading.kind == "value" and isinstance(reading.value, int | float) and not isinstance(reading.value, bool):
            self.numbers.append((reading.answered_s, float(reading.value)))
        self.last, self.tick_s = reading, tick_s
        self.count += 1

    def _end(self, at_s: float) -> None:
        if self.last is not None and self.count:
            seen = self.last
            self.done.append(Stretch(seen.kind, seen.value, self.since_s, at_s, self.count, seen.note))
        self.count = 0

    def finish(self) -> tuple[Stretch, ...]:
        if self.last is not None:
            self._end(self.last.answered_s)
        return tuple(self.done)


def _same(left: Reading, right: Reading) -> bool:
    return left.kind == right.kind and (left.kind != "value" or _typed(left.value) == _typed(right.value))


def _typed(value: Scalar) -> tuple[bool, Scalar]:
    return isinstance(value, bool), value


def lanes(record: Record, order: Sequence[str] = (), baseline_ends_s: float | None = None) -> tuple[Lane, ...]:
    """The lane of every probe, those in `order` first.

    `before` is what it read last until `baseline_ends_s`, or first, where it was first read after that.
    """
    growing: dict[str, _Growing] = {}
    before: dict[str, Scalar] = {}
    for event in record.of(EventName.READ):
        for reading in readings_of(event):
            growing.setdefault(reading.probe, _Growing(event["endpoint"])).take(reading, event["tick"])
            in_baseline = baseline_ends_s is None or reading.answered_s <= baseline_ends_s
            if reading.kind == "value" and (in_baseline or reading.probe not in before):
                before[reading.probe] = reading.value
    names = [name for name in dict.fromkeys(order) if name in growing]
    names += [name for name in growing if name not in names]
    return tuple(_lane(name, growing[name], before.get(name)) for name in names)


def _lane(name: str, grown: _Growing, before: Scalar) -> Lane:
    stretches = grown.finish()
    if _states({stretch.value for stretch in stretches if stretch.kind == "value"}) or not grown.numbers:
        return Lane(name, stretches, before=before, endpoint=grown.endpoint)
    return Lane(name, _merged(stretches), tuple(grown.numbers), before, grown.endpoint)


def _states(values: set[Scalar]) -> bool:
    """Whether these are states with names rather than points of a curve."""
    if any(isinstance(value, str) for value in values) or len(values) <= _FRACTIONS_AT_MOST:
        return True
    fractions = any(isinstance(value, float) and not value.is_integer() for value in values)
    return len(values) <= _STATES_AT_MOST and not fractions


def _merged(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Neighbouring values joined to one stretch, since the curve shows them."""
    made: list[Stretch] = []
    for item in stretches:
        if made and item.kind == made[-1].kind == "value":
            last = made.pop()
            made.append(Stretch("value", item.value, last.from_s, item.to_s, last.count + item.count, item.note))
        else:
            made.append(item)
    return tuple(made)
