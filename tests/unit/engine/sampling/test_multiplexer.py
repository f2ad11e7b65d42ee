"""Endpoints that are awaited together: real sockets under the sampler."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from blackstart.base.sockets import Stale
from blackstart.engine.sampling.sampler import Sampler
from blackstart.model.reading import NonBlockingReader
from blackstart.probes.http import HttpStatus, HttpText
from blackstart.probes.http_client import HttpReader
from tests.unit.fake_probes import Taken
from tests.unit.probes.servers import Handler, answering, free_port, http, requests_of, serving


def text(port: int, name: str) -> HttpText:
    return HttpText(f"http://127.0.0.1:{port}/{name}", name=name)


def start(taken: Taken, *probes: HttpText | HttpStatus, read_timeout_s: float = 2.0) -> Sampler:
    running = Sampler(probes, taken, tick_s=0.02, max_rate_hz=100, read_timeout_s=read_timeout_s)
    running.start()
    return running


def settled(running: Sampler) -> None:
    """Nothing of the sampler runs any more."""
    assert running.stop() == ()
    assert running.failures == []


def sampler_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("sampler")]


def counting(connections: list[socket.socket]) -> Handler:
    def handle(conn: socket.socket) -> None:
        connections.append(conn)
        for number, _ in enumerate(requests_of(conn)):
            conn.sendall(http(b"%d" % number))

    return handle


def test_many_endpoints_are_read_over_one_connection_each_on_the_grid() -> None:
    connections: list[socket.socket] = []
    taken = Taken()
    with serving(counting(connections)) as port:
        running = start(taken, *(text(port, name) for name in "abcd"))
        for name in "abcd":
            readings = taken.wait(name, 25)
            assert [r.value for r in readings[:25]] == [str(n) for n in range(25)]
            gaps = sorted(b.sent_s - a.sent_s for a, b in zip(readings, readings[1:], strict=False))
            assert 0.015 < gaps[len(gaps) // 2] < 0.05
            assert all(r.sent_s <= r.answered_s for r in readings)
        settled(running)
    assert len(connections) == 4
    assert sampler_threads() == []


def test_silent_endpoint_is_timed_out_at_its_limit_and_holds_nobody_up() -> None:
    silent, taken = threading.Event(), Taken()

    def handle(conn: socket.socket) -> None:
        for head in requests_of(conn):
            if b"/quiet" in head and silent.is_set():
                time.sleep(30)
            conn.sendall(http(b"x"))

    with serving(handle) as port:
        running = start(taken, text(port, "quiet"), text(port, "loud"), read_timeout_s=1.0)
        taken.wait("quiet", 5)
        silent.set()
        deadline = time.monotonic() + 20
        while not (late := [r for r in taken.of("quiet") if r.kind == "timed_out"]):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert 0.99 < late[0].answered_s - late[0].sent_s < 3
        assert "within 1 s" in late[0].note
        meanwhile = [r for r in taken.of("loud") if late[0].sent_s < r.sent_s < late[0].answered_s]
        assert len(meanwhile) > 10
        silent.clear()
        seen = len(taken.of("quiet"))
        taken.wait("quiet", seen + 5)
        assert taken.of("quiet")[-1].kind == "value"
        settled(running)


def test_server_that_goes_and_comes_is_unreachable_meanwhile() -> None:
    taken, port = Taken(), free_port()

    def server() -> tuple[socket.socket, list[socket.socket]]:
        listener, conns = socket.create_server(("127.0.0.1", port)), []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    conn, _ = listener.accept()
                    conns.append(conn)
                    threading.Thread(target=quietly, args=(conn,), daemon=True).start()

        def quietly(conn: socket.socket) -> None:
            with contextlib.suppress(OSError):
                answering(http(b"up"))(conn)

        threading.Thread(target=accept, daemon=True).start()
        return listener, conns

    def end(listener: socket.socket, conns: list[socket.socket]) -> None:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for conn in conns:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)

    first = server()
    running = start(taken, text(port, "a"), text(port, "b"))
    for name in "ab":  # a connection that is only being taken would not be ended
        taken.wait(name, 5)
    end(*first)
    deadline = time.monotonic() + 20
    while not all(taken.of(name)[-1].kind == "unreachable" for name in "ab"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    second = server()
    while not all(taken.of(name)[-1].value == "up" for name in "ab"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert {r.kind for name in "ab" for r in taken.of(name)} == {"value", "unreachable"}
    settled(running)
    end(*second)


def test_answer_in_pieces_is_put_together() -> None:
    def pieces(conn: socket.socket) -> None:
        for _ in requests_of(conn):
            for piece in (b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 4\r\n\r\nab", b"cd"):
                conn.sendall(piece)
                time.sleep(0.004)

    taken = Taken()
    with serving(pieces) as port:
        running = start(taken, text(port, "a"))
        assert {r.value for r in taken.wait("a", 10)} == {"abcd"}
        settled(running)


def test_broken_answers_are_malformed_and_too_large_ones_unreadable_also_when_multiplexed() -> None:
    wrong, taken = threading.Event(), Taken()

    def handle(conn: socket.socket) -> None:
        for head in requests_of(conn):
            if not wrong.is_set():
                conn.sendall(http(b"ok"))
            elif b"/large" in head:
                conn.sendall(http(b"x" * 5_000_000))
            else:
                conn.sendall(b"oops\r\n\r\n")

    with serving(handle) as port:
        running = start(taken, text(port, "large"), text(port, "broken"))
        taken.wait("large", 3)
        wrong.set()
        for name, kind in (("large", "unreadable"), ("broken", "malformed")):
            deadline = time.monotonic() + 20
            while taken.of(name)[-1].kind != kind:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        settled(running)


def test_server_that_closes_after_each_answer_is_read_all_the_same() -> None:
    taken = Taken()
    with serving(answering(http(b"a", "200 OK", "Connection: close"), close=True)) as port:
        running = start(taken, text(port, "a"))
        assert {r.kind for r in taken.wait("a", 10)} == {"value"}
        settled(running)


def test_tick_adapts_at_once() -> None:
    taken = Taken()
    with serving(answering(http(b"x"))) as port:
        running = start(taken, text(port, "stays"))
        taken.wait("stays", 3)
        running.set_tick(30)
        time.sleep(0.1)
        seen = len(taken.of("stays"))
        running.set_tick(0.02)
        taken.wait("stays", seen + 5, within_s=15)
        settled(running)


def test_end_in_the_middle_of_a_silence_is_quick_and_complete() -> None:
    taken, begun = Taken(), threading.Event()

    def handle(conn: socket.socket) -> None:
        for number, _ in enumerate(requests_of(conn)):
            if number == 3:
                begun.set()
                time.sleep(30)
            conn.sendall(http(b"x"))

    with serving(handle) as port:
        running = start(taken, text(port, "a"), read_timeout_s=20)
        assert begun.wait(20)
        started = time.monotonic()
        settled(running)
        assert time.monotonic() - started < 10
    assert sampler_threads() == []


def test_reader_is_swift_only_on_an_open_connection() -> None:
    with serving(answering(http(b"x"), http(b"y"))) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        assert isinstance(reader, NonBlockingReader)
        assert not reader.ready()
        assert reader.ask() is None
        with pytest.raises(Stale):
            reader.collect()
        assert reader.read(2).body == b"x"
        assert reader.ready()
        assert reader.ask() is not None
        deadline = time.monotonic() + 5
        while (answer := reader.collect()) is None:
            assert time.monotonic() < deadline
        assert answer.body == b"y"
        assert reader.overdue(1).kind == "timed_out"
        assert not reader.ready()


_SAMPLES = """
import sys, time
from blackstart.engine.sampling.sampler import Sampler
from blackstart.probes.http import HttpText

def told(endpoint, readings, tick_s):
    print(readings[0].kind, readings[0].note, flush=True)

Sampler([HttpText(sys.argv[1], name="a")], told, tick_s=0.02, max_rate_hz=100, read_timeout_s=1.0).start()
time.sleep(60)
"""


def test_an_answer_that_came_while_we_were_stopped_is_no_time_out() -> None:
    """Nearly always a request is on its way, so it is when the process is stopped, for longer than its time limit."""

    def slow(conn: socket.socket) -> None:
        for _ in requests_of(conn):
            time.sleep(0.2)
            conn.sendall(http(b"x"))

    with serving(slow) as port:
        argv = [sys.executable, "-c", _SAMPLES, f"http://127.0.0.1:{port}/a"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            for _ in range(3):  # the multiplexer has it by then
                process.stdout.readline()
            for _ in range(3):
                os.kill(process.pid, signal.SIGSTOP)
                time.sleep(1.3)
                os.kill(process.pid, signal.SIGCONT)
                assert {process.stdout.readline().strip() for _ in range(4)} == {"value"}
            process.kill()
