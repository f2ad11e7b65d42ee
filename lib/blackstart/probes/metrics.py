"""Series of a Prometheus text page. Only the wanted lines are parsed: a page may be read fifty times a second.

The format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4, and quoted names).
"""

import codecs
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from types import MappingProxyType
from typing import Literal

from blackstart.base.codec import plain
from blackstart.model.reading import Answer, Picked
from blackstart.probes.http import HttpGet, OverHttp, Pairs, bad_status, pairs, status_note
from blackstart.probes.http_body import lines_of, quoted_name

Aggregate = Literal["sum", "max", "min", "count"]
Sample = tuple[Mapping[str, str], float]

# A group is never possessive: before Python 3.11.5 one that fails halfway keeps what it had eaten (gh-106052).
_HEX = rb"0x(?:[0-9a-f]++(?:\.[0-9a-f]*+)?|\.[0-9a-f]++)p[+-]?+\d++"
_NUMBER = rb"[+-]?+(?i:%s|\d++(?:\.\d*+)?(?:e[+-]?+\d++)?|\.\d++(?:e[+-]?+\d++)?|inf(?:inity)?|nan)" % _HEX
_QUOTED = rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"'
# A name in quotes alone is that of the series.
_LABEL = rb"(?:[a-zA-Z_][a-zA-Z0-9_]*+[ \t]*+=[ \t]*+%s|%s(?:[ \t]*+=[ \t]*+%s)?)" % (_QUOTED, _QUOTED, _QUOTED)
_LABELS = rb"\{(?:[ \t]*+%s[ \t]*+(?:,[ \t]*+%s[ \t]*+)*,?+)?[ \t]*+\}" % (_LABEL, _LABEL)
# What may follow a series' name: labels, a value, a timestamp, and (OpenMetrics) an exemplar.
_REST = rb"[ \t]*+(%s)?[ \t]*+(%s)(?:[ \t]++(%s))?[ \t]*+(?:\#[^\n]*+)?\r?+" % (_LABELS, _NUMBER, _NUMBER)
_SAMPLE_REST = re.compile(_REST)
_ONE_LABEL = re.compile(rb"([a-zA-Z_][a-zA-Z0-9_]*+|%s)(?:[ \t]*+=[ \t]*+(%s))?" % (_QUOTED, _QUOTED))
_ESCAPED = re.compile(r'\\([\\n"])')
_UNESCAPED = {"\\": "\\", "n": "\n", '"': '"'}
_NAME_BYTES = rb"[a-zA-Z_:][a-zA-Z0-9_:]*+"
_LINE = re.compile(rb"[ \t]*+(?:\#[^\n]*+|(?:%s|(?=\{[ \t]*+\"))%s|\r?+)(?:\n|\Z)" % (_NAME_BYTES, _REST))
_LINE_SHOWN = 60
_SETS_SHOWN = 4
_CHECKED_BYTES = 64 * 1024
_REMEMBERED_LINES = 16
_REMEMBERED_BYTES = 4096
# A page of nothing but one series would need many times its own size in memory.
MAX_LABEL_SETS = 10_000


class NotPrometheus(ValueError):
    """The text is not what Prometheus would accept; the message shows where."""


class TooMany(NotPrometheus):
    """It may be, and is more than we take."""


def samples_of(page: bytes, series: str) -> list[Sample]:
    """The labels and values of one series: of a label set with several time stamps, the newest one's.

    Raises NotPrometheus, also where one label set has two values at one time.
    """
    lines = (page[after:end] for _, after, end in lines_of(page, quoted_name(series)))
    first = tuple(islice(lines, _REMEMBERED_LINES + 1))
    if not first:
        check_page(page)
        return []
    # Most lines of a page are those of the last time, and need no second look.
    few = len(first) <= _REMEMBERED_LINES and sum(map(len, first)) <= _REMEMBERED_BYTES
    return list(_parsed_shared(series, first) if few else _parsed(series, chain(first, lines)))


def _parsed(series: str, lines: Iterable[bytes]) -> tuple[Sample, ...]:
    found: dict[Pairs, tuple[float, float]] = {}
    for rest in lines:
        match = _SAMPLE_REST.fullmatch(rest)
        if match is None:
            raise NotPrometheus(f"not a sample: {_shown(b'' if rest[:1] == b'{' else series.encode())}{_shown(rest)}")
        labels = pairs(_labels(match[1])) if match[1] else ()
        # A sample without a time stamp is of now.
        stamp, value = _number(match[3]) if match[3] else math.inf, _number(match[2])
        before, other = found.get(labels, (stamp, value))
        if stamp == before and other != value and not (math.isnan(value) and math.isnan(other)):
            raise NotPrometheus(f"two values for {_shown_series(series, labels)}: {other:g} and {value:g}")
        if stamp >= before:
            found[labels] = (stamp, value)
        if len(found) > MAX_LABEL_SETS:
            raise TooMany(f"{series} has more than {MAX_LABEL_SETS} label sets")
    return tuple((MappingProxyType(dict(labels)), value) for labels, (_, value) in found.items())


_parsed_shared = lru_cache(maxsize=512)(_parsed)


def _number(text: bytes) -> float:
    return float.fromhex(text.decode()) if b"x" in text.lower() else float(text)


def _labels(block: bytes) -> Iterator[tuple[str, str]]:
    for match in _ONE_LABEL.finditer(block, 1):
        if match[2] is not None:  # else it is the series' own name
            yield _unquoted(match[1]), _unquoted(match[2])


def _unquoted(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace")
    inner = text[1:-1] if text.startswith('"') else text
    return _ESCAPED.sub(lambda m: _UNESCAPED[m[1]], inner) if "\\" in inner else inner


def _check(page: bytes) -> None:
    end = 0
    while (match := _LINE.match(page, end)) and (end := match.end()) < len(page):
        pass
    if end < len(page):
        line_end = page.find(b"\n", end)
        line = _shown(page[end : len(page) if line_end < 0 else line_end])
        raise NotPrometheus(f"not Prometheus text, line {page.count(bytes([10]), 0, end) + 1}: {line}")


_check_shared = lru_cache(maxsize=4)(_check)


def check_page(page: bytes) -> None:
    """Raises NotPrometheus where a line is neither a comment nor a sample."""
    if len(page) <= _CHECKED_BYTES:
        _check_shared(page)
    else:
        _check(page)


def _shown(line: bytes) -> str:
    text = line[:_LINE_SHOWN].decode("utf-8", "replace").strip()
    return repr(text) + ("..." if len(line) > _LINE_SHOWN else "")


def _shown_series(series: str, labels: Mapping[str, str] | Pairs) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in pairs(labels))
    return f"{series}{{{inner}}}"


def _shown_sets(series: str, samples: Sequence[Sample]) -> str:
    more = f" and {len(samples) - _SETS_SHOWN} more" if len(samples) > _SETS_SHOWN else ""
    return ", ".join(_shown_series(series, labels) for labels, _ in samples[:_SETS_SHOWN]) + more


def _extreme(choose: Callable[[Sequence[float]], float]) -> Callable[[Sequence[float]], float]:
    def of(values: Sequence[float]) -> float:
        # As in PromQL: NaN only where there is nothing else.
        numbers = [value for value in values if not math.isnan(value)]
        return choose(numbers) if numbers else math.nan

    return of


AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": math.fsum,
    "max": _extreme(max),
    "min": _extreme(min),
    "count": len,
}


def aggregate_samples(samples: Sequence[Sample], series: str, labels: Pairs, aggregate: str | None) -> Picked:
    """One reading of these samples: absent where none has the labels, unreadable where several have no aggregate."""
    wanted = [sample for sample in samples if all(sample[0].get(name) == value for name, value in labels)]
    if not wanted:
        return "absent", None, f"no series {_shown_series(series, labels) if labels else series}"
    if aggregate is not None:
        return "value", AGGREGATES[aggregate]([value for _, value in wanted]), ""
    if len(wanted) > 1:
        # The query's mistake, or its page has gained a series: in either case nothing is known of the target.
        return "unreadable", None, f"{len(wanted)} label sets and no aggregate: {_shown_sets(series, wanted)}"
    return "value", wanted[0][1], ""


def _checked_name(series: str) -> str:
    if not series.isprintable() or not series or set(series) & set(' {}"'):
        raise ValueError(f"{series!r} is not the name of a series: labels are named apart from it")
    return series


class OfPage(OverHttp):
    """Mixed into every probe of a metrics page: of a long one, no more than its own series are kept."""

    def endpoint(self) -> HttpGet:
        """GET of the page."""
        return HttpGet(self.path, self.headers, series=self.wanted())

    def wanted(self) -> tuple[str, ...]:
        """The names of its series."""
        raise NotImplementedError


@plain("probe.metric")
class Metric(OfPage):
    """The value of a series: a number. A series that is not there is `absent`, never 0.

    `labels` are those that must be equal. Where several label sets have them, `aggregate` says what becomes of them
    (sum, max, min, count); without it they are `unreadable`, and the note names them.
    """

    series: str
    labels: Mapping[str, str] | Pairs = ()
    aggregate: Aggregate | None = None
    path: str = "/metrics"
    name: str = ""
    headers: Pairs = ()

    def __post_init__(self) -> None:
        if self.aggregate is not None and self.aggregate not in AGGREGATES:
            raise ValueError(f"no aggregate {self.aggregate!r}; known: {', '.join(AGGREGATES)}")
        object.__setattr__(self, "name", self.name or _checked_name(self.series))
        object.__setattr__(self, "labels", pairs(self.labels))

    def wanted(self) -> tuple[str, ...]:
        """The one series."""
        return (self.series,)

    def pick(self, answer: Answer) -> Picked:
        """The value of the wanted label set, or the aggregate of all of them."""
        samples = page_samples(answer, self.series, self.headers)
        if not isinstance(samples, list):
            return samples
        return aggregate_samples(samples, self.series, self._labels, self.aggregate)

    @property
    def _labels(self) -> Pairs:
        return self.labels if isinstance(self.labels, tuple) else pairs(self.labels)


@plain("probe.metric_label")
class MetricLabel(OfPage):
    """The value of a label, as in the leader's `instance_id`: of the label set whose value is `where`.

    Where none has it: `absent`. One that is alone may be what is left of another instance, which led before.
    """

    series: str
    label: str
    where: float = 1.0
    path: str = "/metrics"
    name: str = ""
    headers: Pairs = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"{self.label} of {_checked_name(self.series)}")

    def wanted(self) -> tuple[str, ...]:
        """The one series."""
        return (self.series,)

    def pick(self, answer: Answer) -> Picked:
        """The label's text."""
        samples = page_samples(answer, self.series, self.headers)
        if not isinstance(samples, list):
            return samples
        if not samples:
            return "absent", None, f"no series {self.series}"
        chosen = [sample for sample in samples if sample[1] == self.where]
        values = {labels.get(self.label) for labels, _ in chosen}
        if len(values) != 1:
            shown = _shown_sets(self.series, samples)
            many = f"{len(chosen)} of {len(samples)} label sets have the value {self.where:g}"
            return "malformed" if values else "absent", None, f"{many}: {shown}"
        value = values.pop()
        if value is None:
            return "absent", None, f"{_shown_sets(self.series, chosen)} has no label {self.label}"
        return "value", value, ""


def page_samples(answer: Answer, series: str, headers: Pairs = ()) -> list[Sample] | Picked:
    """The samples of a series, or what the reading is where they can't be read."""
    if answer.status != 200:
        return bad_status(answer), None, f"{status_note(answer, headers)} instead of a metrics page"
    try:
        return samples_of(answer.body, series)
    except NotPrometheus as error:
        ours = isinstance(error, TooMany) or not _is_text(answer.body)
        return "unreadable" if ours else "malformed", None, str(error)


def _is_text(page: bytes) -> bool:
    """Whether it is text at all: Prometheus's own binary format, or UTF-16, is one that we don't read."""
    try:
        begin = codecs.getincrementaldecoder("utf-8")().decode(page[:_CHECKED_BYTES])
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\t\r\n" for letter in begin)
