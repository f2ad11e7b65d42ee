"""k6's CSV lines become rows; what can't be read is counted, never passed over."""

import pytest

from blackstart.evidence.history import Row
from blackstart.loads import K6
from blackstart.loads.driving.k6 import moved
from blackstart.loads.driving.k6_rows import K6Rows

HEADER = (
    "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,"
    "service,status,subproto,tls_version,url,extra_tags,metadata"
)
REQUEST = (
    "{metric},1000500000,{value},,{error},{code},true,,GET,get,HTTP/1.1,a,,{status},,,http://h/,instance=one,key=k-1"
)


def lines(status: str = "200", error: str = "", code: str = "") -> list[str]:
    values = {"http_reqs": 1, "http_req_duration": 200.0, "http_req_blocked": 50.0, "http_req_failed": 0}
    return [
        REQUEST.format(metric=metric, value=value, status=status, error=error, code=code)
        for metric, value in values.items()
    ]


def fed(*given: str) -> tuple[list[Row], K6Rows]:
    rows = K6Rows(K6("s.js"), lambda wall_s: wall_s - 900)
    made = [rows.feed(line)[1] for line in (HEADER, *given)]
    return [row for row in made if row], rows


def test_the_lines_of_one_request_make_one_row() -> None:
    made, _ = fed(*lines())
    assert made == [Row("get", "k-1", 1, 100.25, 100.25, 100.5, "ok", 200, "one", "", "k6/0")]


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        ("404", "1404", "fail"),
        ("500", "1500", "info"),
        ("0", "1050", "info"),
        ("0", "1212", "fail"),
        ("0", "1101", "fail"),
    ],
)
def test_its_error_codes_tell_certain_from_unknown(status: str, code: str, outcome: str) -> None:
    made, _ = fed(*lines(status, "some error", code))
    assert (made[0].outcome, made[0].detail) == (outcome, "some error")


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        ({}, "k-1"),
        ({"key_prefix": "k-"}, "k-1"),
        ({"key_prefix": "run7-"}, ""),
        ({"key_method": "GET"}, "k-1"),
        ({"key_method": "POST"}, ""),
    ],
)
def test_a_key_of_another_run_and_where_a_redirect_led_to_are_no_keys(rules: dict[str, str], key: str) -> None:
    rows = K6Rows(K6("s.js", **rules), lambda wall_s: wall_s - 900)
    made = [row for line in (HEADER, *lines()) if (row := rows.feed(line)[1])]
    assert [row.key for row in made] == [key]


def test_dropped_iterations_are_added_up() -> None:
    _, rows = fed("dropped_iterations,1000500000,3.0" + "," * 16, "dropped_iterations,1000600000,2.0" + "," * 16)
    assert rows.dropped_iterations == 5


def test_a_line_that_can_not_be_read_is_counted() -> None:
    made, rows = fed("http_reqs,broken,line", *lines()[1:])
    assert (made, rows.unreadable) == ([], 1)


def test_other_output_is_told_apart() -> None:
    rows = K6Rows(K6("s.js"), float)
    assert rows.feed(HEADER) == (True, None)
    assert rows.feed("  █ THRESHOLDS") == (False, None)
    assert rows.feed("vus,1000500000,3.0" + "," * 16) == (True, None)


def test_a_wall_clock_that_was_set_leaves_the_times_of_k6_open() -> None:
    assert moved(0.1) == moved(-0.1) == []
    (reason,) = moved(-3600.0)
    assert reason.startswith("the wall clock, by which k6 tells its times, was moved by 60 min 00 s")
