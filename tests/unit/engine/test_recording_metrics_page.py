"""The snapshots are of the page on which the target's kind shows its metrics."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blackstart.engine.recording import metrics_page
from blackstart.model.plan import Plan
from blackstart.model.target import Target
from blackstart.probes.metrics import Metric
from blackstart.suites import systems
from tests.unit.builders import experiment

OWN = Metric("booking_up", path="/internal/metrics")


@pytest.mark.parametrize(
    ("kind", "asked_for", "watch", "page"),
    [
        ("gateway", "gateway", (), "/actuator/prometheus"),
        ("", "gateway", (), "/actuator/prometheus"),  # a target of no kind that was named for a gateway's experiment
        ("trader", "trader", (OWN,), "/metrics"),
        ("booking", "", (OWN,), "/internal/metrics"),
        ("booking", "", (), "/metrics"),
    ],
)
def test_the_page_is_that_of_the_kind_else_of_the_experiment(
    kind: str, asked_for: str, watch: tuple[Metric, ...], page: str
) -> None:
    made = replace(experiment(), target=asked_for, watch=watch)
    target = Target("it", kind=kind, system=systems.of(kind or asked_for))
    assert metrics_page(Plan(made, target, (), (), None, {})) == page
