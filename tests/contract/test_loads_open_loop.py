"""The open loop against real servers that are slow, frozen, gone or lying."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.clock import now_s
from blackstart.base.codec import to_data
from blackstart.base.percentiles import percentile
from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.history import read
from blackstart.loads import OpenLoop, Operation, Retry, Stage, Summary, constant, ramp
from blackstart.loads.runner import LoadHandle
from tests.contract.loads_support import Server, alive, by_key, fates, load_server, played, until

ORDER = '{"client_order_id": "{key}", "side": "{choice:BUY|SELL}", "quantity": {n}, "price": 101.5}'


@pytest.fixture
def server() -> Iterator[Server]:
    with load_server() as running:
        yield running


def get(server: Server, path: str, **more: object) -> Operation:
    return Operation("get", f"{server.url}{path}", **more)  # type: ignore[arg-type]


def test_everything_due_is_sent_at_its_time_and_recorded(server: Server, tmp_path: Path) -> None:
    load = OpenLoop((get(server, "/ok"),), (*ramp(10, 190, 1.0), *constant(100, 1.0)))
    summary, history = played(load, tmp_path / "history.csv")
    assert summary.complete, summary.reasons
    assert (summary.planned, summary.intended, summary.sent, summary.ok) == (200, 200, 200, 200)
    dues = sorted(row.intended_s for row in history.rows)
    assert dues[-1] - dues[0] == pytest.approx(1.99, abs=0.01)
    assert [round(later - due, 4) for due, later in zip(dues[100:], dues[101:], strict=False)] == [0.01] * 99
    assert all(row.start_error_ms >= 0 for row in history.rows)
    assert summary.start_error_p50_ms is not None and summary.start_error_p50_ms < 100
    assert server.seen()["paths"]["/ok"] == 200


def test_a_quiet_stage_is_played_to_its_end(server: Server, tmp_path: Path) -> None:
    began_s = time.monotonic()
    summary, _ = played(OpenLoop((get(server, "/ok"),), (Stage(20, 0.2), Stage(0, 2))), tmp_path / "history.csv")
    assert (summary.sent, summary.lasted_s) == (4, 2.2)
    assert time.monotonic() - began_s >= 2.2


def test_a_slow_server_does_not_slow_the_load(server: Server, tmp_path: Path) -> None:
    summary, history = played(OpenLoop((get(server, "/slow/800"),), constant(100, 1.0)), tmp_path / "history.csv")
    assert (summary.sent, summary.ok) == (100, 100)
    starts = [row.start_s for row in history.rows if row.start_s]
    assert max(starts) - min(starts) < 3  # a closed loop would have needed as long as the answers take
    assert percentile([row.latency_ms for row in history.rows], 1) >= 800


def test_a_frozen_server_shows_the_latency_that_arithmetic_says(server: Server, tmp_path: Path) -> None:
    load = OpenLoop((get(server, "/ok"),), constant(100, 4.0))
    runner = LoadHandle.start(load, tmp_path / "history.csv")
    runner.wait_ready(20)
    at_s: list[float] = []

    def send(number: int) -> None:
        os.kill(server.pid, number)
        at_s.append(time.monotonic())

    threading.Timer(1.0, send, (signal.SIGSTOP,)).start()
    threading.Timer(2.0, send, (signal.SIGCONT,)).start()
    runner.go()
    summary = runner.wait(30)
    assert summary is not None and summary.complete, summary
    latencies = [row.latency_ms for row in read(tmp_path / "history.csv").rows]
    # A quarter of the requests fell due during 1 s of silence, evenly: the p-th waited 1 s less its share of it.
    silence_ms = (at_s[1] - at_s[0]) * 1000  # timers of a busy machine are late
    assert percentile(latencies, 90) == pytest.approx(silence_ms - 400, abs=150)
    assert percentile(latencies, 95) == pytest.approx(silence_ms - 200, abs=150)
    assert percentile(latencies, 70) < 300


@pytest.mark.parametrize("workers", [1, 2])
def test_a_load_that_was_stopped_for_three_seconds_sends_no_crowd(server: Server, tmp_path: Path, workers: int) -> None:
    """What fell due meanwhile is recorded as unsent, and the load says what stood still, and for how long."""
    runner = LoadHandle.start(OpenLoop((get(server, "/ok"),), constant(100, 6.0), workers=workers), tmp_path / "h.csv")
    stalls: list[LagSample] = []
    runner.on_stall = stalls.append
    runner.wait_ready(20)
    at_s: list[float] = []

    def send(number: int) -> None:
        os.killpg(runner.pid, number)  # the load and its workers
        at_s.append(now_s())

    threading.Timer(1.0, send, (signal.SIGSTOP,)).start()
    threading.Timer(4.0, send, (signal.SIGCONT,)).start()
    runner.go()
    summary = runner.wait(30)
    assert summary is not None and not summary.complete
    stopped_s = at_s[1] - at_s[0]
    assert any("the load's process stood still for" in reason for reason in summary.reasons), summary.reasons
    assert max(sample.late_s for sample in stalls) == pytest.approx(stopped_s, abs=0.5)
    rows = read(tmp_path / "h.csv").rows
    unsent = [row for row in rows if not row.sent]
    assert len(unsent) == pytest.approx(100 * stopped_s, abs=60)
    assert all(at_s[0] - 0.2 < row.intended_s < at_s[1] and "stood still" in row.detail for row in unsent)
    at_once = [row for row in rows if row.start_s is not None and 0 <= row.start_s - at_s[1] < 0.1]
    assert len(at_once) < 60  # of 300 that were due
    assert len(rows) == 600


def test_what_an_answer_means_is_as_declared(server: Server, tmp_path: Path) -> None:
    paths = {"/ok": "ok", "/status/409": "fail", "/status/500": "info", "/status/503": "fail", "/status/302": "info"}
    operations = tuple(
        Operation(path.strip("/").replace("/", "-"), f"{server.url}{path}", fail_statuses=("4xx", "503"))
        for path in paths
    )
    _, history = played(OpenLoop(operations, constant(50, 0.4)), tmp_path / "history.csv")
    assert len(history.rows) == 20
    seen = {row.op: row.outcome for row in history.rows}
    assert list(seen.values()).count("ok") == 1
    assert seen == {path.strip("/").replace("/", "-"): outcome for path, outcome in paths.items()}


def test_unknown_fates_are_info_and_certain_ones_are_not(server: Server, tmp_path: Path) -> None:
    operations = (
        Operation("drop", f"{server.url}/drop"),
        Operation("hang", f"{server.url}/hang", timeout_s=0.3),
        Operation("endless", f"{server.url}/endless", timeout_s=20),
        Operation("refused", "http://127.0.0.1:9/"),
    )
    _, history = played(OpenLoop(operations, constant(40, 0.2)), tmp_path / "history.csv")
    outcomes = {row.op: (row.outcome, row.status) for row in history.rows}
    assert outcomes == {
        "drop": ("info", None), "hang": ("info", None), "endless": ("info", None), "refused": ("fail", None),
    }  # fmt: skip
    details = {row.op: row.detail for row in history.rows}
    assert "connection lost" in details["drop"]
    assert details["hang"] == "timed out after 0.3 s"
    assert "longer than" in details["endless"]
    assert "no connection" in details["refused"]


def test_a_lost_connection_is_never_sent_again_in_secret(server: Server, tmp_path: Path) -> None:
    _, history = played(OpenLoop((get(server, "/drop"),), constant(50, 0.6)), tmp_path / "history.csv")
    assert server.seen()["paths"]["/drop"] == len(history.rows) == 30


def test_a_retry_sends_the_same_key_and_the_same_content(server: Server, tmp_path: Path) -> None:
    order = Operation("order", f"{server.url}/orders?lossy=1", "POST", body=ORDER)
    load = OpenLoop((order,), constant(100, 0.6), key_prefix="t-", retry=Retry(3, 0.05), seed=7)
    summary, history = played(load, tmp_path / "history.csv")
    assert (summary.sent, summary.retries, summary.ok, summary.info) == (60, 20, 60, 20)
    assert set(fates(history).values()) == {"ok"}
    attempts = {key: [row.attempt for row in rows] for key, rows in by_key(history).items()}
    assert attempts["t-3"] == [1, 2]
    bodies = server.seen()["bodies"]
    assert set(bodies) == {f"t-{n}" for n in range(1, 61)}
    assert all(len(set(texts)) == 1 for texts in bodies.values())
    assert {"BUY", "SELL"} == {text.split('"')[7] for texts in bodies.values() for text in texts}


def test_some_of_what_is_acknowledged_is_sent_once_more_on_purpose(server: Server, tmp_path: Path) -> None:
    order = Operation("order", f"{server.url}/orders", "POST", body=ORDER)
    load = OpenLoop((order,), constant(50, 0.6), key_prefix="t-", retry=Retry(0, 0.05, acknowledged_every=5))
    summary, history = played(load, tmp_path / "history.csv")
    assert (summary.sent, summary.retries, summary.ok, summary.complete) == (30, 6, 36, True)
    attempts = {key: len(rows) for key, rows in by_key(history).items()}
    assert {key for key, count in attempts.items() if count == 2} == {f"t-{n}" for n in range(5, 31, 5)}


def test_some_requests_are_sent_twice_at_once(server: Server, tmp_path: Path) -> None:
    order = Operation("order", f"{server.url}/orders", "POST", body=ORDER)
    load = OpenLoop((order,), constant(50, 0.6), key_prefix="t-", retry=Retry(twice_every=7))
    summary, history = played(load, tmp_path / "history.csv")
    assert (summary.sent, summary.retries, summary.ok, summary.complete) == (30, 4, 34, True)
    twins = {key: rows for key, rows in by_key(history).items() if len(rows) == 2}
    assert set(twins) == {"t-7", "t-14", "t-21", "t-28"}
    assert all(one.intended_s == other.intended_s for one, other in twins.values())
    assert all(len(set(server.seen()["bodies"][key])) == 1 for key in twins)


def test_a_repetition_that_is_rejected_as_known_was_acknowledged_once_and_is_no_failure(
    server: Server, tmp_path: Path
) -> None:
    order = Operation("order", f"{server.url}/orders?once=1", "POST", body=ORDER)
    load = OpenLoop((order,), constant(50, 0.6), key_prefix="t-", retry=Retry(0, 0.05, acknowledged_every=5))
    summary, history = played(load, tmp_path / "history.csv")
    assert (summary.sent, summary.ok) == (30, 36)
    again = [row for row in history.rows if row.attempt == 2]
    assert {(row.outcome, row.status, row.detail) for row in again} == {("ok", 409, '{"detail": "known"}')}


def test_details_and_instances_are_read_from_answers(server: Server, tmp_path: Path) -> None:
    operation = get(
        server, "/json", detail_from="json:order.status", ok_details=("success",), instance_from="json:instances.0.id"
    )
    _, history = played(OpenLoop((operation,), constant(20, 0.2)), tmp_path / "history.csv")
    assert {(row.outcome, row.detail, row.instance) for row in history.rows} == {("fail", "ignored", "a-1")}


def test_requests_beyond_the_cap_are_unsent_and_make_the_load_incomplete(server: Server, tmp_path: Path) -> None:
    load = OpenLoop((get(server, "/slow/1500"),), constant(50, 1.0), max_in_flight=10)
    summary, history = played(load, tmp_path / "history.csv")
    assert (summary.intended, summary.sent, summary.unsent) == (50, 10, 40)
    assert not summary.complete
    assert "40 of 50 requests were never sent" in summary.reasons
    unsent = [row for row in history.rows if not row.sent]
    assert {row.outcome for row in unsent} == {"fail"}
    assert unsent[0].detail == "unsent: 10 requests in flight already"


def test_stop_lets_what_is_in_flight_end_and_counts_what_was_due(server: Server, tmp_path: Path) -> None:
    load = OpenLoop((get(server, "/slow/500"),), constant(50))
    runner = LoadHandle.start(load, tmp_path / "history.csv")
    runner.wait_ready(20)
    runner.go()
    time.sleep(1.0)
    summary = runner.stop(10)
    assert summary.complete, summary.reasons
    assert summary.stopped and summary.planned is None
    assert summary.intended == summary.ok
    assert summary.intended == pytest.approx(50 * summary.lasted_s, abs=2)
    assert runner.poll() == 0


def test_two_workers_share_one_load_without_a_gap(server: Server, tmp_path: Path) -> None:
    load = OpenLoop((get(server, "/ok"),), constant(200, 1.5), key_prefix="w-", workers=2)
    summary, history = played(load, tmp_path / "history.csv")
    assert summary.complete, summary.reasons
    assert summary.ok == 300
    assert {row.key for row in history.rows} == {f"w-{n}" for n in range(1, 301)}
    assert {row.worker for row in history.rows} == {"load/0", "load/1"}
    dues = sorted(row.intended_s for row in history.rows)
    assert max(later - due for due, later in zip(dues, dues[1:], strict=False)) == pytest.approx(0.005, abs=1e-4)


def test_secrets_come_from_the_environment_and_stay_out_of_the_record(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_KEY_FOR_TEST", "hush-hush")
    order = Operation(
        "order", f"{server.url}/status/404", "POST", {"X-Ops-Key": "env:OPS_KEY_FOR_TEST"}, body="hush-hush {key}"
    )
    played(OpenLoop((order,), constant(20, 0.2)), tmp_path / "history.csv")
    for file in tmp_path.glob("history*"):
        assert "hush-hush {key}" in file.read_text() or "hush-hush" not in file.read_text()


def test_a_missing_secret_is_refused_before_anything_is_sent(server: Server, tmp_path: Path) -> None:
    load = OpenLoop((get(server, "/ok", headers={"X-Ops-Key": "env:NO_SUCH_SECRET"}),), constant(20, 0.2))
    runner = LoadHandle.start(load, tmp_path / "history.csv")
    with pytest.raises(Exception, match="NO_SUCH_SECRET is empty or not set"):
        runner.wait_ready(20)
    runner.stop(1)
    assert "/ok" not in server.seen()["paths"]


PARENT = """
import json, sys, time
from pathlib import Path
from blackstart.base.codec import from_data
from blackstart.loads.runner import LoadHandle
runner = LoadHandle.start(from_data(json.loads(sys.argv[1])), Path(sys.argv[2]))
runner.wait_ready(20)
runner.go()
print(runner.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_parent_ends_the_load_and_what_was_known_stays(
    server: Server, tmp_path: Path, workers: int, own_state: Path
) -> None:
    spec = to_data(OpenLoop((get(server, "/ok"),), constant(100), workers=workers))
    history = tmp_path / "history.csv"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, json.dumps(spec), str(history)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "lib"},
    ) as parent:
        assert parent.stdout
        load_pid = int(parent.stdout.readline())
        until(lambda: history.exists() and len(read(history).rows) > 20, "rows")
        parent.kill()
    until(lambda: not alive(load_pid), "the load to end")
    rows = len(read(history).rows)
    seen = server.seen()["paths"]["/ok"]
    assert rows <= seen <= rows + 20
    time.sleep(0.3)
    assert server.seen()["paths"]["/ok"] == seen


def test_a_killed_load_has_a_summary_that_says_so(server: Server, tmp_path: Path) -> None:
    runner = LoadHandle.start(OpenLoop((get(server, "/ok"),), constant(100)), tmp_path / "history.csv")
    runner.wait_ready(20)
    runner.go()
    until(lambda: len(read(tmp_path / "history.csv").rows) > 20, "rows")
    os.kill(runner.pid, signal.SIGKILL)
    summary = runner.stop(5)
    assert not summary.complete
    assert "died without a summary" in summary.reasons[0]
    assert summary.ok > 20


@pytest.mark.parametrize("workers", [1, 2])
def test_a_load_that_somebody_else_ended_is_not_complete(server: Server, tmp_path: Path, workers: int) -> None:
    load = OpenLoop((get(server, "/ok"),), constant(100, 30.0), workers=workers)
    runner = LoadHandle.start(load, tmp_path / "history.csv")
    runner.wait_ready(20)
    runner.go()
    until(lambda: len(read(tmp_path / "history.csv").rows) > 20, "rows")
    os.kill(runner.pid, signal.SIGTERM)
    summary = runner.wait(20)
    assert summary is not None and summary.stopped
    assert summary.reasons == ("it was ended by a signal, or with its parent",)


def test_a_full_disk_ends_the_load_and_is_told(server: Server, tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(to_data(OpenLoop((get(server, "/ok"),), constant(200, 5.0)))))
    # No file of its own may grow beyond 8 blocks: what a full disk does, for one process.
    argv = ["sh", "-c", 'ulimit -f 8 && exec "$0" "$@"', sys.executable, "-m", "blackstart.loads"]
    argv += [str(spec), str(tmp_path / "history.csv")]
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "lib"},
    ) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        process.stdin.write(b"go\n")
        process.stdin.flush()
        summary = Summary.from_data(json.loads(process.stdout.readline()))
    assert not summary.complete
    assert "the history can't be written" in summary.reasons[0]
    assert server.seen()["paths"]["/ok"] < 200


def test_the_spec_with_its_headers_is_nowhere_on_disk_afterwards(server: Server, tmp_path: Path) -> None:
    operation = get(server, "/ok", headers={"X-Ops-Key": "literally-secret"})
    played(OpenLoop((operation,), constant(20, 0.2)), tmp_path / "run" / "history.csv")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["history.csv", "history.log"]
