"""An experiment's hypothesis, method and observation: told from declaration and record, the surprises first."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackstart.faults.stop import Stop
from blackstart.loads import KafkaEvents, OpenLoop
from blackstart.loads.operation import Operation
from blackstart.loads.stages import Stage
from blackstart.model.experiment import Experiment, Traffic
from blackstart.model.schedule import At
from blackstart.reports import html, observation, table
from blackstart.reports.story import RunView
from tests.unit.reports.drills import Drill, judged, told


def test_what_held_is_no_surprise_and_is_told_with_its_times(stories: dict[str, RunView]) -> None:
    lines = observation.lines(stories["held"])
    assert lines[0].startswith("no surprise: everything that was expected was seen, within ")
    assert any(
        line.startswith("as expected: ready is 503, ") and "after the fault (limit 3 s)" in line for line in lines
    )
    assert any(line.startswith("as expected: leader is 1, ") and "after the undo (limit 4 s)" in line for line in lines)
    assert lines[-1] == "as expected: held throughout or in the end: health_healthy, one_leader"
    assert "before" not in " ".join(lines)  # the baseline is no observation


@pytest.mark.parametrize(
    ("run", "first"),
    [
        ("broke", "surprise: leader_1_again broke: "),
        ("unseen", "surprise: health_healthy was not seen: "),
        ("inconclusive", "surprise: the fault was not proved to bite"),
        ("not-restored", "surprise: "),
        ("killed", "surprise: "),
    ],
)
def test_a_surprise_comes_first(stories: dict[str, RunView], run: str, first: str) -> None:
    lines = observation.lines(stories[run])
    kinds = [line.partition(":")[0] for line in lines]
    assert kinds == sorted(kinds, reverse=True) and "no surprise" not in kinds
    assert any(line.startswith(first) for line in lines), lines


def test_what_took_nearly_all_of_its_time_is_a_surprise_that_held(tmp_path: Path) -> None:
    path = told(Drill(notices_after_s=2.7), tmp_path)
    narrow = [line for line in observation.lines(RunView(*judged(path), path)) if "narrowly" in line]
    assert [line.partition(" held")[0] for line in narrow] == ["surprise: ready_503", "surprise: leader_0"]
    assert all("after the fault (limit 3 s)" in line for line in narrow)


def test_of_what_was_refused_nothing_was_observed(stories: dict[str, RunView]) -> None:
    assert observation.lines(stories["refused"]) == []
    assert "nothing was observed" in html.page(stories["refused"])


def test_all_reports_tell_it(stories: dict[str, RunView]) -> None:
    for text in (table.text(stories["broke"]), html.page(stories["broke"])):
        assert "surprise: leader_1_again broke" in text and "stop redis, hold it for 1 s or more" in text
        assert "hypothesis" in text and "method" in text


def made(**parts: object) -> Experiment:
    return Experiment("x", "trader", "It holds.", **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("experiment", "whats", "told"),
    [
        (made(faults=(Stop("redis"),), hold_min_s=3.0, settle_s=7.5), ["stop redis"],
         "stop redis, hold it for 3 s or more; undo it, and watch for 7.5 s after it has recovered."),
        (made(faults=(At(Stop("redis"), 1, 6), At(Stop("db"), 9, 2))), ["stop redis", "stop db"],
         "stop redis, from T+1 s to T+7 s; stop db, from T+9 s to T+11 s; undo it, and watch for 5 s after it has "
         "recovered."),
        (made(traffic=Traffic(OpenLoop((Operation("order", "/orders"),), (Stage(5.0, 1.0),), "orders"), "fault")), [],
         "break nothing, and watch it under the load orders (5 requests/s for 1 s, each once)."),
        (made(traffic=Traffic(KafkaEvents(9, "t", "kafka://h:1", "x", name="storm", again_every=3), "fault")), [],
         "break nothing, and watch it under the load storm (9 events at once to the topic t, one in 3 of them twice)."),
        (made(traffic=Traffic(OpenLoop((Operation("leak", "/"), Operation("add", "/")), (Stage(5.0),), "mixed"))),
         ["stop redis"],
         "stop redis, hold it for 1 s or more, under the load mixed (leak, add: 5 requests/s, each once) from the "
         "baseline to the end; undo it, and watch for 5 s after it has recovered."),
        (made(faults=(At(Stop("redis"), 0.284602, 5), At(Stop("db"), 2, 2), At(Stop("redis"), 7.74772, 4.33))), [],
         "stop redis, 2 times from T+0.3 s to T+12.1 s, 4.3 to 5 s each; stop db, from T+2 s to T+4 s; undo it, and "
         "watch for 5 s after it has recovered."),
        (made(), [], "break nothing, and watch it."),
    ],
)  # fmt: skip
def test_the_method_is_told_from_the_declaration(experiment: Experiment, whats: list[str], told: str) -> None:
    assert observation.method_of(experiment, whats) == told
