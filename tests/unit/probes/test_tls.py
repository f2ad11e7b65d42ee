"""HTTP and Redis over TLS: trusted certificates are read, others are not mistaken for an outage."""

import contextlib
import socket
import ssl
import subprocess
import time
from pathlib import Path

import pytest

from blackstart.engine.sampling.sampler import Sampler
from blackstart.probes.http import HttpText
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from tests.requirements import require
from tests.unit.fake_probes import Taken
from tests.unit.probes.servers import Handler, answering, http, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    require("localhost", "openssl")
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "cert.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    argv = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        made,
        *names,
    ]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    return key, made


def under_tls(handle: Handler, certificate: tuple[Path, Path]) -> Handler:
    key, made = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made, key)

    def secured(conn: socket.socket) -> None:
        with contextlib.suppress(ssl.SSLError), context.wrap_socket(conn, server_side=True) as wrapped:
            handle(wrapped)

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


def test_certificate_that_is_not_trusted_is_malformed_and_never_an_outage(certificate: tuple[Path, Path]) -> None:
    with serving(under_tls(answering(http(b"safe")), certificate)) as port:
        reading = read_once(HttpText(f"https://localhost:{port}/"), 5.0)
        assert reading.kind == "malformed"
        assert "certificate" in reading.note.lower()
        assert read_once(RedisPing(dsn=f"rediss://localhost:{port}"), 5.0).kind == "malformed"


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
