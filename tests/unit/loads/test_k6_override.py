"""A k6 script replaces the load of an experiment, and its thresholds are expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackstart.base.errors import BadFlag, Refused
from blackstart.engine import planning
from blackstart.loads import K6
from blackstart.loads.k6_override import THRESHOLDS, with_k6
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.gateway import baseline, redis_latency, thundering_herd

TARGET = Target(
    "gateway",
    api="http://127.0.0.1:8080",
    routes={"requests": {"route": "/api/v1/users/1", "headers": {"X-API-Key": "k"}}},
)


@pytest.fixture
def script(tmp_path: Path) -> str:
    file = tmp_path / "load.js"
    file.write_text("export default function () {}")
    return str(file)


def test_the_script_is_the_load_and_the_checks_look_at_all_of_its_requests(script: str) -> None:
    own = redis_latency.experiment(TARGET, Flags())
    made = with_k6(own, script)
    assert made.traffic is not None and isinstance(made.traffic.load, K6) and made.traffic.load.script == script
    assert [check.name for check in made.checks] == [*(check.name for check in own.checks), THRESHOLDS]
    assert {check.params.get("op", "") for check in made.checks} == {""}
    assert planning.bind(made, TARGET).traffic == made.traffic


def test_without_a_script_nothing_changes() -> None:
    own = redis_latency.experiment(TARGET, Flags())
    assert with_k6(own, "") is own


def test_an_experiment_that_needs_its_own_load_is_refused(script: str) -> None:
    with pytest.raises(Refused, match="thundering-herd needs its own load"):
        with_k6(thundering_herd.experiment(TARGET, Flags()), script)


def test_a_rate_that_k6_does_not_tell_is_not_said_to_be_reached(script: str) -> None:
    with pytest.raises(Refused, match="baseline measures the rate of its own load"):
        with_k6(baseline.experiment(TARGET, Flags()), script)


def test_a_script_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadFlag, match="--k6=.*there is no such file"):
        with_k6(redis_latency.experiment(TARGET, Flags()), str(tmp_path / "none.js"))
