"""Figures and check list of a run: what was seen, with its number, and what was not, never with one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from blackstart.evidence.history import History, Row
from blackstart.faults.stop import Stop
from blackstart.model.experiment import EvidenceRow, Experiment
from blackstart.model.schedule import At
from blackstart.model.system import System
from blackstart.reports import fates, figures, html, observed, observed_results, summary, table
from blackstart.reports.story import Phase, RunView
from tests.unit.histories import history_of
from tests.unit.reports.drills import EXPERIMENT, T0_S, Drill, Seen, judged, told

QUEUE = "scan_heartbeat"
SALE = System(fates={302: "waiting room", 500: "failed"}, available=("served", "waiting room"))


@dataclass
class Queue(Drill):
    """A drill in which `scan_heartbeat` reads how deep a queue is: 2 as a rule, 10 more each second without a worker,
    100 fewer each second once it is back."""

    grows_per_s: float = 10.0
    falls_per_s: float = 100.0
    read_from_s: float = 0.0
    silent_s: tuple[float, float] = (0.0, 0.0)

    def seen(self, at_s: float) -> dict[str, Seen]:
        back_s = self.undone_s + self.returns_after_s
        waiting = self.grows_per_s * max(0.0, min(at_s, back_s) - self.stopped_s)
        left = max(0.0, waiting - self.falls_per_s * max(0.0, at_s - back_s))
        unread = at_s < self.read_from_s or self.silent_s[0] < at_s < self.silent_s[1]
        depth: Seen = ("unreachable", None, "refused") if unread else ("value", 2 + round(left))
        return {**super().seen(at_s), QUEUE: depth}


def view_of(drill: Drill, folder: Path, *rows: EvidenceRow) -> RunView:
    drill.experiment = replace(drill.experiment, evidence_rows=rows)
    path = told(drill, folder)
    return RunView(*judged(path), path, known=lambda kind: SALE)


def row(due_s: float, status: int | None = 200, outcome: str = "ok", key: str = "") -> Row:
    return Row("order", key, 1, T0_S + due_s, T0_S + due_s, T0_S + due_s + 0.01, outcome, status)  # type: ignore[arg-type]


def told_of(view: RunView, history: History | None = None) -> dict[str, str]:
    return {one.text: f"{'x' if one.done else ' '} {one.told}" for one in observed.rows(view, history)}


def test_a_backlog_is_told_at_the_kill_at_its_highest_and_by_how_fast_it_was_worked_off(tmp_path: Path) -> None:
    found = figures.backlog(view_of(Queue(), tmp_path), QUEUE)
    assert found.usual == 2 and found.rose
    assert found.at_bite == pytest.approx(2, abs=2)
    assert found.at_undo == pytest.approx(31, abs=2)
    assert found.highest == pytest.approx(2 + 45, abs=1)
    assert found.drained_s == pytest.approx(1.6 + 0.45, abs=0.1)
    assert found.per_s == pytest.approx(100, rel=0.15)
    assert found.left == 2


def test_a_queue_that_never_rose_was_not_drained_in_no_time(tmp_path: Path) -> None:
    view = view_of(Queue(grows_per_s=0), tmp_path, *backlog_rows("drained_s", "per_s", "highest"))
    assert (figures.backlog(view, QUEUE).drained_s, figures.backlog(view, QUEUE).per_s) == (None, None)
    never = "  not observed: it was never above the 2 of before the fault"
    assert told_of(view) == {"drained_s": never, "per_s": never, "highest": "x 2 orders"}


def test_a_queue_that_is_not_worked_off_has_no_drain_time(tmp_path: Path) -> None:
    view = view_of(Queue(falls_per_s=0), tmp_path, *backlog_rows("drained_s", "per_s"))
    assert set(told_of(view).values()) == {
        "  not observed: it was not seen to be worked off; 47 were left at the last reading"
    }


def test_a_queue_that_nobody_could_read_has_no_figures(tmp_path: Path) -> None:
    view = view_of(
        Queue(read_from_s=99), tmp_path, *backlog_rows("at_bite", "highest", "at_undo", "drained_s", "per_s")
    )
    assert figures.backlog(view, QUEUE) == figures.Backlog()
    assert set(told_of(view).values()) == {f"  not observed: {QUEUE} gave no number then"}


def test_a_broker_that_is_silent_under_the_fault_says_nothing_of_the_queue_then(tmp_path: Path) -> None:
    found = figures.backlog(view_of(Queue(silent_s=(1.05, 5.0)), tmp_path), QUEUE)
    assert (found.at_bite, found.at_undo) == (None, None) and found.usual == 2
    assert found.highest == pytest.approx(47, abs=1) and found.drained_s is not None


def test_without_readings_before_the_fault_nobody_knows_when_the_queue_was_as_usual(tmp_path: Path) -> None:
    found = figures.backlog(view_of(Queue(read_from_s=1.5), tmp_path), QUEUE)
    assert (found.usual, found.drained_s, found.per_s) == (None, None, None) and found.highest


def test_a_fault_that_did_not_bite_has_no_backlog_at_its_effect(tmp_path: Path) -> None:
    assert figures.backlog(view_of(Queue(bites=False), tmp_path), QUEUE).at_bite is None


def test_a_run_that_ended_before_its_undo_has_no_recovery_and_no_drain(tmp_path: Path) -> None:
    view = view_of(Queue(stop_at="recovery"), tmp_path, EvidenceRow("r", "recovery"), EvidenceRow("u", "moment", UNDO))
    assert figures.recovery(view) is None and figures.backlog(view, QUEUE).drained_s is None
    missing = "  not observed: the run did not get there"
    assert told_of(view) == {"r": missing, "u": missing}


def test_recovery_counts_from_the_undo_until_all_that_was_awaited_had_come(stories: dict[str, RunView]) -> None:
    held, broke = figures.recovery(stories["held"]), figures.recovery(stories["broke"])
    assert held and held.took_s == pytest.approx(1.6, abs=0.05)
    assert broke and broke.took_s is None and "leader_1_again" in broke.missed


def test_where_nothing_was_awaited_no_recovery_time_is_told(tmp_path: Path) -> None:
    drill = Queue(experiment=replace(EXPERIMENT, recovery=()))
    view = view_of(drill, tmp_path, EvidenceRow("r", "recovery"))
    assert told_of(view) == {"r": "  not observed: nothing was awaited"}
    assert "Full Recovery Time: not observed: nothing was awaited" in summary.text(view, history_of([row(0.1)]))


def test_availability_is_the_share_of_what_was_sent_that_was_answered_as_promised() -> None:
    unsent = row(0.3)._replace(start_s=None, end_s=None, outcome="fail", status=None)
    rows = (row(0.1), row(0.2, 302, "fail"), unsent, row(0.4, 500, "info"), row(0.5, 200), row(0.6, None, "info"))
    (of,) = fates.by_phase(history_of(rows), (Phase("fault", T0_S, T0_S + 2),), SALE)
    assert (of.available, of.sent, of.count) == (3, 5, 6)
    assert [(fate.name, fate.count) for fate in of.fates] == [
        ("served", 2), ("waiting room", 1), ("failed", 2), ("unsent", 1),
    ]  # fmt: skip


def test_without_a_load_there_is_neither_availability_nor_latency_nor_a_status(tmp_path: Path) -> None:
    asked = (EvidenceRow("a", "availability"), EvidenceRow("l", "latencies", {"phase": "fault"}), ANSWERS)
    view = view_of(Queue(), tmp_path, *asked)
    assert all(line.startswith("  not observed: nothing was") for line in told_of(view).values())


def test_moments_count_from_the_first_request_and_what_took_long_has_two_ends(tmp_path: Path) -> None:
    view = view_of(Queue(), tmp_path, EvidenceRow("Worker killed at", "moment", {"side": "do"}),
                   EvidenceRow("Worker restarted at", "moment", UNDO))  # fmt: skip
    lines = told_of(view, history_of([row(0.1)]))
    assert lines["Worker killed at"].startswith("x T+0.9s") and "proved at T+" in lines["Worker restarted at"]


def test_a_schedule_has_its_own_beginning_as_its_zero_and_the_answers_of_before_count_too(tmp_path: Path) -> None:
    drill = Queue(experiment=replace(EXPERIMENT, faults=(At(Stop("redis"), 0.0, 3.0),)))
    view = view_of(drill, tmp_path, EvidenceRow("killed", "moment", {"side": "do"}), EvidenceRow("codes", "answers"))
    history = history_of([row(0.1), row(0.2), row(2.0, 500, "info")])
    assert told_of(view, history) == {"killed": "x T+0.0s", "codes": "x 2 × 200, 1 × 500"}
    assert "T+0 is when the schedule began." in observed_results.text(view, history)


def test_what_came_back_by_itself_is_told_and_its_backlog_counts_from_then_not_from_the_undo(tmp_path: Path) -> None:
    came = {"by": "ready_503"}
    asked = EvidenceRow("back", "moment", {**UNDO, **came})
    view = view_of(Queue(returns_after_s=-2.0, notices_after_s=0.2), tmp_path, asked)
    assert told_of(view, history_of([row(0.0)]))["back"] == "x T+1.3s, by itself"
    found = figures.backlog(view, QUEUE, **came)
    assert found.at_undo == pytest.approx(4, abs=2) and found.drained_s == pytest.approx(0.9, abs=0.2)
    recovery, undone = figures.recovery(view, **came), figures.recovery(view)
    assert recovery and undone and recovery.took_s and undone.took_s is not None
    sooner_s = (view.times.undid_s or 0.0) - (figures.mended_s(view, **came) or 0.0)
    assert recovery.took_s - undone.took_s == pytest.approx(sooner_s) and sooner_s > 1
    view.experiment = replace(EXPERIMENT, evidence_rows=(EvidenceRow("r", "recovery", came),))
    assert told_of(view)["r"] == f"x {recovery.took_s:.2f} s"
    assert f"Full Recovery Time: {recovery.took_s:.2f}s" in summary.text(view, history_of([row(0.0)]))
    never = figures.mended_s(view, "nobody")
    assert never == view.times.undid_s


def test_orders_are_compared_with_what_was_acknowledged(tmp_path: Path) -> None:
    history = history_of([*(row(n / 10, key=f"k{n}") for n in range(3)), row(1, 500, "info", "k9")])
    for there, says in {
        '["k0", "k1", "k2"]': "x 3 (3 acknowledged: exact match)",
        '["k0", "k1", "k2", "k9"]': "x 4 (3 acknowledged: exact match; 1 there whose answer is not known)",
        '["k0", "k2", "k2", "z"]': "x 4 (3 acknowledged: 1 acknowledged and not there, 1 there again, "
        "1 there that the load has no record of)",
    }.items():
        assert told_of(with_final(tmp_path / there[-9:-2], there, TOTAL), history) == {"Total orders in DB": says}
    view = with_final(tmp_path / "beyond", '["k0", "k1", "k2"]', EvidenceRow("Overselling", "beyond", OF_TWO), TOTAL)
    assert told_of(view, None) == {
        "Overselling": "x 1 items",
        "Total orders in DB": "  not observed: 3 are there, and none was acknowledged to compare them with",
    }


def test_entries_are_compared_with_what_was_acknowledged_of_their_own_kind(tmp_path: Path) -> None:
    history = history_of([row(0, key="k0"), row(1, key="k1"), row(2, key="a")._replace(op="leak")])
    kept = EvidenceRow("Kept", "total", {"source": "keys", "op": "order"})
    says = {"Kept": "x 2 (2 acknowledged: exact match)"}
    assert told_of(with_final(tmp_path, '["k0", "k1"]', kept), history) == says


def test_a_final_state_that_was_not_read_is_not_observed(tmp_path: Path) -> None:
    asked = (TOTAL, EvidenceRow("Overselling", "beyond", OF_TWO), EvidenceRow("Gap", "gap", {"one": "a", "other": "b"}))
    lines = told_of(view_of(Queue(), tmp_path, *asked), history_of([row(1)]))
    assert all(line.startswith("  not observed: the final state has no") for line in lines.values()), lines


def test_what_was_to_be_so_beforehand_and_was_not_leaves_its_box_open_with_what_was_seen(tmp_path: Path) -> None:
    view = view_of(Queue(), tmp_path, EvidenceRow("clear", "reading", {"probe": QUEUE, "wanted": 0, "unit": "orders"}))
    assert told_of(view) == {"clear": "  2 orders, not 0"}


def test_steps_that_were_not_carried_out_are_not_ticked(tmp_path: Path) -> None:
    view = view_of(Queue(), tmp_path, EvidenceRow("stock", "prepared"))
    assert told_of(view) == {"stock": "  not observed: 0 of 0 steps were done"}


def test_anomalies_are_all_that_did_not_hold(stories: dict[str, RunView]) -> None:
    for name, says in {"held": "x none", "broke": "leader_1_again broke"}.items():
        view = asking(stories[name], EvidenceRow("anomalies", "anomalies"))
        assert says in told_of(view)["anomalies"]


def test_a_row_that_nobody_can_tell_is_not_observed_and_spoils_no_other(stories: dict[str, RunView]) -> None:
    view = asking(stories["held"], EvidenceRow("new", "of_a_later_version"), EvidenceRow("recovery", "recovery"))
    lines = told_of(view)
    assert lines["new"].startswith("  not observed") and lines["recovery"].startswith("x 1.")


def test_every_document_tells_the_figures_and_two_tell_the_check_list(stories: dict[str, RunView]) -> None:
    view = asking(stories["held"], EvidenceRow("Recovery time", "recovery"),
                  EvidenceRow("Verify | all", "found", {"names": ("ready_before", "nobody")}, "Pre-test"))  # fmt: skip
    text = observed_results.text(view, None)
    assert "Recovery time: 1." in text and "\nPre-test:\n\n- [ ] Verify \\| all: not observed: nobody: it was" in text
    page = html.page(view)
    assert "Check list" in page and "Observed results" in page and "not observed: nobody" in page
    assert "Recovery time" in summary.text(view, history_of()) and "Recovery time" in table.text(view)


def test_a_run_that_asks_for_no_rows_has_no_such_sections(stories: dict[str, RunView]) -> None:
    assert observed.rows(stories["held"], None) == ()
    assert "Check list" not in html.page(stories["held"]) and "Observed results" not in html.page(stories["held"])


UNDO = {"side": "undo"}
OF_TWO = {"source": "keys", "initial": 2}
ANSWERS = EvidenceRow("s", "answers", {"phase": "fault"})
TOTAL = EvidenceRow("Total orders in DB", "total", {"source": "keys"})


def backlog_rows(*names: str) -> list[EvidenceRow]:
    return [EvidenceRow(name, "backlog", {"probe": QUEUE, "figure": name, "unit": "orders"}) for name in names]


def asking(story: RunView, *rows: EvidenceRow) -> RunView:
    view = RunView(story.record, story.judgement, story.where)
    assert isinstance(view.experiment, Experiment)
    view.experiment = replace(view.experiment, evidence_rows=rows)
    return view


def with_final(folder: Path, keys: str, *rows: EvidenceRow) -> RunView:
    final = ("final", {"probe": "keys", "kind": "value", "value": keys, "note": "", "sent": 0.0, "answered": 0.0})
    return view_of(Queue(extra=[final]), folder, *rows)
