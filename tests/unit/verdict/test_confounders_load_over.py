"""What did not come true after the load had ended is inconclusive; what was proved while it flowed stays broken."""

from __future__ import annotations

import pytest

from blackstart.evidence.history import History, Row
from blackstart.model.expect import always, eventually
from blackstart.model.experiment import Traffic
from blackstart.verdict.judge import judge
from tests.unit.builders import Seen, Story, experiment, finding
from tests.unit.histories import history_of

answer, page = Seen("answer"), Seen("page")
AGAIN = eventually(answer.is_("ok"), within_s=2, name="again")
STEADY = always(page.is_(200), name="steady")
DIED = {"complete": False, "stopped": False}
TOO_SHORT = {"complete": True, "stopped": False}
WHOLE = {"complete": True, "stopped": True}


def told(summary: dict[str, bool], seen_page: int = 200, flows: str = "throughout") -> Story:
    """A run whose load is answered in another way all the time, from the fault at 2 to the end at 8."""
    drill = experiment(faults=(), recovery=(AGAIN,), always=(STEADY,), traffic=Traffic("load", flows))  # type: ignore[arg-type]
    run = Story(drill).phase(0, "baseline").reads(0.1, 2, answer="ok", page=200).phase(2, "fault")
    run = run.reads(2, 4, answer="bypassed", page=200).phase(4, "recovery")
    run = run.reads(4, 8, answer="bypassed", page=seen_page)
    return run.phase(8, "settle").note(8.01, "load", summary=summary).phase(8.1, "end")


def until(end_s: float) -> History:
    due = [number / 10 for number in range(1, round(end_s * 10))]
    return history_of(Row("get", "", 1, s, s, s + 0.01, "ok", 200, "", "bypassed") for s in due)


@pytest.mark.parametrize("summary", [DIED, TOO_SHORT])
def test_the_last_answer_of_a_load_that_has_ended_accuses_nobody(summary: dict[str, bool]) -> None:
    judgement = judge(told(summary).record(), history=until(3.0))
    found = finding(judgement, "again")
    assert (found.status, found.hint) == ("inconclusive", "")
    assert found.message.endswith("the load had ended by then")
    assert judgement.verdict == "inconclusive"


def test_what_did_not_come_true_while_the_load_flowed_broke() -> None:
    assert finding(judge(told(WHOLE).record(), history=until(8.0)), "again").status == "broke"
    assert finding(judge(told(DIED).record(), history=until(7.9)), "again").status == "broke"


def test_what_must_always_be_so_is_broken_without_a_load_too() -> None:
    judgement = judge(told(DIED, seen_page=500).record(), history=until(3.0))
    assert (finding(judgement, "steady").status, judgement.verdict) == ("broke", "broke")


def test_a_load_that_is_to_end_before_the_run_takes_nothing_back() -> None:
    assert finding(judge(told(TOO_SHORT, flows="recovery").record(), history=until(5.0)), "again").status == "broke"
