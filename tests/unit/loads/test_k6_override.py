"""A k6 script replaces the load of an experiment, and its thresholds are expected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadFlag, BadTarget, Refused
from blackstart.base.secrets.redact import SECRET_NAME
from blackstart.engine import planning
from blackstart.loads import K6
from blackstart.loads.k6_override import THRESHOLDS, with_k6
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import worker_crash
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


def test_a_sale_says_what_a_script_is_given_and_its_checks_look_at_the_operations_that_it_names(script: str) -> None:
    target = Target("mine", "flash-sale", api="http://127.0.0.1:3000", facts={"gate_per_s": 50})
    own = worker_crash.experiment(target, Flags())
    made = with_k6(own, script)
    assert own.traffic is not None and made.traffic is not None
    load, prefix = made.traffic.load, own.traffic.load.key_prefix
    assert (load.script, load.key_prefix, load.key_method, load.name) == (script, prefix, "POST", "orders")
    assert load.env == {
        "BASE_URL": "http://127.0.0.1:3000", "PRODUCT": "chaos-sale", "PRODUCT_LAST": "chaos-sale-last",
        "RATE_PER_S": "27", "ORDER_PREFIX": prefix,
    }  # fmt: skip
    # What is taken for a secret is masked in the journal, and the orders there would be nobody's.
    assert not any(SECRET_NAME.search(name) for name in load.env)
    assert made.checks[:-1] == own.checks and made.checks[-1].name == THRESHOLDS
    assert from_data(to_data(made)) == made


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


def test_pods_without_a_script_are_refused_by_name() -> None:
    with pytest.raises(BadFlag, match="--pods=3: pods play a k6 script"):
        with_k6(redis_latency.experiment(TARGET, Flags()), "", 3, TARGET)


def test_pods_of_a_target_that_does_not_say_where_are_refused(script: str) -> None:
    with pytest.raises(BadTarget, match=r"--pods=3: target \"gateway\" does not say where: \[load\] image"):
        with_k6(redis_latency.experiment(TARGET, Flags()), script, 3, TARGET)


def test_a_pod_is_not_sent_to_itself(script: str) -> None:
    target = replace(TARGET, load={"image": "k6:1"})
    with pytest.raises(BadTarget, match="to a pod http://127.0.0.1:8080 is the pod itself"):
        with_k6(redis_latency.experiment(target, Flags()), script, 3, target)
