"""Programs as a load: run at their times with keys of their own, their ends told apart, none left behind."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.errors import StepFailed
from blackstart.evidence import history
from blackstart.loads import Commands, Retry, constant
from blackstart.loads.runner import LoadHandle
from tests.contract.loads_support import alive, by_key, played, until
from tests.requirements import require
from tests.ssh_host import SshHost, ssh_host


def program(tmp_path: Path, text: str) -> str:
    file = tmp_path / "place"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def load(*argv: str, rate_per_s: float = 20.0, lasts_s: float | None = 0.5, **more: Any) -> Commands:
    return Commands(argv, constant(rate_per_s, lasts_s), key_prefix="k-", key_env="CLIENT_ORDER_ID", **more)


def test_each_run_has_a_key_of_its_own_in_its_environment_and_its_arguments(tmp_path: Path) -> None:
    wrote = tmp_path / "wrote"
    place = program(tmp_path, f'echo "$CLIENT_ORDER_ID $1 $API" >>{wrote}')
    summary, record = played(load(place, "{key}").at("http://127.0.0.1:1"), tmp_path / "history.csv")
    assert summary.complete, summary.reasons
    keys = [f"k-{number}" for number in range(1, 11)]
    assert sorted(row.key for row in record.rows) == sorted(keys)
    assert sorted(wrote.read_text().splitlines()) == sorted(f"{key} {key} http://127.0.0.1:1" for key in keys)
    assert {(row.outcome, row.op, row.instance) for row in record.rows} == {("ok", "command", "this machine")}
    assert all(row.sent and row.latency_ms > 0 for row in record.rows)


@pytest.mark.parametrize(
    ("ends", "outcome", "detail"),
    [
        ("exit 0", "ok", ""),
        ("echo no such account >&2; exit 4", "fail", "exit code 4: no such account"),
        ("echo no answer; exit 9", "info", "exit code 9: no answer"),
        ("exit 127", "info", "exit code 127"),
        ("kill -9 $$", "info", "exit code -9"),
        ("sleep 60", "info", "timed out after 0.4 s"),
    ],
)
def test_how_it_ends_says_what_is_known(tmp_path: Path, ends: str, outcome: str, detail: str) -> None:
    limit_s = 0.4 if detail.startswith("timed out") else 20.0
    one = load(program(tmp_path, ends), rate_per_s=1, lasts_s=1, timeout_s=limit_s, fail_codes=(4,))
    _, record = played(one, tmp_path / "history.csv")
    assert [(row.outcome, row.detail, row.status) for row in record.rows] == [(outcome, detail, None)]


def test_what_is_unknown_is_sent_again_with_the_same_key(tmp_path: Path) -> None:
    place = program(
        tmp_path, f'[ -e {tmp_path}/"$CLIENT_ORDER_ID" ] || {{ : >{tmp_path}/"$CLIENT_ORDER_ID"; exit 1; }}'
    )
    once = load(place, rate_per_s=2, lasts_s=1, retry=Retry(times=3, after_s=0.05))
    summary, record = played(once, tmp_path / "history.csv")
    assert summary.complete and summary.retries == 2
    for rows in by_key(record).values():
        assert [(row.attempt, row.outcome) for row in rows] == [(1, "info"), (2, "ok")]


def test_a_program_that_is_not_there_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    handle = LoadHandle.start(load(str(tmp_path / "none")), tmp_path / "history.csv")
    with pytest.raises(StepFailed, match="no such program"):
        handle.wait_ready(20)
    handle.stop(1)


def test_a_program_that_vanishes_leaves_requests_that_were_never_sent(tmp_path: Path) -> None:
    place = program(tmp_path, "exit 0")
    handle = LoadHandle.start(load(place), tmp_path / "history.csv")
    handle.wait_ready(20)
    Path(place).unlink()
    handle.go()
    summary = handle.wait(20)
    assert summary is not None and not summary.complete
    assert summary.unsent == summary.intended > 0


def test_more_than_may_be_under_way_are_recorded_as_unsent(tmp_path: Path) -> None:
    busy = load(program(tmp_path, "sleep 2"), max_in_flight=2)
    summary, record = played(busy, tmp_path / "history.csv")
    assert not summary.complete
    assert [row.detail for row in record.rows if not row.sent] == ["unsent: 2 requests in flight already"] * 8


def test_a_secret_reaches_the_program_and_not_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_KEY", "hunter2-hunter2")
    place = program(tmp_path, '[ "$KEY_OF_OPS" = hunter2-hunter2 ] || exit 3; echo "bad $KEY_OF_OPS" >&2; exit 1')
    _, record = played(load(place, env={"KEY_OF_OPS": "env:OPS_KEY"}), tmp_path / "history.csv")
    assert {row.detail.partition(":")[0] for row in record.rows} == {"exit code 1"}
    assert b"hunter2" not in (tmp_path / "history.csv").read_bytes()


def test_a_load_that_is_ended_at_once_leaves_no_program_running(tmp_path: Path) -> None:
    place = program(tmp_path, f"echo $$ >>{tmp_path}/pids; exec sleep 60")
    handle = LoadHandle.start(load(place, rate_per_s=5, lasts_s=None, timeout_s=30), tmp_path / "history.csv")
    handle.wait_ready(20)
    handle.go()
    until((tmp_path / "pids").exists, "a program runs")
    began_s = time.monotonic()
    summary = handle.stop(0.2)
    assert time.monotonic() - began_s < 10
    rows = history.read(tmp_path / "history.csv").rows
    assert rows and summary.intended == len(rows)
    assert {(row.outcome, row.detail) for row in rows} == {("info", "cut: the load had to end")}
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    until(lambda: not any(alive(pid) for pid in pids), "no program is left")
    assert not any(os.path.exists(f"/proc/{handle.pid}/task/{pid}") for pid in pids)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[SshHost]:
    require("ssh")
    (tmp_path / "ssh").mkdir()
    with ssh_host(tmp_path / "ssh") as made:
        yield made


@pytest.mark.ssh
def test_it_is_run_on_the_host_that_it_names(host: SshHost, tmp_path: Path) -> None:
    place = program(tmp_path, f'echo "$CLIENT_ORDER_ID $SSH_CONNECTION" >>{tmp_path}/wrote; [ "$1" != k-1 ] || exit 4')
    far = load(place, "{key}", rate_per_s=5, lasts_s=1, host=host.url, fail_codes=(4,))
    summary, record = played(far, tmp_path / "history.csv")
    assert summary.complete, summary.reasons
    fates = {row.key: row.outcome for row in record.rows}
    assert fates == {"k-1": "fail", "k-2": "ok", "k-3": "ok", "k-4": "ok", "k-5": "ok"}
    assert {row.instance for row in record.rows} == {host.url}
    lines = [line.split() for line in (tmp_path / "wrote").read_text().splitlines()]
    assert len(lines) == 5 and all(words[1] == "127.0.0.1" for words in lines)


@pytest.mark.ssh
def test_a_host_that_is_gone_leaves_fates_unknown_and_one_that_never_was_there_is_refused(
    host: SshHost, tmp_path: Path
) -> None:
    far = load("sleep", "0.1", rate_per_s=2, lasts_s=1, host=host.url)
    handle = LoadHandle.start(far, tmp_path / "history.csv")
    handle.wait_ready(20)
    host.stop()
    handle.go()
    handle.wait(30)
    handle.stop(1)
    rows = history.read(tmp_path / "history.csv").rows
    assert len(rows) == 2 and all(row.outcome == "info" for row in rows)
    again = LoadHandle.start(far, tmp_path / "other.csv")
    with pytest.raises(StepFailed, match="can't be reached"):
        again.wait_ready(30)
    again.stop(1)


@pytest.mark.ssh
def test_a_secret_that_would_show_in_a_process_list_is_refused(host: SshHost, tmp_path: Path) -> None:
    handle = LoadHandle.start(load("true", host=host.url, env={"A": "env:HOME"}), tmp_path / "history.csv")
    with pytest.raises(StepFailed, match="would show in the process list"):
        handle.wait_ready(20)
    handle.stop(1)
