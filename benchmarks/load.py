"""The open loop beside k6 and hey, against a static nginx: rates, start errors, CPU, and how a freeze looks.

    python benchmarks/load.py [--seconds 20] [--rounds 1] [--rates 500,2000]

Needs nginx, k6 and hey (`apt-get install nginx-light`; `go install go.k6.io/k6@v1.3.0 github.com/rakyll/hey@latest`);
what is missing is left out and said. All in one run on one machine, one tool after the other: read the ratios.
On a machine that does other work, `chrt -r 10 python benchmarks/load.py` (root) keeps that out of the figures: server
and tools alike then run before everything else.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from tabulate import tabulate

from blackstart.base.percentiles import percentile
from blackstart.evidence import history
from blackstart.loads import OpenLoop, Operation, constant
from blackstart.loads.runner import LoadHandle

FREEZE_S = 2.0
POOL = 50
CONF = """
daemon off; master_process off; pid {dir}/nginx.pid; error_log {dir}/error.log; worker_rlimit_nofile 16000;
events {{ worker_connections 15000; }}
http {{ access_log off; keepalive_requests 1000000; keepalive_timeout 300s;
client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u;
scgi_temp_path {dir}/s; server {{ listen 127.0.0.1:{port} backlog=4096; root {dir}/www; }} }}
"""
SCRIPT = """
import http from 'k6/http';
export const options = { scenarios: { steady: { executor: 'constant-arrival-rate', rate: RATE, timeUnit: '1s',
  duration: 'SECONDSs', preAllocatedVUs: POOL } } };
export default function () { http.get('URL'); }
"""


@dataclass
class Figures:
    """What one tool did and said. `cpu_s` is user and system time of all its processes."""

    sent: int
    cpu_s: float
    latencies_ms: list[float] = field(default_factory=list)
    start_error_p99_ms: float | None = None
    left_out: int | None = None

    @property
    def cpu_s_per_100k(self) -> float:
        return self.cpu_s / max(1, self.sent) * 100_000


def find(binary: str) -> str | None:
    """From PATH, from where Go installs, or from where Debian puts servers."""
    return shutil.which(binary, path=f"{os.environ['PATH']}:{Path.home()}/go/bin:/usr/sbin")


@contextmanager
def nginx(folder: Path) -> Iterator[tuple[str, int]]:
    """A static server of one small file; gives its address and its process."""
    binary = find("nginx")
    if binary is None:
        sys.exit("no nginx: apt-get install nginx-light")
    (folder / "www").mkdir()
    (folder / "www" / "index.html").write_text("ok")
    port = _free_port()
    (folder / "nginx.conf").write_text(CONF.format(dir=folder, port=port))
    process = subprocess.Popen([binary, "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        _wait_for_port(port)
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(10)


def ours(url: str, rate: int, seconds: int, folder: Path) -> Figures:
    """Blackstart's open loop, as the engine runs it."""
    load = OpenLoop((Operation("get", url, timeout_s=30),), constant(rate, seconds))
    path = folder / f"ours-{time.monotonic_ns()}.csv"
    before = os.times()
    handle = LoadHandle.start(load, path)
    handle.wait_ready(30)
    _began()
    handle.go()
    summary = handle.wait(seconds + 60)
    after = os.times()
    if summary is None or not summary.complete:
        print(f"  ! the load was not complete: {summary.reasons if summary else 'it did not end'}")
    assert summary
    latencies = [row.latency_ms for row in history.read(path).rows if row.sent]
    return Figures(
        summary.sent, _children(after) - _children(before), latencies, summary.start_error_p99_ms, summary.unsent
    )


def k6(url: str, rate: int, seconds: int, folder: Path) -> Figures:
    """k6 with CSV output and its constant arrival rate, with a pool of 50 users."""
    script = folder / "script.js"
    text = SCRIPT.replace("RATE", str(rate)).replace("SECONDS", str(seconds)).replace("POOL", str(POOL))
    script.write_text(text.replace("URL", url))
    rows = folder / "k6.csv"
    argv = [find("k6") or "k6", "run", "--quiet", "--no-usage-report", "--out", f"csv={rows}", str(script)]
    cpu_s, _ = _run(argv, seconds)
    latencies, dropped = [], 0.0
    with rows.open() as file:
        for row in csv.DictReader(file):
            if row["metric_name"] == "http_req_duration":
                latencies.append(float(row["metric_value"]))
            elif row["metric_name"] == "dropped_iterations":
                dropped += float(row["metric_value"])
    return Figures(len(latencies), cpu_s, latencies, None, int(dropped))


def hey(url: str, rate: int, seconds: int, folder: Path) -> Figures:
    """hey with 50 workers, each limited to its share of the rate (0: no limit)."""
    limit = ["-q", str(rate / POOL)] if rate else []
    argv = [find("hey") or "hey", "-z", f"{seconds}s", "-c", str(POOL), *limit, "-o", "csv", "-t", "30", url]
    cpu_s, output = _run(argv, seconds)
    latencies = [float(row["response-time"]) * 1000 for row in csv.DictReader(output.splitlines())]
    # hey may end a little early or late: what was due is what its rate says.
    return Figures(len(latencies), cpu_s, latencies, None, max(0, rate * seconds - len(latencies)) if rate else None)


TOOLS: dict[str, Callable[[str, int, int, Path], Figures]] = {"blackstart": ours, "k6": k6, "hey": hey}


def rates(url: str, tools: list[str], rate: int, seconds: int, rounds: int, folder: Path) -> list[list[object]]:
    """Each tool at one rate, in turns; medians of the rounds."""
    seen: dict[str, list[Figures]] = {tool: [] for tool in tools}
    for _ in range(rounds):
        for tool in tools:
            seen[tool].append(TOOLS[tool](url, rate, seconds, folder))
    base = median(each.cpu_s_per_100k for each in seen["k6"]) if "k6" in seen else None
    lines = []
    for tool, runs in seen.items():
        errors = [run.start_error_p99_ms for run in runs if run.start_error_p99_ms is not None]
        cpu = median(run.cpu_s_per_100k for run in runs)
        lines.append([
            f"{rate}/s", tool, runs[0].sent, max(run.left_out or 0 for run in runs),
            round(median(errors), 2) if errors else "not told",
            round(cpu, 1), round(cpu / base, 2) if base else "",
            round(median(percentile(run.latencies_ms, 99) for run in runs), 2),
        ])  # fmt: skip
    return lines


def frozen(url: str, pid: int, tools: list[str], rate: int, seconds: int, folder: Path) -> list[list[object]]:
    """Each tool while the server is frozen for 2 s, beside what arithmetic says of everybody who came meanwhile."""
    lines: list[list[object]] = []
    for tool in tools:
        freezer = Freezer(pid, seconds * 0.4)
        with freezer.armed():
            figures = TOOLS[tool](url, rate, seconds, folder)
        share = freezer.lasted_s / seconds
        for p in (95, 99):
            # Those due during the silence waited evenly between all of it and nothing.
            truth_ms = freezer.lasted_s * (1 - (1 - p / 100) / share) * 1000
            told_ms = percentile(figures.latencies_ms, p)
            lines.append([
                tool, f"p{p}", round(told_ms, 1), round(truth_ms), f"{(told_ms / truth_ms - 1) * 100:+.1f} %",
                figures.left_out,
            ])  # fmt: skip
    return lines


class Freezer:
    """Stops a process for 2 s, some time after a tool has begun to send."""

    def __init__(self, pid: int, after_s: float) -> None:
        self._pid, self._after_s = pid, after_s
        self.lasted_s = 0.0

    @contextmanager
    def armed(self) -> Iterator[None]:
        thread = threading.Thread(target=self._freeze)
        _on_begin.append(thread.start)
        try:
            yield
        finally:
            _on_begin.clear()
            thread.join()

    def _freeze(self) -> None:
        time.sleep(self._after_s)
        os.kill(self._pid, signal.SIGSTOP)
        began = time.monotonic()
        time.sleep(FREEZE_S)
        os.kill(self._pid, signal.SIGCONT)
        self.lasted_s = time.monotonic() - began


_on_begin: list[Callable[[], None]] = []


def _began() -> None:
    for each in _on_begin:
        each()


def _run(argv: list[str], seconds: int) -> tuple[float, str]:
    before = os.times()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        _began()
        output, _ = process.communicate(timeout=seconds + 60)
    return _children(os.times()) - _children(before), output


def _children(times: os.times_result) -> float:
    return times.children_user + times.children_system


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--rates", default="500,2000")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    given = parser.parse_args()
    before = os.getloadavg()[0]
    tools = [tool for tool in TOOLS if tool == "blackstart" or find(tool)]
    for tool in TOOLS.keys() - set(tools):
        print(f"left out: no {tool}")
    with tempfile.TemporaryDirectory(prefix="blackstart-bench-") as name, nginx(Path(name)) as (url, pid):
        folder = Path(name)
        steady = [
            line
            for rate in map(int, given.rates.split(","))
            for line in rates(url, tools, rate, given.seconds, given.rounds, folder)
        ]
        heads = ["rate", "tool", "sent", "left out", "start error p99 ms", "CPU s per 100,000", "of k6's", "p99 ms"]
        print(
            f"\n{given.seconds} s, {given.rounds} rounds; "
            f"load average of the machine before {before:.1f}, after {os.getloadavg()[0]:.1f}\n"
            "goals: nothing left out, start error p99 ≤ 2 ms, CPU ≤ 1.0 of k6's"
        )
        print(tabulate(steady, heads))
        cold = frozen(url, pid, tools, 500, given.seconds, folder)
        print(f"\nserver frozen for {FREEZE_S:g} s of {given.seconds} s at 500/s; goal: within 5 %")
        print(tabulate(cold, ["tool", "", "told ms", "arithmetic ms", "error", "left out"]))
        print("\nclosed loop, as fast as 50 connections go, for the record")
        if "hey" in tools:
            figures = hey(url, 0, 5, folder)
            print(f"hey: {figures.sent / 5:.0f}/s, p99 {percentile(figures.latencies_ms, 99):.1f} ms")
    if given.json:
        given.json.write_text(json.dumps({"steady": steady, "frozen": cold}, indent=1))


if __name__ == "__main__":
    main()
