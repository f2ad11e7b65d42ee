"""What did not come true after the load had ended is inconclusive; what was proved while it flowed stays broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from blackstart.evidence.history import History, Outcome, Row
from blackstart.model.expect import always, eventually
from blackstart.model.experiment import Traffic
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.verdict.judge import Judgement, judge
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


def read_on(outcomes: Sequence[Outcome], since_s: float, **more: Any) -> Judgement:
    """A run of a hundred requests until 8, of which the last ones came out so; its end is read until 9. From `since_s`
    on something else than an answer as usual is read."""
    served = eventually(LoadOutcome(**more).is_("ok"), within_s=2, for_s=1, name="served")
    drill = experiment(faults=(), recovery=(served,), traffic=Traffic("load", "throughout"))  # type: ignore[arg-type]
    run = Story(drill).phase(0, "baseline").phase(2, "fault").phase(4, "recovery")
    run.reads(4, since_s, load_outcome="ok").reads(since_s, 9, load_outcome="fail")
    last = 100 - len(outcomes)
    ends = [(s * 0.08, "ok" if n < last else outcomes[n - last]) for n, s in enumerate(range(1, 101))]
    rows = [Row("order", "", 1, s - 0.01, s - 0.01, s, outcome, 200) for s, outcome in ends]
    told = run.note(8.5, "load", summary=WHOLE).phase(9, "end").record()
    return judge(told, history=history_of([*rows, Row("plan", "", 1, 5.0, 5.0, 8.9, "ok", 200)]))


def test_one_failed_request_at_the_loads_end_is_one_however_often_it_is_read() -> None:
    found = finding(read_on(["fail"], 8.0, beside="plan"), "served")
    assert (found.status, "lost again" in found.message) == ("held", False)


def test_requests_that_failed_one_after_the_other_until_the_loads_end_break() -> None:
    found = finding(read_on(["fail"] * 10, 7.3, beside="plan"), "served")
    assert (found.status, "lost again" in found.message) == ("broke", True)
