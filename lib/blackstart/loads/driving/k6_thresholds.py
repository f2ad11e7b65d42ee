"""A k6 script's thresholds, judged by the samples of all pods together: a pod knows only its own share. Pure.

A figure of the whole is none of the parts' averages, so every sample of a metric with a threshold is kept. The rules
are k6's own: how tags pick samples, which figure each kind of metric has, how a percentile lies between two values.
"""

import csv
import math
import operator
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blackstart.loads.summary import Threshold

_SELECTOR = re.compile(r"([^{]+)(?:\{(.*)\})?\s*")
_EXPRESSION = re.compile(r"\s*(\w+|p\(([\d.]+)\))\s*(>=|<=|<|>|===|==|!=)\s*(-?[\d.]+)\s*")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq, "===": operator.eq,
    "!=": operator.ne,
}  # fmt: skip


class Union:
    """The samples of the metrics that the thresholds are of: of each its selector, as `http_req_duration{name:get}`,
    and its expressions, as a script's options have them."""

    def __init__(self, thresholds: Mapping[str, Sequence[Any]]) -> None:
        self._thresholds = {
            selector: [one["threshold"] if isinstance(one, dict) else str(one) for one in each]
            for selector, each in thresholds.items()
        }
        self._wanted = {selector: _parsed(selector) for selector in thresholds}
        self._metrics = {metric for metric, _ in self._wanted.values()}
        self._samples = {selector: array("d") for selector in thresholds}
        self._columns: list[str] = []

    def feed(self, line: str) -> None:
        """One line of k6's CSV, its head among them."""
        metric = line.partition(",")[0]
        if metric == "metric_name":
            self._columns = line.split(",")
        if metric not in self._metrics:
            return
        fields = dict(zip(self._columns, next(csv.reader([line])), strict=True))
        tags = {**fields, **_pairs(fields.get("extra_tags", ""))}
        for selector, (name, wanted) in self._wanted.items():
            if name == metric and all(tags.get(tag, "") == value for tag, value in wanted.items()):
                self._samples[selector].append(float(fields["metric_value"]))

    def thresholds(self, types: Mapping[str, str], lasted_s: float) -> tuple[Threshold, ...]:
        """Each, and whether it held; k6 has one hold that is over nothing. `types` are the metrics' kinds as k6 calls
        them, `lasted_s` how long the script ran."""
        found = []
        for selector, expressions in sorted(self._thresholds.items()):
            metric, samples = self._wanted[selector][0], self._samples[selector]
            kind = types.get(selector) or types.get(metric, "")
            for expression in expressions:
                # Of a counter that stands at zero, as one of errors should, or a gauge, no sample is an answer, too.
                held = not samples or _holds(expression, kind, samples, lasted_s)
                found.append(
                    Threshold(f"{selector}: {expression}", held, bool(samples) or kind in ("counter", "gauge"))
                )
        return tuple(found)


def _holds(expression: str, kind: str, samples: Sequence[float], lasted_s: float) -> bool:
    told = _EXPRESSION.fullmatch(expression)
    if told is None:  # k6 has refused the script already
        return False
    method, percentile, compare, limit = told.groups()
    return _COMPARE[compare](_figure(method, percentile, kind, samples, lasted_s), float(limit))


def _figure(method: str, percentile: str | None, kind: str, samples: Sequence[float], lasted_s: float) -> float:
    if kind == "counter":
        return math.fsum(samples) / (lasted_s if method == "rate" else 1)
    if kind == "rate":
        return sum(map(bool, samples)) / len(samples)
    if kind == "gauge":
        return samples[-1]
    figures = {"avg": math.fsum(samples) / len(samples), "min": min(samples), "max": max(samples)}
    return figures[method] if method in figures else _percentile(samples, float(percentile or 50))


def _percentile(samples: Sequence[float], percent: float) -> float:
    ordered, place = sorted(samples), percent / 100 * (len(samples) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def _parsed(selector: str) -> tuple[str, dict[str, str]]:
    found = _SELECTOR.fullmatch(selector)
    assert found  # k6 has taken it
    pairs = [pair.partition(":") for pair in (found[2] or "").split(",") if pair.strip()]
    return found[1].strip(), {key.strip().strip("\"'"): value.strip().strip("\"'") for key, _, value in pairs}


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split("&") if "=" in pair)
