"""The connection of a load against servers that answer in every way HTTP/1.1 allows, and in some that it doesn't."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from blackstart.base.clock import now_s
from blackstart.evidence.history import Row
from blackstart.loads import Burst, OpenLoop, Operation, constant
from blackstart.loads.driving.attempt import Attempt
from blackstart.loads.driving.place import Place
from blackstart.loads.driving.pool import Pool
from blackstart.loads.driving.prepared import Prepared
from tests import certificates
from tests.contract.loads_support import played

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def canned(*pieces: bytes, close: bool = False) -> Serve:
    """Answers every request with these pieces, a moment apart."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.02)
            if close:
                writer.close()
                return

    return serve


def asked(serve: Serve, times: int = 1, pause_s: float = 0.0, **fields: object) -> tuple[list[Row], int]:
    """The rows of that many requests, one after the other, and how many connections they took."""
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def play() -> list[Row]:
        server = await asyncio.start_server(count, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        op = Prepared(Operation("op", f"http://127.0.0.1:{port}/", **fields))  # type: ignore[arg-type]
        pool, rows = Pool(Place("127.0.0.1", port, False)), []
        for number in range(times):
            done: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
            Attempt(op, f"k{number}", number, "w", lambda _, row, done=done: done.set_result(row), pool).go(now_s())
            rows.append(await asyncio.wait_for(done, 10))
            await asyncio.sleep(pause_s)
        pool.close()
        server.close()
        return rows

    return asyncio.run(play()), connections


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    "pieces",
    [
        (OK,),
        (OK[:20], OK[20:39], OK[39:]),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n", b"1\r\nk\r\n0\r\n\r\n"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", OK),
        (b"HTTP/1.1 204 No Content\r\n\r\n",),
    ],
    ids=["whole", "in pieces", "chunked", "after an early hint", "without a body"],
)
def test_an_answer_is_read_and_its_connection_used_again(pieces: tuple[bytes, ...]) -> None:
    rows, connections = asked(canned(*pieces), times=3)
    assert [row.outcome for row in rows] == ["ok"] * 3
    assert connections == 1


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", b"HTTP/1.0 200 OK\r\n\r\nok"],
    ids=["until the end", "HTTP/1.0"],
)
def test_an_answer_that_ends_with_its_connection_is_whole(answer: bytes) -> None:
    rows, connections = asked(canned(answer, close=True), times=2)
    assert [(row.outcome, row.status) for row in rows] == [("ok", 200)] * 2
    assert connections == 2


def test_an_answer_to_head_has_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"
    for pieces in ((head,), (b"HTTP/1.1 100 Continue\r\n\r\n", head)):
        rows, _ = asked(canned(*pieces), times=2, method="HEAD")
        assert [(row.outcome, row.status) for row in rows] == [("ok", 200), ("ok", 200)]


def long_answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nX-Instance: b\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def test_a_long_answer_is_an_answer() -> None:
    rows, connections = asked(canned(long_answer(bytes(3_000_000))), times=2, detail_from="header:X-Instance")
    assert [(row.outcome, row.status, row.detail) for row in rows] == [("ok", 200, "b")] * 2
    assert connections == 1


def test_what_an_answer_too_long_to_be_kept_says_is_unknown() -> None:
    answer = long_answer(b'{"is": "' + bytes(3_000_000) + b'", "done": "yes"}')
    rows, _ = asked(canned(answer), detail_from="json:done", ok_details=("yes",))
    assert (rows[0].outcome, rows[0].status) == ("info", 200)
    assert "too long" in rows[0].detail


def test_an_answer_to_half_a_request_leaves_its_connection_to_nobody() -> None:
    """A server that refuses a long body early has not read it: the next request would wait behind the rest of it."""

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(3600)

    rows, connections = asked(early, times=2, method="POST", body="x" * 20_000_000, timeout_s=2.0)
    assert [(row.outcome, row.status) for row in rows] == [("fail", 413)] * 2
    assert connections == 2


def test_what_stands_behind_an_answer_is_not_taken_for_the_next_one() -> None:
    more = b"HTTP/1.1 503 Service Unavailable\r\nX-Instance: b\r\nContent-Length: 4\r\n\r\noops"
    for behind in (more, more[:30], b"rubbish"):
        rows, connections = asked(canned(OK + behind), times=3, detail_from="header:X-Instance")
        assert [(row.outcome, row.status, row.detail) for row in rows] == [("ok", 200, "")] * 3
        assert connections == 3


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"", "connection lost: the server closed it without an answer"),
        (OK[:-1], "after the head of an answer 200"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", "after the head of an answer 200"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP answer"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", ""),
    ],
    ids=["none", "cut short", "chunk cut short", "another protocol", "upgrade"],
)
def test_half_an_answer_is_unknown(answer: bytes, why: str) -> None:
    rows, _ = asked(canned(answer, close=True))
    assert (rows[0].outcome, rows[0].status) == ("info", None)
    assert why in rows[0].detail


def test_a_connection_that_the_server_closed_while_idle_is_not_used_again() -> None:
    async def impatient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        writer.close()

    rows, connections = asked(impatient, times=3, pause_s=0.3)
    assert [row.outcome for row in rows] == ["ok"] * 3
    assert connections == 3


def test_a_connection_idle_for_longer_than_servers_wait_is_not_used_again() -> None:
    rows, connections = asked(canned(OK), times=2, pause_s=1.2)
    assert ([row.outcome for row in rows], connections) == (["ok", "ok"], 2)


def test_a_full_backlog_is_no_connection_and_certainly_not_done() -> None:
    async def play(port: int) -> Row:
        op = Prepared(Operation("op", f"http://127.0.0.1:{port}/", timeout_s=0.4))
        done: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        pool = Pool(Place("127.0.0.1", port, False))
        Attempt(op, "k", 1, "w", lambda _, row: done.set_result(row), pool).go(now_s())
        return await asyncio.wait_for(done, 10)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        row = asyncio.run(play(port))
        for filler in fillers:
            filler.close()
    assert (row.outcome, row.detail) == ("fail", "no connection: timed out after 0.4 s")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return certificates.made(tmp_path)


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_is_spoken_and_checked(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1], certificate[0])

    async def play() -> list[Row]:
        server = await asyncio.start_server(canned(OK), "127.0.0.1", 0, ssl=context)
        get = Operation("get", f"https://localhost:{server.sockets[0].getsockname()[1]}/")
        loads = [OpenLoop((get,), constant(20, 0.2)), Burst(4, get)]
        run = asyncio.to_thread
        records = [(await run(played, load, tmp_path / f"{load.name}.csv"))[1].rows for load in loads]
        server.close()
        return [row for rows in records for row in rows]

    rows = asyncio.run(play())
    assert {row.outcome for row in rows} == ({"ok"} if trusted else {"fail"})
    assert len(rows) == 8
    if not trusted:
        assert all("no connection: " in row.detail for row in rows)
