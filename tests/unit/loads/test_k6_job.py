"""The Job of a load from pods: its segments are the whole and nothing twice, its name is one run's alone."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.controls.kubernetes_context import Context
from blackstart.loads import K6, K6Pods
from blackstart.loads.k6_job import change, segments
from blackstart.model.flags import MOST_PODS
from blackstart.model.step import Command

PLACE = Context("shop", "kind", "uid-1", "https://127.0.0.1:6443", "/usr/bin/kubectl", "/k/config")
LOAD = K6Pods(K6("load.js", env={"RATE": "5"}), 3, "k6:1", PLACE)


def job(load: K6Pods) -> dict[str, Any]:
    made = change(load, "drill_1", 900.0).do[1]
    assert isinstance(made, Command)
    told: dict[str, Any] = json.loads(made.argv[4])
    return told


@pytest.mark.parametrize("pods", [1, 2, 3, 7, 12, MOST_PODS])
def test_the_segments_of_all_pods_follow_each_other_from_nothing_to_the_whole(pods: int) -> None:
    made = segments(pods)
    ends = [[Fraction(end) for end in segment.split(":")] for segment, _ in made]
    assert ends[0][0] == 0 and ends[-1][1] == 1
    assert all(before[1] == after[0] for before, after in zip(ends, ends[1:], strict=False))
    assert {end - begin for begin, end in ends} == {Fraction(1, pods)}
    (sequence,) = {sequence for _, sequence in made}
    assert [Fraction(end) for end in sequence.split(",")] == [ends[0][0], *(end for _, end in ends)]


def test_what_all_pods_read_leaves_the_script_its_place_in_a_config_map() -> None:
    made = change(replace(LOAD, pods=MOST_PODS), "drill_1", 900.0).do[0]
    assert isinstance(made, Command)
    literals = [word for word in made.argv if word.startswith("--from-literal=")]
    assert len(literals) == MOST_PODS and sum(map(len, literals)) < 100_000  # of 1 MiB, and of a command line


def test_each_pod_reads_its_own_segment_and_is_tried_once() -> None:
    container = job(LOAD)["spec"]["template"]["spec"]["containers"][0]
    assert "--config=/blackstart/$(JOB_COMPLETION_INDEX).json" in container["args"]
    files, _ = change(LOAD, "drill_1", 900.0).do
    assert isinstance(files, Command)
    shares = [word.partition("=")[2] for word in files.argv if word.startswith("--from-literal")]
    assert shares[1] == '1.json={"executionSegment": "1/3:2/3", "executionSegmentSequence": "0,1/3,2/3,1"}'
    spec = job(LOAD)["spec"]
    assert (spec["completions"], spec["parallelism"], spec["backoffLimitPerIndex"]) == (3, 3, 0)


def test_the_cluster_itself_ends_what_nobody_takes_away() -> None:
    spec = job(LOAD)["spec"]
    assert spec["activeDeadlineSeconds"] == 900 and spec["ttlSecondsAfterFinished"] > 0


def test_two_runs_never_have_a_job_of_one_name() -> None:
    named = LOAD.of_run("boot-1", "/reports/drill_1")
    assert named.job == LOAD.of_run("boot-1", "/reports/drill_1").job
    others = {LOAD.of_run(*of).job for of in (("boot-2", "/reports/drill_1"), ("boot-1", "/reports/drill_2"))}
    assert named.job not in others and len(others) == 2


def test_a_value_that_looks_like_another_variable_is_what_it_is() -> None:
    odd = K6Pods(K6("load.js", env={"PATTERN": "$(HOME)"}), 1, "k6:1", PLACE)
    (value,) = [one["value"] for one in _env(odd) if one["name"] == "PATTERN"]
    assert value == "$$(HOME)"


def test_pods_reach_the_api_by_their_own_name_of_it() -> None:
    script = K6("load.js", env={"BASE_URL": "http://localhost:8000/v1"})
    load = K6Pods(script, 3, "k6:1", PLACE, api="http://api.shop.svc").at("http://localhost:8000")
    assert load.k6.env == {"API": "http://api.shop.svc", "BASE_URL": "http://api.shop.svc/v1"}
    assert LOAD.at("http://api.example.com").k6.env["API"] == "http://api.example.com"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: K6Pods(K6("s.js"), 0, "k6:1", PLACE), "1 to 100 pods, not 0"),
        (lambda: K6Pods(K6("s.js"), 101, "k6:1", PLACE), "1 to 100 pods, not 101"),
        (lambda: K6Pods(K6("s.js", ("--execution-segment=0:1",)), 2, "k6:1", PLACE), "Blackstart sets this option"),
        (lambda: K6Pods(K6("s.js", env={"KEY": "env:OPS_KEY"}), 2, "k6:1", PLACE), "put it into a Secret"),
        (lambda: K6Pods(K6("s.js", env={"API_TOKEN": "s3"}), 2, "k6:1", PLACE), "put it into a Secret"),
    ],
)  # fmt: skip
def test_what_pods_cannot_play_is_refused(made: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        made()


def test_it_is_the_same_after_a_journey_as_data() -> None:
    load = LOAD.of_run("boot", "/r")
    assert from_data(json.loads(json.dumps(to_data(load)))) == load
    made = change(load, "drill_1", 900.0)
    assert from_data(json.loads(json.dumps(to_data(made)))) == made


def _env(load: K6Pods) -> list[dict[str, str]]:
    found: list[dict[str, str]] = job(load)["spec"]["template"]["spec"]["containers"][0]["env"]
    return found
