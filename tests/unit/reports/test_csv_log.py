"""The CSV log: the seed's rows in the seed's order, then ours, from hand-written journals."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from blackstart.model.expect import always, eventually
from blackstart.model.experiment import Check, LogRow
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.reports.csv_log import rows, write
from blackstart.verdict.judge import Judgement
from tests.unit.builders import AFTER, DOWN, DURING, UP, Story, change, drill, experiment, health, ready, whole

WORDS = {"200": "ready", "503": "not_ready"}
ROWS = (
    LogRow("leader_before", "leader", "before"),
    LogRow("leader_after_stop", "leader", "fault"),
    LogRow("leader_after_recovery", "leader", "end"),
    LogRow("ready_before", "ready", "before", WORDS),
    LogRow("ready_after_stop", "ready", "fault", WORDS),
    LogRow("ready_after_recovery", "ready", "end", WORDS),
    LogRow("scan_hb", "age", "end", digits=1),
)


def logged(told: Story) -> dict[str, str]:
    return dict(rows(told.record(), told.judged()))


def test_the_log_begins_with_the_seeds_rows_in_the_seeds_order() -> None:
    told = whole(log_rows=ROWS, log_title="leader_lock_chaos_test")
    made = rows(told.record(), told.judged())
    assert made[:7] == [
        ("leader_lock_chaos_test", "2026-11-20T14-30-00"),
        ("leader_before", "1"),
        ("leader_after_stop", "0"),
        ("leader_after_recovery", "1"),
        ("ready_before", "ready"),
        ("ready_after_stop", "not_ready"),
        ("ready_after_recovery", "ready"),
    ]
    assert made[-1] == ("test_result", "PASS")


def test_what_was_left_out_by_choice_has_a_row_of_its_own() -> None:
    made = rows((told := whole(left_out={"orders": ("once",)})).record(), told.judged())
    assert made[-3:] == [("verdict", "held"), ("left_out", "once (--without orders)"), ("test_result", "PASS")]


def test_without_a_title_the_experiments_name_is_one() -> None:
    assert rows(whole().record(), whole().judged())[0][0] == "drill_chaos_test"


def test_facts_of_the_experiment_stand_before_its_readings() -> None:
    told = whole(log_rows=ROWS, log_facts=(("plan_count", "15"),))
    assert [key for key, _ in rows(told.record(), told.judged())][:3] == [
        "drill_chaos_test",
        "plan_count",
        "leader_before",
    ]


def test_what_was_never_read_is_not_observed_never_a_number() -> None:
    assert logged(whole(log_rows=ROWS))["scan_hb"] == "not_observed"


@pytest.mark.parametrize(
    ("seen", "text"),
    [
        ("absent", "not_observed"),
        ("unreachable", "unreachable"),
        ("timed_out", "timed_out"),
        ("malformed", "malformed"),
        ("unreadable", "not_observed"),
    ],
)
def test_what_could_not_be_read_says_how(seen: str, text: str) -> None:
    told = (
        Story(drill(log_rows=ROWS), change()).phase(0, "baseline").read(0.1, **(UP | {"leader": seen})).phase(1, "end")
    )
    assert logged(told)["leader_before"] == text


@pytest.mark.parametrize(
    ("seen", "digits", "text"),
    [(1.0, 0, "1"), (0.0, 0, "0"), (1.25, 1, "1.2"), (2.0, 1, "2.0"), (0.5, 0, "0.5"), (True, 0, "true"), (7, 1, "7"),
     ("a\nb", 0, "a b"), (None, 0, "None"), (float("inf"), 1, "inf"), (float("nan"), 1, "nan")],
)  # fmt: skip
def test_values_are_written_as_people_expect(seen: object, digits: int, text: str) -> None:
    row = LogRow("x", "leader", "before", digits=digits)
    told = Story(drill(log_rows=(row,)), change()).phase(0, "baseline").read(0.1, leader=seen).phase(1, "end")
    assert logged(told)["x"] == text


def test_a_read_under_way_when_the_undo_began_tells_of_the_fault() -> None:
    told = Story(drill(log_rows=ROWS), change()).phase(0, "baseline").read(0.5, **UP).phase(1, "fault")
    told.read(2, **DOWN).phase(5, "recovery").read(5.2, took_s=0.5, **(DOWN | {"leader": 7})).phase(6, "end")
    log = logged(told)
    assert log["leader_after_stop"] == "7"
    assert log["leader_after_recovery"] == "not_observed"


def test_a_read_under_way_when_the_fault_began_tells_of_the_time_before() -> None:
    told = Story(drill(log_rows=ROWS), change()).phase(0, "baseline").read(0.5, **UP).phase(1, "fault")
    told.read(1.2, took_s=0.5, **(UP | {"leader": 9})).phase(5, "recovery").phase(6, "end")
    log = logged(told)
    assert (log["leader_before"], log["leader_after_stop"]) == ("9", "not_observed")


def test_what_an_abort_did_after_the_end_is_not_the_recovery() -> None:
    told = whole(log_rows=ROWS).note(9.2, "abort", settled=True).reads(9.3, 12, **DOWN)
    assert logged(told)["ready_after_recovery"] == "ready"


def test_a_collected_final_state_is_the_end() -> None:
    told = whole(log_rows=(LogRow("duplicates", "duplicates", "end"),))
    end = told.events.pop()
    told.note(9.05, "final", probe="duplicates", kind="value", value=0, note="")
    told.events.append(end)
    assert logged(told)["duplicates"] == "0"


def test_a_peak_is_the_highest_ever_seen() -> None:
    told = Story(drill(log_rows=(LogRow("peak", "leader", "peak"),)), change()).phase(0, "baseline")
    for at_s, depth in enumerate((0, 3, 15, 4, 0), start=1):
        told.read(float(at_s), leader=depth)
    assert logged(told.read(7, leader="absent").phase(8, "end"))["peak"] == "15"


def test_every_wait_has_a_row_with_its_interval_from_the_proved_effect_as_in_all_reports() -> None:
    told = whole()
    log, monitors = logged(told), told.replayed()[0]
    for monitor in monitors.expected:
        if monitor.interval and monitor.anchor_s is not None:
            from_s, to_s = map(float, log[f"{monitor.expectation.name}_interval_s"].split(".."))
            assert (from_s + to_s) / 2 == pytest.approx(monitor.interval.middle_s - monitor.anchor_s, abs=0.001)
    assert {"during_interval_s", "after_interval_s"} <= log.keys()


def test_a_wait_whose_effect_was_never_proved_has_no_interval() -> None:
    told = Story(drill(), change()).phase(0, "baseline").reads(0.1, 1, **UP).phase(1, "fault")
    told.reads(1.1, 3, **(DOWN | {"redis": "up"})).phase(4, "recovery").phase(9, "end")
    assert logged(told)["during_interval_s"] == "effect_not_proved"


def test_a_wait_that_did_not_come_true_is_not_observed() -> None:
    told = Story(drill(), change()).phase(0, "baseline").reads(0.1, 1, **UP).phase(1, "end")
    assert logged(told)["during_interval_s"] == "not_observed"


def test_what_must_always_hold_has_no_interval() -> None:
    steady = always(health.is_("ok"), name="steady")
    assert "steady_interval_s" not in logged(whole(during=(DURING, steady), recovery=(AFTER,)))


def test_checks_reasons_and_where_it_ran_stand_at_the_end() -> None:
    told = whole(checks=(Check("x", "once"),))
    seen = Finding("once", "check", "broke", "doubled\norders", "once", "twice")
    made = rows(told.record(), told.judged((seen,)))
    assert made[-6:] == [
        ("check_once", "broke"),
        ("run", "drill_1"),
        ("target", "trader"),
        ("verdict", "broke"),
        ("reason", "once: doubled orders"),
        ("test_result", "FAIL"),
    ]


def test_a_check_that_need_not_be_observed_and_was_not_says_so() -> None:
    seen = Finding("once", "check", "inconclusive", "no database", "once", "nothing", criterion=False)
    told = whole(checks=(Check("x", "once", criterion=False),))
    assert ("check_once", "not_observed") in rows(told.record(), told.judged((seen,)))


def test_only_a_run_that_held_has_the_result_of_a_pass() -> None:
    assert [verdict for verdict in Verdict if verdict.csv == Verdict.HELD.csv] == [Verdict.HELD]
    assert [verdict for verdict in Verdict if verdict.status == "pass" or not verdict.junit] == [Verdict.HELD]


def test_the_file_can_be_read_as_csv(tmp_path: Path) -> None:
    made = Story(experiment(recovery=(eventually(ready.is_(200), name="a,b"),)), change()).phase(0, "end")
    write(tmp_path / "x.log", made.record(), Judgement(Verdict.INCONCLUSIVE, ('it said "no", twice',), ()))
    text = (tmp_path / "x.log").read_text()
    assert "\r" not in text
    assert list(csv.reader(text.splitlines()))[-2:] == [
        ["reason", 'it said "no", twice'],
        ["test_result", "INCONCLUSIVE"],
    ]


def test_a_link_in_the_logs_place_is_not_written_through(tmp_path: Path) -> None:
    precious, log = tmp_path / "precious", tmp_path / "drill.log"
    precious.write_text("keep me")
    log.symlink_to(precious)
    with pytest.raises(OSError):
        write(log, whole().record(), whole().judged())
    assert precious.read_text() == "keep me"


def test_a_pipe_in_the_logs_place_is_not_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "drill.log"
    os.mkfifo(log)
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(OSError, match="it is no file"):
            write(log, whole().record(), whole().judged())
    finally:
        os.close(reader)
