"""What an answer means is as declared, and declarations that are not valid are refused."""

import pytest

from blackstart.evidence.history import Outcome
from blackstart.loads import Operation, Retry
from blackstart.loads.driving.prepared import Prepared, picked, prepare
from blackstart.loads.statuses import Statuses


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "ok"), (201, "ok"), (302, "fail"), (404, "fail"), (409, "ok"), (500, "info"), (503, "fail"), (101, "info")],
)
def test_a_full_number_beats_a_pattern_and_the_rest_is_unknown(status: int, outcome: Outcome) -> None:
    statuses = Statuses(("2xx", 409), ("4xx", "302", "503"), ("5xx",))
    assert statuses.outcome(status) == outcome


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ((("2xx", "2xy"), (), ()), "'2xy' is no status"),
        ((("200",), ("200",), ()), "status 200 can't mean both ok and fail"),
        (((), ("4xx",), ()), "no status means ok"),
    ],
)
def test_statuses_that_contradict_themselves_are_refused(groups: tuple[tuple[str, ...], ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Statuses(*groups)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": ""}, "needs a name"),
        ({"url": "localhost:80"}, "must begin with http"),
        ({"url": "ftp://h/"}, "must be a URL such as http://localhost:8000, not of the scheme ftp://"),
        ({"url": "http://node{n}.local/"}, "no holes in the host"),
        ({"url": "http://127.0.0.{int:1-4}:80/"}, "no holes in the host"),
        ({"method": "get"}, "no HTTP method"),
        ({"timeout_s": 0}, "timeout_s must be above 0"),
        ({"weight": 0}, "weight must be between"),
        ({"ok_details": ("a",)}, "needs detail_from"),
        ({"detail_from": "status"}, "must be header:NAME or json:PATH"),
        ({"body": "{int:9-1}"}, "must not be above"),
        ({"ok_statuses": ("abc",)}, "is no status"),
    ],
)
def test_operations_that_make_no_sense_are_refused(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        Operation(**{"name": "order", "url": "/orders", **fields})  # type: ignore[arg-type]
    assert str(refused.value).startswith('operation "')


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"times": -1}, "times"), ({"after_s": -1}, "after_s"), ({"outcomes": ("ok",)}, "must be info, fail or both")],
)
def test_retries_that_make_no_sense_are_refused(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Retry(**fields)  # type: ignore[arg-type]


def test_a_relative_address_is_made_whole_and_own_headers_win() -> None:
    operation = Operation("o", "/orders?x=1", headers={"A": "mine"})
    whole = operation.at("http://127.0.0.1:8000/api/", {"A": "theirs", "B": "env:KEY"})
    assert whole.url == "http://127.0.0.1:8000/api/orders?x=1"
    assert whole.headers == {"A": "mine", "B": "env:KEY"}
    assert Operation("o", "http://h:1/x").at("http://other").url == "http://h:1/x"


def test_operations_take_turns_by_weight() -> None:
    turns = prepare([Operation("a", "http://h/", weight=3), Operation("b", "http://h/")], 0)
    assert [turn.operation.name for turn in turns] == ["a", "a", "b", "a"]


def test_an_answer_with_another_detail_is_a_rejection() -> None:
    operation = Operation("o", "http://h/", detail_from="json:status", ok_details=("success",))
    prepared = Prepared(operation)
    assert prepared.judge(200, [], b'{"status": "success"}') == ("ok", "h:80", "success")
    assert prepared.judge(200, [], b'{"status": "ignored"}') == ("fail", "h:80", "ignored")
    assert prepared.judge(200, [], b"not json") == ("fail", "h:80", "")
    assert prepared.judge(500, [], b'{"status": "success"}')[0] == "info"


def test_the_beginning_of_a_rejection_is_kept() -> None:
    prepared = Prepared(Operation("o", "http://h/"))
    assert prepared.judge(409, [], b'{"detail":"paused"}') == ("fail", "h:80", '{"detail":"paused"}')
    assert len(prepared.judge(500, [], b"x" * 10_000)[2]) == 160


def test_json_paths_reach_into_lists_and_absent_is_empty() -> None:
    body = b'{"a": [{"b": 3}], "ok": true}'
    assert [picked(f"json:{path}", [], body) for path in ("a.0.b", "ok", "a.1.b", "z")] == ["3", "true", "", ""]
    assert picked("header:X-Instance", [(b"x-instance", b"i")], b"") == "i"


def test_the_user_and_password_of_an_address_are_sent_as_other_clients_do() -> None:
    sent = Prepared(Operation("get", "http://us%40er:pa:ss@h:80/x")).request("k", 1).decode()
    assert "\r\nHost: h\r\n" in sent
    assert "\r\nAuthorization: Basic dXNAZXI6cGE6c3M=\r\n" in sent
    given = Operation("get", "http://u:p@h/x", headers={"authorization": "Bearer t"})
    assert Prepared(given).request("k", 1).decode().count("uthorization") == 1
