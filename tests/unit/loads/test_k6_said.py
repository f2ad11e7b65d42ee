"""What one pod's k6 says: its rows, and whether they are all that it counted."""

from __future__ import annotations

from blackstart.loads import K6
from blackstart.loads.driving.k6_said import Said
from blackstart.loads.driving.k6_thresholds import Union
from tests.unit.loads.test_k6_rows import HEADER, lines


def said(*given: str) -> Said:
    made = Said(K6("s.js"), float, 2, Union({}))
    for line in (HEADER, *given):
        made.feed(line)
    return made


def test_what_it_counted_and_told_of_is_the_whole() -> None:
    one = said(*lines(), 'blackstart {"requests": 1, "types": {}, "lasted_s": 1.5}')
    assert one.reasons("pod-2") == () and one.count == 1


def test_rows_come_under_the_number_of_the_pod() -> None:
    made = Said(K6("s.js"), float, 2, Union({}))
    rows = [row for line in (HEADER, *lines()) if (row := made.feed(line)[1])]
    assert [row.worker for row in rows] == ["k6/2"]


def test_a_request_that_its_log_lost_is_told() -> None:
    one = said(*lines(), 'blackstart {"requests": 3, "types": {}, "lasted_s": 1.5}')
    assert one.reasons("pod-2") == ("pod-2 sent 3 requests, and told of 1 in its log",)


def test_a_pod_that_ended_without_a_word_leaves_the_whole_open() -> None:
    assert said(*lines()).reasons("pod-2") == ("pod-2 did not say what it had sent in all",)


def test_an_exception_is_told_with_its_pod() -> None:
    thrown = 'time="…" level=error msg="Error: no token\\n\\tat default" executor=x source=stacktrace'
    one = said(thrown, 'blackstart {"requests": 0, "types": {}, "lasted_s": 1.5}')
    (reason,) = one.reasons("pod-2")
    assert reason.startswith("pod-2: 1 iterations of the script were ended by an exception")
