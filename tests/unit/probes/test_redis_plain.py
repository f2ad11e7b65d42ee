"""Simple Redis commands without the library: which ones, and what every kind of answer comes to."""

from __future__ import annotations

import socket
import time

import pytest

from blackstart.base.urls.redis import read
from blackstart.probes.redis_plain import PlainReader, is_plain
from blackstart.probes.redis_value import RedisCommandEndpoint
from tests.unit.probes.servers import Handler, free_port, serving


@pytest.mark.parametrize(
    ("dsn", "command", "plain"),
    [
        ("redis://localhost:6379", ("GET", "k"), True),
        ("redis://user:p%40ss@[::1]:6379/3", ("hget", "h", "f"), True),
        ("redis://localhost/", ("EXISTS", "k"), True),
        ("redis://localhost/", ("CONFIG", "GET", "save"), True),
        ("rediss://localhost:6379", ("GET", "k"), True),
        ("redis://localhost:6379/0?socket_timeout=3", ("GET", "k"), True),
        ("redis://localhost:6379", ("INFO",), False),
        ("redis://localhost:6379", ("CLIENT", "LIST"), False),
        ("redis://localhost:6379", ("LRANGE", "l", "0", "1"), False),
    ],
)
def test_what_is_simple_is_asked_without_the_library(dsn: str, command: tuple[str, ...], plain: bool) -> None:
    assert is_plain(command) is plain
    reader = RedisCommandEndpoint(dsn, command).open()
    assert isinstance(reader, PlainReader) is plain
    reader.close()


def redis(*replies: bytes, heard: list[bytes] | None = None) -> Handler:
    def handle(conn: socket.socket) -> None:
        for reply in replies:
            request = conn.recv(4096)
            if not request:
                return
            if heard is not None:
                heard.append(request)
            conn.sendall(reply)
        conn.recv(4096)

    return handle


@pytest.mark.parametrize(
    ("reply", "kind", "body"),
    [
        (b"$5\r\nhe\r\nl\r\n", "answer", b"he\r\nl"),
        (b"$0\r\n\r\n", "answer", b""),
        (b"$-1\r\n", "answer", None),
        (b":-42\r\n", "answer", -42),
        (b"+OK\r\n", "answer", b"OK"),
        (b"-ERR wrong\r\n", "unreadable", None),
        (b"-WRONGTYPE Operation against a key\r\n", "unreadable", None),
        (b"-NOPERM this user has no permissions\r\n", "unreadable", None),
        (b"-MASTERDOWN Link with MASTER is down\r\n", "malformed", None),
        (b"-ERR max number of clients reached\r\n", "malformed", None),
        (b"-LOADING dataset in memory\r\n", "unreachable", None),
        (b"*0\r\n", "answer", []),
        (b"*-1\r\n", "answer", None),
        (b"*4\r\n$1\r\na\r\n:7\r\n$-1\r\n*1\r\n+b\r\n", "answer", [b"a", 7, None, [b"b"]]),
        (b"*2\r\n$1\r\na\r\n-ERR wrong\r\n", "unreadable", None),
        (b"*2\r\n$1\r\na\r\n%1\r\n", "malformed", None),
        (b"*99999999999\r\n", "unreadable", None),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "malformed", None),
        (b"$99999999999\r\n", "unreadable", None),
        (b"$x\r\n", "malformed", None),
        (b"x" * 70_000, "malformed", None),
    ],
)
def test_every_kind_of_reply_is_what_it_is(reply: bytes, kind: str, body: object) -> None:
    with serving(redis(reply)) as port:
        reader = PlainReader(read(f"redis://127.0.0.1:{port}"), ("GET", "k"))
        answer = reader.read(1.0)
        reader.close()
    assert (answer.kind, answer.body) == (kind, body)


def test_password_and_database_are_given_before_the_question() -> None:
    heard: list[bytes] = []
    with serving(redis(b"+OK\r\n", b"+OK\r\n", b"$1\r\nv\r\n", heard=heard)) as port:
        reader = PlainReader(read(f"redis://me:p%40ss@127.0.0.1:{port}/3"), ("GET", "k"))
        assert reader.read(2.0).body == b"v"
        reader.close()
    assert heard[0] == b"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\np@ss\r\n"
    assert heard[1] == b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"


def test_a_wrong_password_is_no_outage() -> None:
    with serving(redis(b"-WRONGPASS invalid\r\n")) as port:
        answer = PlainReader(read(f"redis://:x@127.0.0.1:{port}"), ("GET", "k")).read(2.0)
    assert (answer.kind, answer.note) == ("unreadable", "not let in: WRONGPASS invalid")


def test_a_kept_connection_that_was_closed_is_opened_again_and_nobody_is_unreachable() -> None:
    def once(conn: socket.socket) -> None:
        conn.recv(4096)
        conn.sendall(b":1\r\n")

    with serving(once) as port:
        reader = PlainReader(read(f"redis://127.0.0.1:{port}"), ("EXISTS", "k"))
        assert [reader.read(2.0).body for _ in range(3)] == [1, 1, 1]
        reader.close()
    assert PlainReader(read(f"redis://127.0.0.1:{free_port()}"), ("GET", "k")).read(1.0).kind == "unreachable"


def test_silence_and_half_an_answer_end_in_time() -> None:
    for reply in (b"", b"$10\r\nhalf", b"*2\r\n$1\r\na\r\n"):
        with serving(redis(reply, b"")) as port:
            began_s = time.monotonic()
            answer = PlainReader(read(f"redis://127.0.0.1:{port}"), ("GET", "k")).read(0.3)
            assert answer.kind == "timed_out"
            assert time.monotonic() - began_s < 2
