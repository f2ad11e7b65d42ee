"""The light HTTP client against servers that behave and servers that do not."""

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

from blackstart.errors import BadTarget
from blackstart.probes.http_client import HttpReader
from tests.unit.probes.servers import Handler, answering, free_port, http, requests_of, serving


def read(handle: Handler, timeout_s: float = 2.0, **more: int) -> tuple[str, object, int | None, str]:
    with serving(handle) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/x", **more)  # type: ignore[arg-type]
        answer = reader.read(timeout_s)
        reader.close()
        return answer.kind, answer.body, answer.status, answer.note


def test_answer_with_a_length_is_read() -> None:
    assert read(answering(http(b"hello"))) == ("answer", b"hello", 200, "")


def test_chunked_answer_is_read() -> None:
    chunked = b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"
    assert read(answering(chunked)) == ("answer", b"hello", 503, "")


def test_answer_that_ends_with_the_connection_is_read() -> None:
    assert read(answering(b"HTTP/1.0 200 OK\r\n\r\nhello", close=True)) == ("answer", b"hello", 200, "")


def test_interim_answer_is_passed_over() -> None:
    assert read(answering(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + http(b"ok")))[:3] == ("answer", b"ok", 200)


def test_answer_without_a_body_is_read() -> None:
    assert read(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) == ("answer", b"", 204, "")


def test_connection_is_kept_and_opened_again_when_the_server_had_closed_it() -> None:
    connections = []

    def handle(conn: socket.socket) -> None:
        connections.append(conn)
        for number, _ in enumerate(requests_of(conn)):
            conn.sendall(http(b"%d" % number))
            if number == 1:
                return

    with serving(handle) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        bodies = [reader.read(2).body for _ in range(5)]
    assert bodies == [b"0", b"1", b"0", b"1", b"0"]
    assert len(connections) == 3


def test_an_answer_with_a_known_head_is_the_same_as_one_that_was_parsed() -> None:
    answers = [http(b"one"), http(b"two"), http(b"three"), http(b"six"), http(b"bad", "503 No"), http(b"two")]
    with serving(answering(*answers)) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        seen = [(answer.status, answer.body) for answer in (reader.read(2) for _ in answers)]
        reader.close()
    assert seen == [(200, b"one"), (200, b"two"), (200, b"three"), (200, b"six"), (503, b"bad"), (200, b"two")]


def test_a_known_head_with_too_few_or_too_many_bytes_behind_it_is_not_trusted() -> None:
    def handle(conn: socket.socket) -> None:
        for number, _ in enumerate(requests_of(conn)):
            if number == 1:  # in two pieces
                conn.sendall(http(b"12345")[:-2])
                time.sleep(0.05)
                conn.sendall(b"45")
            elif number == 2:
                conn.sendall(http(b"12345") + b"surplus")
            else:
                conn.sendall(http(b"12345"))

    with serving(handle) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        assert [reader.read(2).body for _ in range(4)] == [b"12345"] * 4
        reader.close()


def test_a_chunked_answer_never_becomes_a_known_head() -> None:
    chunked = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n%d\r\n0\r\n\r\n" % n for n in range(4)]
    with serving(answering(*chunked)) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        assert [reader.read(2).body for _ in range(4)] == [b"0", b"1", b"2", b"3"]
        reader.close()


def test_answer_after_connection_close_comes_over_a_new_connection() -> None:
    with serving(answering(http(b"a", "200 OK", "Connection: close"), close=True)) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        assert [reader.read(2).body for _ in range(3)] == [b"a", b"a", b"a"]


def test_second_answer_that_nobody_asked_for_is_never_taken_for_the_next() -> None:
    with serving(answering(http(b"one") + http(b"surplus"), http(b"two"))) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        assert reader.read(2).body == b"one"
        assert reader.read(2).body == b"two"


def test_late_answer_is_never_taken_for_the_next() -> None:
    first = [True]

    def handle(conn: socket.socket) -> None:
        for _ in requests_of(conn):
            if first:
                first.clear()
                time.sleep(0.3)
                conn.sendall(http(b"late"))
            else:
                conn.sendall(http(b"fresh"))

    with serving(handle) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        assert reader.read(0.1).kind == "timed_out"
        assert reader.read(2).body == b"fresh"


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
    assert time.monotonic() - begun < 1


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
    assert 0.4 < time.monotonic() - begun < 1.2


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


def test_answer_above_the_limit_is_malformed_and_says_so() -> None:
    kind, body, _, note = read(answering(http(b"x" * 2000)), max_bytes=1000)
    assert (kind, body, note) == ("malformed", None, "answer larger than 1000 bytes")


def test_answer_as_large_as_the_limit_is_read() -> None:
    assert read(answering(http(b"x" * 1000)), max_bytes=1000)[1] == b"x" * 1000


def test_ipv6_is_read() -> None:
    with serving(answering(http(b"six")), host="::1") as port:
        assert HttpReader(f"http://[::1]:{port}/").read(2).body == b"six"


def test_localhost_is_read_whether_the_server_is_on_ipv4_or_ipv6() -> None:
    with serving(answering(http(b"four"))) as port:
        assert HttpReader(f"http://localhost:{port}/").read(2).body == b"four"


def test_request_has_the_headers_and_the_password_of_the_url() -> None:
    heads = []

    def handle(conn: socket.socket) -> None:
        for head in requests_of(conn):
            heads.append(head.decode())
            conn.sendall(http(b""))

    with serving(handle) as port:
        HttpReader(f"http://me:pw%20x@localhost:{port}/a b?q=ü", [("X-Ops-Key", "k")]).read(2)
    assert heads[0].startswith("GET /a%20b?q=%C3%BC HTTP/1.1\r\n")
    assert f"Host: localhost:{port}" in heads[0]
    assert "Authorization: Basic bWU6cHcgeA==" in heads[0]
    assert "X-Ops-Key: k" in heads[0]
    assert "Accept-Encoding" not in heads[0]


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x/", "http://", "http://h:99999/", "http://h/\r\nX: y"])
def test_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadTarget, match="http"):
        HttpReader(url)


def test_header_with_a_line_break_is_refused() -> None:
    with pytest.raises(BadTarget, match="line break"):
        HttpReader("http://localhost/", [("X", "a\r\nY: b")])


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
from blackstart.reading import read_once
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


def test_answer_of_two_gigabytes_is_malformed_and_memory_stays_small(two_gigabyte_port: int) -> None:
    argv = [sys.executable, "-c", _READ_IT, str(two_gigabyte_port)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    kind, peak_kib, grown_kib, note = done.stdout.strip().split("|")
    assert kind == "malformed"
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
        assert time.monotonic() - begun < 1
        server.send_signal(signal.SIGCONT)
        assert reader.read(5).kind == "answer"
        reader.close()
    finally:
        server.kill()
        server.wait(10)
