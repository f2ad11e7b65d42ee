"""Users' own k6 scripts: rows as they happen, thresholds by name, dropped iterations never a pass."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.clock import now_s
from blackstart.base.errors import StepFailed
from blackstart.evidence import history
from blackstart.loads import K6
from blackstart.loads.runner import LoadHandle
from tests.contract.loads_support import Server, alive, load_server, played, until
from tests.requirements import require
from tests.services import free_port

pytestmark = pytest.mark.k6

SCRIPT = """
import http from 'k6/http';
import exec from 'k6/execution';
export const options = {
  scenarios: { steady: { executor: 'constant-arrival-rate', rate: RATE, timeUnit: '1s', duration: 'DURATION',
                         preAllocatedVUs: VUS, maxVUs: VUS } },
  thresholds: { http_reqs: ['count>1'], http_req_duration: ['p(95)<0.0001'] },
};
export default function () {
  exec.vu.metrics.metadata['key'] = `${__ENV.PREFIX}${exec.scenario.iterationInTest}`;
  http.get(`${__ENV.API}PATH`, { tags: { name: 'get', instance: 'one' } });
}
"""


@pytest.fixture
def server() -> Iterator[Server]:
    require("k6")
    with load_server() as running:
        yield running


def script(tmp_path: Path, path: str = "/ok", rate: int = 50, duration: str = "2s", users: int = 25) -> str:
    text = SCRIPT.replace("RATE", str(rate)).replace("DURATION", duration).replace("VUS", str(users))
    file = tmp_path / "script.js"
    file.write_text(text.replace("PATH", path))
    return str(file)


def k6(server: Server, script_path: str, **more: object) -> K6:
    binary = shutil.which("k6") or os.path.expanduser("~/go/bin/k6")
    return K6(script_path, binary=binary, env={"PREFIX": "k-"}, **more).at(server.url)  # type: ignore[arg-type]


def test_its_requests_become_history_and_its_thresholds_results(server: Server, tmp_path: Path) -> None:
    summary, record = played(k6(server, script(tmp_path)), tmp_path / "history.csv")
    assert summary.complete, summary.reasons
    assert summary.sent == summary.ok == len(record.rows) == server.seen()["paths"]["/ok"]
    assert summary.sent == pytest.approx(100, abs=2)
    assert {row.key for row in record.rows} == {f"k-{n}" for n in range(len(record.rows))}
    assert {(row.op, row.instance, row.status) for row in record.rows} == {("get", "one", 200)}
    assert {(item.name, item.held) for item in summary.thresholds} == {
        ("http_reqs: count>1", True),
        ("http_req_duration: p(95)<0.0001", False),
    }
    assert summary.exit_code == 99
    assert summary.dropped_iterations == 0


@pytest.mark.parametrize("by", ["", "shell", "script", "config"])
def test_a_threshold_over_nothing_is_told_apart(
    server: Server, tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """k6 lets a threshold hold whose tag no request has, as after a typing error in it."""
    file = Path(script(tmp_path))
    config = tmp_path / "config.json"
    config.write_text('{"summaryTrendStats": ["p(95)"]}')
    if by == "shell":
        monkeypatch.setenv("K6_SUMMARY_TREND_STATS", "p(95)")
    elif by == "config":
        monkeypatch.setenv("K6_CONFIG", str(config))
    elif by == "script":
        file.write_text(file.read_text().replace("thresholds:", "summaryTrendStats: ['p(95)'], thresholds:"))
    mistyped = '"http_req_duration{name:gett}": ["p(95)<1"], "http_req_failed{name:gett}": ["rate<0.1"], ' + (
        '"http_req_connecting{name:gett}": ["p(95)<1"], "http_reqs{status:500}": ["count<1"], http_reqs:'
    )
    file.write_text(file.read_text().replace("http_reqs:", mistyped))
    summary, _ = played(k6(server, str(file)), tmp_path / "history.csv")
    assert {(item.name, item.seen) for item in summary.thresholds} == {
        ("http_reqs: count>1", True),
        ("http_req_duration: p(95)<0.0001", True),
        ("http_req_duration{name:gett}: p(95)<1", False),
        ("http_req_failed{name:gett}: rate<0.1", False),
        ("http_req_connecting{name:gett}: p(95)<1", False),
        ("http_reqs{status:500}: count<1", True),
    }


def test_rows_lie_on_the_clock_of_the_machine(server: Server, tmp_path: Path) -> None:
    before = now_s()
    _, record = played(k6(server, script(tmp_path, "/slow/100", 20, "1s")), tmp_path / "history.csv")
    assert all(before < row.intended_s < (row.end_s or 0) < now_s() for row in record.rows)
    assert all(100 <= row.latency_ms < 1000 for row in record.rows)


def test_dropped_iterations_make_the_load_incomplete(server: Server, tmp_path: Path) -> None:
    summary, _ = played(k6(server, script(tmp_path, "/slow/500", 50, "1s", users=2)), tmp_path / "history.csv")
    assert not summary.complete
    assert summary.dropped_iterations and summary.dropped_iterations > 30
    assert "the rate was not reached" in summary.reasons[0]


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="14-k6-scripts-throws"),
        {"K6_LOG_FORMAT": "json"},
        {"K6_LOG_FORMAT": "raw"},
        pytest.param({"K6_LOG_OUTPUT": "none"}, id="14-k6-scripts-lognone"),
        pytest.param({"K6_LOG_OUTPUT": "file=k6.log"}, id="14-k6-scripts-logfile"),
        {"K6_LOG_OUTPUT": "stdout"},
        pytest.param(
            {"K6_NO_SUMMARY": "true", "K6_NO_THRESHOLDS": "true", "K6_SUMMARY_MODE": "disabled"},
            id="14-k6-scripts-nosummary",
        ),
        {"K6_LINGER": "true", "K6_ADDRESS": "127.0.0.1:1", "K6_OUT": "json=all.json", "K6_PAUSED": "true"},
        {"K6_INCLUDE_SYSTEM_ENV_VARS": "false", "K6_SYSTEM_TAGS": "proto", "K6_CSV_FILENAME": "rows.csv"},
    ],
    ids=str,
)
def test_iterations_that_throw_make_the_load_incomplete_whatever_the_environment_says(
    server: Server, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file = Path(script(tmp_path))
    thrown = "'one' } }); throw new Error('no such token');"
    file.write_text(file.read_text().replace("'one' } });", thrown))
    summary, record = played(k6(server, str(file)), tmp_path / "history.csv")
    assert len(record.rows) == pytest.approx(100, abs=2)
    assert summary.reasons == (
        f"{len(record.rows)} iterations of the script were ended by an exception, and left out what came after it: "
        "Error: no such token",
    )
    assert {(item.name, item.held) for item in summary.thresholds} == {
        ("http_reqs: count>1", True),
        ("http_req_duration: p(95)<0.0001", False),
    }


@pytest.mark.parametrize("ends", ["throw new Error('no such token');", "Promise.reject(new Error('no such token'));"])
def test_an_exception_of_an_async_function_is_one(server: Server, tmp_path: Path, ends: str) -> None:
    """k6 says of it that it was uncaught in a promise, and not where it was thrown."""
    file = Path(script(tmp_path))
    text = file.read_text().replace("'one' } });", f"'one' }} }}); {ends}")
    assert "default function" in text
    file.write_text(text.replace("default function", "default async function"))
    summary, record = played(k6(server, str(file)), tmp_path / "history.csv")
    assert summary.reasons == (
        f"{len(record.rows)} iterations of the script were ended by an exception, and left out what came after it: "
        "Uncaught (in promise) Error: no such token",
    )


@pytest.mark.parametrize(
    ("name", "value"), [("K6_BLACKLIST_IPS", "127.0.0.0/8"), ("K6_BLOCK_HOSTNAMES", "*.shop.example")]
)
def test_what_would_keep_k6_from_sending_is_refused_by_name(
    server: Server, tmp_path: Path, name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StepFailed, match=f"{name} of the environment would keep k6 from sending: unset it"):
        played(k6(server, script(tmp_path)), tmp_path / "history.csv")


@pytest.mark.parametrize(
    "tags",
    [
        [],
        pytest.param(["proto", "url"], id="14-k6-scripts-systemtags2"),
        pytest.param(["status", "method", "url"], id="14-k6-scripts-systemtags"),
        ["vu", "iter", "ip"],
    ],
    ids=str,
)
def test_a_script_that_lists_a_few_system_tags_leaves_out_none(server: Server, tmp_path: Path, tags: list[str]) -> None:
    file = Path(script(tmp_path))
    file.write_text(file.read_text().replace("thresholds:", f"systemTags: {tags}, thresholds:"))
    summary, record = played(k6(server, str(file)), tmp_path / "history.csv")
    assert summary.complete, summary.reasons
    assert {(row.op, row.instance, row.status) for row in record.rows} == {("get", "one", 200)}


@pytest.mark.parametrize(
    "summary",
    [
        pytest.param("return { stdout: JSON.stringify(data) };", id="14-k6-scripts-summary"),
        pytest.param(
            "return { 'summary.json': JSON.stringify(data), stdout: textSummary(data) };",
            id="14-k6-scripts-summarythrows",
        ),
    ],
)
def test_a_script_that_makes_its_own_summary_is_read_as_any_other(server: Server, tmp_path: Path, summary: str) -> None:
    """All of it in one line among the rows, or an exception in place of it."""
    file = Path(script(tmp_path))
    file.write_text(f"{file.read_text()}export function handleSummary(data) {{ {summary} }}\n")
    told, record = played(k6(server, str(file)), tmp_path / "history.csv")
    assert told.complete, told.reasons
    assert told.sent == told.ok == len(record.rows) == server.seen()["paths"]["/ok"]
    assert {(item.name, item.held) for item in told.thresholds} == {
        ("http_reqs: count>1", True),
        ("http_req_duration: p(95)<0.0001", False),
    }


@pytest.mark.parametrize("after_s", [pytest.param(1, id="14-k6-scripts-abort")])
def test_a_script_that_aborts_by_its_threshold_ends_early_and_its_last_words_name_that(
    server: Server, tmp_path: Path, after_s: int
) -> None:
    file = Path(script(tmp_path, duration="60s"))
    crossed = f"{{ threshold: 'p(95)<0.0001', abortOnFail: true, delayAbortEval: '{after_s}s' }}"
    file.write_text(file.read_text().replace("'p(95)<0.0001'", crossed))
    handle = LoadHandle.start(k6(server, str(file)), tmp_path / "history.csv")
    try:
        handle.wait_ready(30)
        handle.go()
        summary = handle.wait(45)
    finally:
        handle.stop(1)
    assert summary is not None and not summary.stopped
    assert ("http_req_duration: p(95)<0.0001", False) in {(item.name, item.held) for item in summary.thresholds}
    assert "abortOnFail" in handle.last_words()


@pytest.mark.parametrize("module", [pytest.param("k6-summary/0.0.1/index.js", id="14-k6-scripts-jslib")])
def test_a_module_that_cannot_be_fetched_is_refused_by_its_url(server: Server, tmp_path: Path, module: str) -> None:
    """As one of jslib.k6.io is on a machine without a way out."""
    url = f"https://127.0.0.1:{free_port()}/{module}"
    file = Path(script(tmp_path))
    file.write_text(f"import {{ textSummary }} from '{url}';\n{file.read_text()}")
    handle = LoadHandle.start(k6(server, str(file)), tmp_path / "history.csv")
    with pytest.raises(StepFailed, match=re.escape(url)):
        handle.wait_ready(30)
    handle.stop(1)
    assert "/ok" not in server.seen()["paths"]


@pytest.mark.parametrize(
    "taken",
    [{"args": ("--log-output", "none")}, {"args": ("-ojson",)}, {"args": ("--system-tags=url",)}, {"args": ("-l",)},
     {"args": ("-c", "k6.json")}, {"env": {"K6_LOG_OUTPUT": "none"}}, {"env": {"K6_SUMMARY_TREND_STATS": "p(95)"}}],
    ids=str,
)  # fmt: skip
def test_what_the_evidence_is_read_from_is_refused_by_name(taken: dict[str, Any]) -> None:
    word = next(iter(next(iter(taken.values()))))
    with pytest.raises(ValueError, match=f"{word}: Blackstart sets this option of k6 itself"):
        K6("script.js", **taken)


def test_unknown_fates_are_told_apart_from_certain_ones(server: Server, tmp_path: Path) -> None:
    _, dropped = played(k6(server, script(tmp_path, "/drop", 10, "1s")), tmp_path / "drop.csv")
    assert {(row.outcome, row.status) for row in dropped.rows} == {("info", None)}
    load = k6(server, script(tmp_path, "/ok", 10, "1s"))
    _, refused = played(K6(load.script, binary=load.binary, env={"API": "http://127.0.0.1:9"}), tmp_path / "no.csv")
    assert {(row.outcome, row.status) for row in refused.rows} == {("fail", None)}
    assert "connection refused" in refused.rows[0].detail


def test_rows_come_while_it_runs_and_stop_keeps_thresholds(server: Server, tmp_path: Path) -> None:
    handle = LoadHandle.start(k6(server, script(tmp_path, duration="60s")), tmp_path / "history.csv")
    handle.wait_ready(30)
    assert "/ok" not in server.seen()["paths"], "it must wait for the go"
    handle.go()
    until(lambda: len(history.read(tmp_path / "history.csv").rows) > 50, "rows while it runs")
    assert handle.poll() is None
    summary = handle.stop(10)
    assert summary.complete, summary.reasons
    assert summary.stopped and len(summary.thresholds) == 2
    # k6 forgets what its users have under way when it is interrupted.
    assert 0 <= server.seen()["paths"]["/ok"] - summary.sent <= 25


def test_a_broken_script_is_refused_with_its_mistake(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "broken.js"
    file.write_text("export default function ( {")
    handle = LoadHandle.start(k6(server, str(file)), tmp_path / "history.csv")
    with pytest.raises(StepFailed, match="broken.js: Line 1"):
        handle.wait_ready(30)
    handle.stop(1)


def test_a_missing_k6_is_refused_with_what_to_do(tmp_path: Path) -> None:
    handle = LoadHandle.start(K6("x.js", binary="no-such-k6"), tmp_path / "history.csv")
    with pytest.raises(StepFailed, match="refused: there is no no-such-k6 on PATH: install it"):
        handle.wait_ready(30)
    handle.stop(1)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/ok", id="32-credentials-in-the-api-url-k6"),
        pytest.param("/drop", id="32-credentials-in-the-api-url-k6-that-is-hung-up-on"),
    ],
)
def test_a_login_in_the_apis_url_is_k6s_to_use_and_in_nothing_that_it_leaves(
    server: Server, tmp_path: Path, path: str
) -> None:
    """Its URL is what k6 calls a request by where the script has no name for it, and what its errors quote."""
    file = Path(script(tmp_path, path, 10, "1s"))
    file.write_text(
        file.read_text().replace("name: 'get', ", "") + "\nexport function setup() { console.log(__ENV.API); }"
    )
    load = k6(server, str(file))
    guarded = K6(load.script, binary=load.binary).at(server.url.replace("://", "://ops:hun%40ter2Secret@"))
    summary, record = played(guarded, tmp_path / "history.csv")
    assert len(record.rows) == summary.sent > 5
    left = {each.name: each.read_text() for each in tmp_path.iterdir() if each.name != "script.js"}
    assert left and not [name for name, text in left.items() if re.search("ter2Secret|b3BzOmh1bkB0ZXIy", text)]
    assert not re.search("ter2Secret|b3BzOmh1bkB0ZXIy", str(summary))
    assert any("://ops:[redacted]@" in text for text in left.values())


def test_a_killed_load_takes_its_k6_with_it(server: Server, tmp_path: Path) -> None:
    handle = LoadHandle.start(k6(server, script(tmp_path, duration="60s")), tmp_path / "history.csv")
    handle.wait_ready(30)
    handle.go()
    until(lambda: len(history.read(tmp_path / "history.csv").rows) > 5, "rows")
    children = [int(pid) for pid in Path(f"/proc/{handle.pid}/task/{handle.pid}/children").read_text().split()]
    assert len(children) == 1
    os.kill(handle.pid, 9)
    summary = handle.stop(5)
    assert not summary.complete
    until(lambda: not alive(children[0]), "k6 to end")
