"""The embedded fault proxy beside the real Toxiproxy and no proxy at all: one table of figures and ratios.

    python benchmarks/proxy.py [--rounds 9] [--only throughput,bulk,memory,latency]

Runs are interleaved (every proxy in turn for each command and depth, every other round backwards); a ratio is the
median of the ratios of runs that are seconds apart, so that a machine that is busy with something else disturbs all
alike. CPU is that of the proxy's process, by
the kernel's count. Needs redis-server, redis-benchmark and toxiproxy-server (on PATH or in ~/go/bin); uvloop is
measured too where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path

import requests
from loopback import free_port, ping, program, serve_echo, serve_sink, wait_for
from tabulate import tabulate

from blackstart.proxy.client import ProxyUnreachable, ToxiproxyClient

BULK_BYTES = 600_000_000
PAUSE_S = 0.3  # between two runs, so that a machine that others use is never full for long
IDLE_CONNECTIONS = 1000
CLIENTS = 50
REQUESTS = {1: 100_000, 16: 1_000_000}  # by depth: how many at a time on each connection; both last for seconds
LATENCIES_MS = {1: 400, 10: 100, 100: 20}  # and how many round trips are measured in each round


# ---------------------------------------------------------------- what is measured


@dataclass
class Proxy:
    """A proxy server under measurement, or none at all (`argv` empty)."""

    name: str
    argv: list[str]
    figures: dict[str, list[float]] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    client: ToxiproxyClient | None = None

    def start(self) -> None:
        if not self.argv:
            return
        port = free_port()
        silent = subprocess.DEVNULL
        self.process = subprocess.Popen([*self.argv, "-port", str(port)], stdout=silent, stderr=silent)
        self.client = ToxiproxyClient(f"127.0.0.1:{port}")
        wait_for(self._answers)

    def _answers(self) -> bool:
        assert self.client is not None
        try:
            return bool(self.client.version())
        except ProxyUnreachable:
            return False

    def to(self, upstream: int) -> int:
        """The port through which that local port is reached."""
        if self.client is None:
            return upstream
        name = f"to-{upstream}"
        if name not in self.client.proxies():
            self.call("POST", "/proxies", {"name": name, "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}"})
        return int(self.client.proxy(name).listen.rpartition(":")[2])

    def call(self, method: str, path: str, body: object = None) -> None:
        """Have the server change something."""
        assert self.client is not None
        requests.request(method, self.client.url + path, json=body, timeout=5).raise_for_status()

    def cpu_s(self) -> float:
        if self.process is None:
            return 0.0
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_bytes(self) -> int:
        if self.process is None:
            return 0
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def note(self, measure: str, value: float) -> None:
        self.figures.setdefault(measure, []).append(value)

    def median(self, measure: str) -> float | None:
        return statistics.median(self.figures[measure]) if measure in self.figures else None


def throughput(depth: int, command: str, proxy: Proxy, redis: int) -> None:
    """Requests per second and CPU per request of redis-benchmark with so many requests at a time."""
    port, count = proxy.to(redis), REQUESTS[depth]
    time.sleep(PAUSE_S)
    before_s = proxy.cpu_s()
    argv = ["redis-benchmark", "-p", str(port), "-c", str(CLIENTS), "-P", str(depth), "-n", str(count), "-q"]
    done = subprocess.run([*argv, "-t", command], capture_output=True, text=True, timeout=120, check=True)
    rate = float(re.findall(r"([\d.]+) requests per second", done.stdout)[-1])
    proxy.note(f"-P {depth} {command.upper()} [1000/s]", rate / 1000)
    if proxy.process is not None:
        proxy.note(f"-P {depth} CPU per request [µs]", (proxy.cpu_s() - before_s) / count * 1e6)


def bulk(proxy: Proxy, sink: int) -> None:
    """One connection that sends as fast as it can."""
    block = bytes(1024 * 1024)
    time.sleep(PAUSE_S)
    with socket.create_connection(("127.0.0.1", proxy.to(sink)), 30) as client:
        began = time.perf_counter()
        for _ in range(BULK_BYTES // len(block)):
            client.sendall(block)
        client.shutdown(socket.SHUT_WR)
        if client.recv(1):  # the sink sends nothing and closes once it has read all
            raise RuntimeError("the sink spoke")
        proxy.note("bulk [MB/s]", BULK_BYTES / 1e6 / (time.perf_counter() - began))


def memory(proxy: Proxy, echo: int) -> None:
    """How much larger the process is with idle connections, each of which has carried a little."""
    if proxy.process is None:
        return
    fresh = Proxy(proxy.name, proxy.argv)
    fresh.start()
    try:
        port = fresh.to(echo)
        ping(port, 1)
        before = fresh.rss_bytes()
        clients = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(IDLE_CONNECTIONS)]
        for client in clients:
            client.sendall(b"x")
            client.recv(1)
        proxy.note("memory per idle connection [kB]", (fresh.rss_bytes() - before) / IDLE_CONNECTIONS / 1000)
        for client in clients:
            client.close()
    finally:
        stop(fresh)


def latency(proxy: Proxy, echo: int) -> None:
    """By how much a round trip under a latency toxic is longer than the toxic and an untouched round trip together."""
    if proxy.client is None:
        return
    port, name = proxy.to(echo), f"to-{echo}"
    plain = ping(port, 300)
    plain_ms = statistics.median(plain)
    for taken_ms in plain:
        proxy.note("noise", taken_ms - plain_ms)
    for latency_ms, count in LATENCIES_MS.items():
        toxic = {"name": "late", "type": "latency", "attributes": {"latency": latency_ms}}
        proxy.call("POST", f"/proxies/{name}/toxics", toxic)
        for taken_ms in ping(port, count):
            proxy.note(f"late {latency_ms} ms", taken_ms - latency_ms - plain_ms)
            proxy.note(f"early {latency_ms} ms", max(0.0, latency_ms - taken_ms))
        proxy.call("DELETE", f"/proxies/{name}/toxics/late")


# The steps of each measure; every proxy takes its turn at one before the next begins.
MEASURES: dict[str, list[Callable[[Proxy, int], None]]] = {
    "throughput": [partial(throughput, depth, command) for depth in REQUESTS for command in ("get", "set")],
    "bulk": [bulk],
    "memory": [memory],
    "latency": [latency],
}


def stop(proxy: Proxy) -> None:
    if proxy.process is not None:
        proxy.process.terminate()
        proxy.process.wait(20)


# ---------------------------------------------------------------- the table


def contenders() -> list[Proxy]:
    ours = [sys.executable, "-m", "blackstart.proxy", "--loop"]
    found = [
        Proxy("direct", []),
        Proxy("Toxiproxy", [program("toxiproxy-server")]),
        Proxy("asyncio", [*ours, "asyncio"]),
    ]
    if importlib.util.find_spec("uvloop"):
        found.append(Proxy("uvloop", [*ours, "uvloop"]))
    return found


def rows(proxies: list[Proxy]) -> list[list[object]]:
    """Each measure: the figure of everyone, that of the last column ÷ Toxiproxy's, the goal, and whether it is met."""
    goals: dict[str, tuple[str, float]] = {"-P 1 [GS]ET": (">=", 1.1), "-P 16 [GS]ET": (">=", 1.0), "bulk": (">=", 2.0)}
    goals |= {"-P 1 CPU": ("<=", 0.8), "-P 16 CPU": ("<=", 0.8), "memory": ("<=", 0.25)}
    made: list[list[object]] = []
    for measure in proxies[-1].figures:
        if measure.startswith(("late", "early", "noise")):
            continue
        values = [proxy.median(measure) for proxy in proxies]
        # Compared run by run: the two of a pair are seconds apart, so that what else the machine does hits both.
        pairs = zip(proxies[-1].figures[measure], proxies[1].figures[measure], strict=True)
        ratio = statistics.median(ours / theirs for ours, theirs in pairs if theirs)
        sign, goal = next(goal for pattern, goal in goals.items() if re.match(pattern, measure))
        met = ratio >= goal if sign == ">=" else ratio <= goal
        made.append([measure, *values, ratio, f"{sign} {goal}", "yes" if met else "NO"])
    return made + latency_rows(proxies)


def latency_rows(proxies: list[Proxy]) -> list[list[object]]:
    made: list[list[object]] = []
    if "noise" in proxies[-1].figures:
        noise = [percentile(proxy.figures.get("noise", []), 0.99) for proxy in proxies]
        made.append(["no toxic: round trip p99 above p50 [ms]", *noise, None, "", ""])
    for latency_ms in LATENCIES_MS:
        late = [proxy.figures.get(f"late {latency_ms} ms", []) for proxy in proxies]
        early = [proxy.figures.get(f"early {latency_ms} ms", []) for proxy in proxies]
        if not late[-1]:
            continue
        p50, p99 = ([percentile(values, share) for values in late] for share in (0.5, 0.99))
        most = [max(values) if values else None for values in early]
        made.append([f"latency {latency_ms} ms: error p50 [ms]", *p50, None, "", ""])
        made.append([f"latency {latency_ms} ms: error p99 [ms]", *p99, None, "<= 1 ms", yes((p99[-1] or 0) <= 1)])
        made.append([f"latency {latency_ms} ms: most early [ms]", *most, None, "0", yes(most[-1] == 0)])
    return made


def percentile(values: list[float], share: float) -> float | None:
    return sorted(values)[int(len(values) * share)] if values else None


def yes(met: bool) -> str:
    return "yes" if met else "NO"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default=",".join(MEASURES), help="which measures, comma-separated")
    chosen = parser.parse_args()
    redis = free_port()
    store = [program("redis-server"), "--port", str(redis), "--save", "", "--appendonly", "no"]
    listeners = {name: socket.create_server(("127.0.0.1", 0), backlog=2048) for name in ("bulk", "echo")}
    helpers = [
        multiprocessing.Process(target=serve_sink, args=(listeners["bulk"],), daemon=True),
        multiprocessing.Process(target=serve_echo, args=(listeners["echo"],), daemon=True),
    ]
    ports = {"throughput": redis, "bulk": listeners["bulk"].getsockname()[1]}
    proxies = contenders()
    with subprocess.Popen(store, stdout=subprocess.DEVNULL) as server:
        try:
            for one in (*helpers, *proxies):
                one.start()
            for number in range(chosen.rounds):
                for measure in chosen.only.split(","):
                    port = ports.get(measure, listeners["echo"].getsockname()[1])
                    for step, proxy in product(MEASURES[measure], proxies[:: 1 if number % 2 else -1]):
                        step(proxy, port)
                print(f"round {number + 1} of {chosen.rounds} done", file=sys.stderr)
        finally:
            for proxy in proxies:
                stop(proxy)
            server.terminate()
    heads = ["measure (medians)", *(proxy.name for proxy in proxies), "ours ÷ Toxiproxy", "goal", "met"]
    print(tabulate(rows(proxies), heads, floatfmt=".2f", missingval="–"))


if __name__ == "__main__":
    main()
