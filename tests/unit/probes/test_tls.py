"""HTTP and Redis over TLS: trusted certificates are read, others are not mistaken for an outage."""

import asyncio
import contextlib
import re
import select
import socket
import ssl
import struct
import time
from pathlib import Path

import pytest

from blackstart.base.errors import BadTarget, StepFailed
from blackstart.base.sockets import Deadline, NoAnswer, connect, wrap_tls
from blackstart.base.trust import VARIABLES, tls
from blackstart.controls.steps.http_call import call
from blackstart.engine.sampling.sampler import Sampler
from blackstart.loads.driving.place import NotSent, Place
from blackstart.model.reading import Probe
from blackstart.model.step import HttpCall
from blackstart.probes.http import HttpText
from blackstart.probes.promql import PromQL
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.redis_value import RedisCommand
from blackstart.proxy.client import ProxyUnreachable, ToxiproxyClient
from tests import certificates
from tests.unit.fake_probes import Taken
from tests.unit.probes.servers import Handler, answering, http, serving


@pytest.fixture(autouse=True)
def nobody_else_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificates.made(tmp_path_factory.mktemp("tls"))


def under_tls(
    handle: Handler,
    certificate: tuple[Path, Path],
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    demands_ours: bool = False,
) -> Handler:
    key, made = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)
    context.maximum_version = newest
    context.verify_mode = ssl.CERT_REQUIRED if demands_ours else ssl.CERT_NONE

    def secured(conn: socket.socket) -> None:
        with conn.dup() as beneath:
            with contextlib.suppress(ssl.SSLError), context.wrap_socket(conn, server_side=True) as wrapped:
                handle(wrapped)
                return
            # What has come and was not read would make a reset of the end, which overtakes the alert.
            with contextlib.suppress(OSError):
                beneath.shutdown(socket.SHUT_WR)
                while beneath.recv(4096):
                    pass

    return secured


def test_trusted_certificate_is_read_over_a_kept_connection(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    taken = Taken()
    with serving(under_tls(answering(http(b"safe")), certificate)) as port:
        running = Sampler([HttpText(f"https://localhost:{port}/", name="a")], taken, tick_s=0.02, max_rate_hz=50)
        running.start()
        assert {r.value for r in taken.wait("a", 10)} == {"safe"}
        assert running.stop() == ()


def test_certificate_that_is_not_trusted_is_unreadable_and_never_an_outage(certificate: tuple[Path, Path]) -> None:
    with serving(under_tls(answering(http(b"safe")), certificate)) as port:
        reading = read_once(HttpText(f"https://localhost:{port}/"), 5.0)
        assert reading.kind == "unreadable"
        assert "certificate" in reading.note.lower()
        assert read_once(RedisPing(dsn=f"rediss://localhost:{port}"), 5.0).kind == "unreadable"


def test_server_without_tls_is_malformed_and_a_silent_one_timed_out() -> None:
    with serving(answering(http(b"plain"))) as port:
        assert read_once(HttpText(f"https://127.0.0.1:{port}/"), 0.5).kind in ("malformed", "timed_out")
    with serving(lambda conn: time.sleep(3)) as port:
        begun = time.monotonic()
        assert read_once(HttpText(f"https://127.0.0.1:{port}/"), 0.3).kind == "timed_out"
        assert time.monotonic() - begun < 2.5


def test_redis_over_tls_is_pinged(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))

    def redis(conn: socket.socket) -> None:
        while conn.recv(100):
            conn.sendall(b"+PONG\r\n")

    with serving(under_tls(redis, certificate)) as port:
        assert read_once(RedisPing(dsn=f"rediss://localhost:{port}"), 5.0).value == "PONG"


# ---------------------------------------------------------------- one trust for all clients

ANSWER = b'{"status":"success","version":"2.9","data":{"resultType":"scalar","result":[1,"3"]}}'


def by_probe(url: str) -> str:
    reading = read_once(HttpText(url), 5.0)
    return "" if reading.kind == "value" else reading.note


def by_prometheus(url: str) -> str:
    reading = read_once(PromQL("q", prometheus=url), 5.0)
    return "" if reading.kind == "value" else reading.note


def by_step(url: str) -> str:
    try:
        return "" if call(HttpCall("GET", url, ok_statuses=(200,))).ok else "not ok"
    except StepFailed as error:
        return str(error)


def by_load(url: str) -> str:
    async def go() -> None:
        (await Place("localhost", int(url.rpartition(":")[2]), True).connect()).close()

    try:
        asyncio.run(go())
    except NotSent as error:
        return str(error)
    return ""


def by_proxy_client(url: str) -> str:
    try:
        return "" if ToxiproxyClient(url).version() else "no version"
    except ProxyUnreachable as error:
        return str(error)


CLIENTS = (by_probe, by_prometheus, by_step, by_load, by_proxy_client)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_what_a_variable_trusts_is_trusted_by_every_client(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with serving(under_tls(answering(http(ANSWER)), certificate)) as port:
        url = f"https://localhost:{port}"
        assert all("certificate" in client(url).lower() for client in CLIENTS)
        monkeypatch.setenv(variable, str(certificate[1]))
        assert {client.__name__: client(url) for client in CLIENTS} == {client.__name__: "" for client in CLIENTS}


def test_who_is_trusted_is_told_with_the_variable_that_names_it(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(under_tls(answering(http(ANSWER)), certificate)) as port:
        url = f"https://localhost:{port}"
        assert "trusted is what this machine trusts" in by_probe(url) and "SSL_CERT_FILE" in by_load(url)
        monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "none.pem"))
        for client in (by_probe, by_step, by_load):
            with pytest.raises(BadTarget, match="CURL_CA_BUNDLE names .*none.pem, which can't be read"):
                client(url)


def simple_redis(conn: socket.socket) -> None:
    """Says +OK to everything, PONG to a PING, and tells of itself when it is asked for INFO."""
    while data := conn.recv(4096):
        told = b"redis_mode:standalone\r\n"
        for asked in re.findall(rb"\*\d+\r\n(?:\$\d+\r\n[^\r]*\r\n)+|PING\r\n", data):
            if b"INFO" in asked and b"SETINFO" not in asked:
                conn.sendall(b"$%d\r\n%s\r\n" % (len(told), told))
            else:
                conn.sendall({b"PING": b"+PONG\r\n", b"DBSIZE": b":7\r\n"}.get(asked.split()[-1], b"+OK\r\n"))


def asked(dsn: str) -> list[object]:
    probes: list[Probe] = [
        RedisPing(dsn=dsn),
        RedisCommand(("DBSIZE",), dsn=dsn),
        RedisCommand(("INFO",), field="redis_mode", dsn=dsn),
    ]
    readings = [read_once(probe, 5.0) for probe in probes]
    return [reading.value if reading.kind == "value" else reading.note for reading in readings]


def test_a_redis_with_a_certificate_of_its_own_is_read_by_every_probe_as_its_url_says(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ["PONG", 7, "standalone"]
    with serving(under_tls(simple_redis, certificate)) as port:
        dsn = f"rediss://localhost:{port}/0"
        assert all("not trusted" in str(told) and "trusted is what" in str(told) for told in asked(dsn))
        assert asked(f"{dsn}?ssl_cert_reqs=none") == read
        assert asked(f"{dsn}?ssl_ca_certs={certificate[1]}") == read
        assert asked(f"{dsn.replace('localhost', '127.0.0.1')}?ssl_cert_reqs=none") == read
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[1]))
        assert asked(dsn) == read


def kinds(dsn: str) -> list[str]:
    probes: list[Probe] = [RedisCommand(command, dsn=dsn) for command in (("GET", "k"), ("DBSIZE",), ("INFO",))]
    return [read_once(probe, 5.0).kind for probe in probes]


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_a_handshake_with_redis_fails_of_is_told_alike_by_every_probe(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, newest: ssl.TLSVersion
) -> None:
    with serving(under_tls(simple_redis, certificate)) as port:
        assert kinds(f"rediss://localhost:{port}/0") == ["unreadable"] * 3
    with serving(under_tls(simple_redis, certificate, newest, demands_ours=True)) as port:
        assert kinds(f"rediss://localhost:{port}/0?ssl_ca_certs={certificate[1]}") == ["unreadable"] * 3
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
        assert read_once(HttpText(f"https://localhost:{port}/"), 5.0).kind == "unreadable"


@pytest.mark.parametrize(
    ("last_words", "kind"), [(b"", "unreachable"), (b"-ERR max number of clients reached\r\n", "malformed")]
)
@pytest.mark.parametrize("resets", [False, True])
def test_who_hangs_up_before_our_first_word_is_not_ours(last_words: bytes, kind: str, resets: bool) -> None:
    def hang_up(conn: socket.socket) -> None:
        conn.sendall(last_words)
        if resets:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with serving(hang_up) as port:
        sock = connect("127.0.0.1", port, Deadline(5.0))
        ended = select.poll()
        ended.register(sock, select.POLLRDHUP)
        assert ended.poll(5000)
        with pytest.raises(NoAnswer) as told:
            wrap_tls(sock, "localhost", tls(), Deadline(5.0))
        assert told.value.kind == kind


def test_a_redis_without_tls_or_that_hangs_up_is_not_ours() -> None:
    with serving(lambda conn: conn.recv(1000) and conn.sendall(b"-ERR no TLS here, nor ever\r\n")) as port:
        assert kinds(f"rediss://localhost:{port}/0") == ["malformed"] * 3
    with serving(lambda conn: None) as port:
        assert kinds(f"rediss://localhost:{port}/0") == ["unreachable"] * 3
