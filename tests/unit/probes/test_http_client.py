"""The light HTTP client against servers that behave."""

import socket
import time

import pytest

from blackstart.base.errors import BadTarget
from blackstart.probes.http_client import HttpReader
from tests.requirements import require
from tests.services import eventually
from tests.unit.probes.http_read import read
from tests.unit.probes.servers import answering, http, requests_of, serving


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
                time.sleep(1.5)
                conn.sendall(http(b"late"))
            else:
                conn.sendall(http(b"fresh"))

    with serving(handle) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/")
        assert reader.read(0.1).kind == "timed_out"
        assert eventually(lambda: not first)  # or the second request could be the one that is answered late
        assert reader.read(2).body == b"fresh"


def test_ipv6_is_read() -> None:
    with serving(answering(http(b"six")), host="::1") as port:
        assert HttpReader(f"http://[::1]:{port}/").read(2).body == b"six"


def test_localhost_is_read_whether_the_server_is_on_ipv4_or_ipv6() -> None:
    require("localhost")
    with serving(answering(http(b"four"))) as port:
        assert HttpReader(f"http://localhost:{port}/").read(2).body == b"four"


def test_request_has_the_headers_and_the_password_of_the_url() -> None:
    require("localhost")
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
    with pytest.raises(BadTarget, match="the URL (must|has)"):
        HttpReader(url)


def test_header_with_a_line_break_is_refused() -> None:
    with pytest.raises(BadTarget, match="line break"):
        HttpReader("http://localhost/", [("X", "a\r\nY: b")])
