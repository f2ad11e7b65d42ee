"""The light HTTP client against servers that do not behave: silent, cut short, endless, frozen."""

import gc
import os
import signal
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from blackstart.probes.http_client import HttpReader
from tests.unit.probes.http_read import read
from tests.unit.probes.servers import answering, free_port, http, serving


def test_refused_connection_is_unreachable() -> None:
    answer = HttpReader(f"http://127.0.0.1:{free_port()}/").read(2)
    assert answer.kind == "unreachable"
    assert "refused" in answer.note


def test_unknown_host_is_unreachable() -> None:
    assert HttpReader("http://no-such-host.invalid/").read(5).kind in ("unreachable", "timed_out")


def test_connection_closed_without_an_answer_is_unreachable() -> None:
    assert read(lambda conn: None)[0] == "unreachable"


def test_silent_server_is_timed_out_within_the_limit() -> None:
    begun = time.monotonic()
    assert read(lambda conn: time.sleep(3), timeout_s=0.3)[0] == "timed_out"
    assert time.monotonic() - begun < 2.5


def test_half_an_answer_is_malformed_when_the_connection_ends() -> None:
    kind, _, _, note = read(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", close=True))
    assert kind == "malformed"
    assert "cut short" in note


def test_half_a_chunked_answer_is_malformed_when_the_connection_ends() -> None:
    half = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
    assert read(answering(half, close=True))[0] == "malformed"


def test_half_an_answer_and_then_silence_is_timed_out() -> None:
    assert read(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), timeout_s=0.3)[0] == "timed_out"


@pytest.mark.parametrize("text", [b"SSH-2.0-x\r\n\r\n", b"\x00\x01\x02", b"HTTP/1.1 abc\r\n\r\n"])
def test_text_that_is_not_http_is_malformed(text: bytes) -> None:
    assert read(answering(text, close=True))[0] == "malformed"


def test_endless_drip_ends_at_the_time_limit() -> None:
    def drip(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            conn.sendall(b"x")
            time.sleep(0.02)

    begun = time.monotonic()
    assert read(drip, timeout_s=0.5)[0] == "timed_out"
    assert 0.4 < time.monotonic() - begun < 5


@pytest.mark.parametrize("head", [b"X-Of Us: 1", b"Content-Length: 2\r\nTransfer-Encoding: chunked"])
def test_an_answer_that_our_parser_is_too_strict_for_is_unreadable(head: bytes) -> None:
    assert read(answering(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\nok", close=True))[0] == "unreadable"


def test_endless_headers_are_malformed() -> None:
    def headers(conn: socket.socket) -> None:
        conn.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            conn.sendall(b"X-Header: %s\r\n" % (b"x" * 1000))

    kind, _, _, note = read(headers, timeout_s=5)
    assert kind == "malformed"
    assert "without an end of the headers" in note


@pytest.mark.parametrize("length", [1_000_000, 5_000_000, 2_000_000], ids=["whole", "too large", "cut short"])
def test_answers_that_come_fast_do_not_pile_up_until_the_collector_runs(length: int) -> None:
    body = b"x" * (1_000_000 if length == 2_000_000 else length)
    sent = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + body
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        with serving(answering(sent, close=True)) as port:
            reader = HttpReader(f"http://127.0.0.1:{port}/x")
            for _ in range(20):
                reader.read(5)
            reader.close()
        assert tracemalloc.get_traced_memory()[0] < 12_000_000
    finally:
        tracemalloc.stop()
        gc.enable()


def test_answer_above_our_limit_is_unreadable_and_says_so() -> None:
    kind, body, _, note = read(answering(http(b"x" * 2000)), max_bytes=1000)
    assert (kind, body, note) == ("unreadable", None, "answer larger than 1000 bytes")


def test_answer_as_large_as_the_limit_is_read() -> None:
    assert read(answering(http(b"x" * 1000)), max_bytes=1000)[1] == b"x" * 1000


_STREAM = """
import socket
s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept()
    try:
        c.recv(65536)
        c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2147483648\\r\\n\\r\\n")
        block = b"x" * 1048576
        for _ in range(2048): c.sendall(block)
    except OSError:
        pass
    c.close()
"""


_READ_IT = """
import sys
from blackstart.probes.http import HttpJson
from blackstart.probes.read import read_once
def peak_kib():
    # Not ru_maxrss: that is inherited from the process that started this one.
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0])
before = peak_kib()
reading = read_once(HttpJson(f"http://127.0.0.1:{sys.argv[1]}/", "a"), 20)
after = peak_kib()
print(reading.kind, after, after - before, reading.note, sep="|")
"""


@pytest.fixture
def two_gigabyte_port() -> Iterator[int]:
    server = subprocess.Popen([sys.executable, "-c", _STREAM], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait(10)


def test_answer_of_two_gigabytes_is_unreadable_and_memory_stays_small(two_gigabyte_port: int) -> None:
    argv = [sys.executable, "-c", _READ_IT, str(two_gigabyte_port)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    kind, peak_kib, grown_kib, note = done.stdout.strip().split("|")
    assert kind == "unreadable"
    assert "larger than 4194304" in note
    assert int(peak_kib) < 100 * 1024
    assert int(grown_kib) < 30 * 1024


def test_frozen_server_is_timed_out_and_then_answers_again() -> None:
    argv = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"]
    server = subprocess.Popen(
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd="/",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    try:
        port = int(server.stdout.readline().split("port ")[1].split(" ")[0])
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        assert reader.read(5).kind == "answer"
        server.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        assert reader.read(0.3).kind == "timed_out"
        assert time.monotonic() - begun < 5
        server.send_signal(signal.SIGCONT)
        assert reader.read(5).kind == "answer"
        reader.close()
    finally:
        server.kill()
        server.wait(10)
