"""Loads go through JSON unchanged, and what is no load is refused."""

import json
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import EXIT_REFUSED
from blackstart.loads import K6, Burst, Commands, OpenLoop, Operation, Retry, constant, ramp
from blackstart.loads.__main__ import main

ORDER = Operation(
    "order", "http://h/orders", "POST", {"X-Key": "env:KEY"}, '{"id": "{key}"}', fail_statuses=("4xx", 503)
)
LOADS = [
    OpenLoop((ORDER, Operation("get", "/x")), (*ramp(1, 5, 2), *constant(5)), retry=Retry(2), key_prefix="t-"),
    Burst(15, ORDER, same_key=True),
    K6("script.js", ("--vus", "3"), {"A": "1"}),
    Commands(("place", "{key}"), constant(2), op="order", host="ssh://ops@db1", fail_codes=(4,), retry=Retry(8)),
]


@pytest.mark.parametrize("load", LOADS, ids=lambda load: load.kind)
def test_a_load_comes_back_from_its_record(load: OpenLoop | Burst | K6 | Commands) -> None:
    assert from_data(json.loads(json.dumps(to_data(load)))) == load


def test_keys_of_two_loads_never_meet() -> None:
    assert OpenLoop((ORDER,), constant(1)).key_prefix != OpenLoop((ORDER,), constant(1)).key_prefix


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("{", "Expecting property name"),
        ("[1]", "there is no load in it"),
        ('{"is": "step.ask", "text": "Stop it"}', "there is no load in it"),
        ('{"is": "load.open_lop"}', "names 'load.open_lop'"),
        ('{"is": "load.burst", "n": 3}', "missing 1 required positional argument: 'operation'"),
        (
            '{"is": "load.burst", "n": 0, "operation": {"is": "load.operation", "name": "x", "url": "/"}}',
            "between 1 and 20000",
        ),
    ],
)
def test_a_spec_with_a_mistake_is_refused(
    spec: str, reason: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spec.json"
    path.write_text(spec)
    assert main([str(path), str(tmp_path / "history.csv")]) == EXIT_REFUSED
    told = json.loads(capfd.readouterr().out)
    assert told["event"] == "refused" and str(path) in told["message"] and reason in told["message"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: OpenLoop((ORDER, ORDER), constant(1)), "different names"),
        (lambda: OpenLoop((ORDER,), constant(1), key_prefix=""), "key_prefix must be"),
        (lambda: OpenLoop((ORDER,), constant(1), key_prefix="a,b"), "key_prefix must be"),
        (lambda: OpenLoop((ORDER,), constant(1), name="a/b"), "name is letters"),
        (lambda: OpenLoop((ORDER,), constant(1), max_in_flight=0), "max_in_flight"),
        (lambda: OpenLoop((ORDER,), constant(1), workers=99), "workers"),
        (lambda: Burst(2, ORDER, connect_s=0), "connect_s"),
        (lambda: K6(""), "needs a script"),
        (lambda: K6("x.js", ("--out=json",)), "sets this option of k6 itself"),
    ],
)
def test_loads_that_make_no_sense_are_refused(make: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make()  # type: ignore[operator]


def test_workers_follow_the_rate_but_not_beyond_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    counts = [OpenLoop((ORDER,), constant(rate)).worker_count for rate in (1, 4000, 4001, 50_000)]
    assert counts == [1, 1, 2, 4]
    assert OpenLoop((ORDER,), constant(1), workers=3).worker_count == 3
