"""Servers that send anything: the sampler says what it is, in time, and its process stays small."""

import json
import subprocess
import sys

SERVER = """
import socket, threading
def serve(conn):
    data = b""
    try:
        while True:
            while b"\\r\\n\\r\\n" not in data:
                more = conn.recv(65536)
                if not more: return
                data += more
            head, _, data = data.partition(b"\\r\\n\\r\\n")
            path = head.split()[1]
            answer(conn, path)
    except OSError:
        pass
    finally:
        conn.close()
def answer(conn, path):
    ok = b"HTTP/1.1 200 OK\\r\\n"
    block = b"x" * 1048576
    if path == b"/huge":
        conn.sendall(ok + b"Content-Length: 2147483648\\r\\n\\r\\n")
        for _ in range(2048): conn.sendall(block)
    elif path == b"/endless":
        conn.sendall(ok + b"Transfer-Encoding: chunked\\r\\n\\r\\n")
        while True: conn.sendall(b"%x\\r\\n%s\\r\\n" % (len(block), block))
    elif path == b"/broken":
        conn.sendall(ok + b"Content-Length: 9\\r\\n\\r\\n{\\"is_pau\\"")
    elif path == b"/deep":
        body = b"[" * 4000000
        conn.sendall(ok + b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
    elif path == b"/sets":
        body = b"".join(b'a{x="%d"} 1\\n' % n for n in range(250000))
        conn.sendall(ok + b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
    elif path == b"/none":
        conn.sendall(ok + b"Content-Length: 4\\r\\n\\r\\nb 1\\n")
listener = socket.create_server(("127.0.0.1", 0)); print(listener.getsockname()[1], flush=True)
while True:
    conn, _ = listener.accept()
    threading.Thread(target=serve, args=(conn,), daemon=True).start()
"""
SAMPLING = """
import json, sys, time
from blackstart.probes.http import HttpJson
from blackstart.probes.metrics import Metric
from blackstart.engine.sampling.sampler import Sampler
base = f"http://127.0.0.1:{sys.argv[1]}"
probes = [HttpJson(f"{base}/{path}", "a", name=path) for path in ("huge", "endless", "broken", "deep")]
probes += [Metric("a", aggregate="sum", path=f"{base}/{path}", name=path) for path in ("sets", "none")]
kinds, slowest = {}, [0.0]
def peak_kib():
    # Not ru_maxrss: that is inherited from the process that started this one.
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0])
def take(endpoint, readings, tick_s):
    for r in readings:
        kinds.setdefault(r.probe, set()).add(r.kind)
        slowest[0] = max(slowest[0], r.answered_s - r.sent_s)
running = Sampler(probes, take, tick_s=0.2, max_rate_hz=5, read_timeout_s=1.0)
running.start()
time.sleep(6)
left = running.stop()
print(json.dumps({name: sorted(found) for name, found in kinds.items()}))
print(peak_kib(), round(slowest[0], 2), left, running.failures, sep="|")
"""


def test_whatever_is_sent_is_named_in_time_and_within_150_mb() -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = server.stdout.readline().strip()
        argv = [sys.executable, "-c", SAMPLING, port]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True)
    finally:
        server.kill()
        server.wait(10)
    kinds, facts = done.stdout.strip().splitlines()
    seen = json.loads(kinds)
    # A busy machine may not get through four megabytes before the limit: that is a time-out, and as honest.
    for name in ("huge", "endless", "deep", "sets"):
        assert set(seen[name]) <= {"unreadable", "timed_out"}, (name, seen[name])
    for name, kind in (("none", "absent"), ("broken", "malformed")):
        assert kind in seen[name] and set(seen[name]) <= {kind, "timed_out"}, (name, seen[name])
    peak_kib, slowest_s, left, failures = facts.split("|")
    print(f"peak {int(peak_kib) // 1024} MiB, slowest {slowest_s} s")
    assert int(peak_kib) < 150 * 1024
    assert float(slowest_s) < 3.0
    assert (left, failures) == ("()", "[]")
