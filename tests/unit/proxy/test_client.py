"""The client against a server that says what a test wants: an answer that is none is an error."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from blackstart.proxy.client import ProxyProblem, ProxyUnreachable, ToxiproxyClient


class Canned(ThreadingHTTPServer):
    """Answers every request in the same way, and writes down what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.body = 200, b"{}"
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}

    def says(self, status: int, body: object) -> None:
        self.status, self.body = status, body if isinstance(body, bytes) else json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    server: Canned

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.path}")
        self.server.headers = dict(self.headers)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Canned]:
    canned = Canned()
    threading.Thread(target=canned.serve_forever, daemon=True).start()
    yield canned
    canned.shutdown()
    canned.server_close()


@pytest.fixture
def client(server: Canned) -> ToxiproxyClient:
    return ToxiproxyClient(f"127.0.0.1:{server.server_port}", timeout_s=2)


@pytest.mark.parametrize("status", [400, 404, 409, 500])
def test_an_error_has_the_words_of_the_server(server: Canned, client: ToxiproxyClient, status: int) -> None:
    server.says(status, {"error": "what it said", "status": status})
    with pytest.raises(ProxyProblem, match=rf"GET http://.*/proxies/p: what it said \(HTTP {status}\)"):
        client.proxy("p")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b'{"name": "p"}', b"null"])
def test_an_answer_that_is_not_of_a_proxy_is_named(server: Canned, client: ToxiproxyClient, body: bytes) -> None:
    server.says(200, body)
    with pytest.raises(ProxyProblem, match="did not answer as Toxiproxy does"):
        client.proxy("p")


@pytest.mark.parametrize("wrong", [{"upstream": None}, {"listen": 7}, {"enabled": "yes"}, {"toxics": 7}])
def test_a_proxy_that_is_written_in_another_way_is_named(
    server: Canned, client: ToxiproxyClient, wrong: dict[str, object]
) -> None:
    proxy = {"name": "p", "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "enabled": True, "toxics": None}
    server.says(200, proxy)
    assert client.proxy("p").toxics == ()
    server.says(200, {**proxy, **wrong})
    with pytest.raises(ProxyProblem, match=f"did not answer as Toxiproxy does: no {next(iter(wrong))}"):
        client.proxy("p")


@pytest.mark.parametrize(
    ("body", "version"),
    [
        (b"2.1.4", "2.1.4"),
        (b"2.1.4\n", "2.1.4"),
        (b"git-1f2e3d4", "git-1f2e3d4"),
        (b"git", "git"),
        (b'{"version": "2.12.0"}', "2.12.0"),
    ],
)
def test_the_version_is_read_in_plain_text_too_as_older_servers_say_it(
    server: Canned, client: ToxiproxyClient, body: bytes, version: str
) -> None:
    server.says(200, body)
    assert client.version() == version


@pytest.mark.parametrize("body", [b"", b"<html>", b"OK", b"2", b'{"name": "x"}', b"2.1.4 <b>"])
def test_what_is_no_version_is_not_taken_for_one(server: Canned, client: ToxiproxyClient, body: bytes) -> None:
    server.says(200, body)
    with pytest.raises(ProxyProblem, match="did not answer as Toxiproxy does"):
        client.version()


def test_nothing_there_is_unreachable_and_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ProxyUnreachable, match="no proxy answers there .* `invoke proxy.up`"):
        ToxiproxyClient(f"http://127.0.0.1:{port}").version()


def test_a_server_that_never_answers_is_unreachable_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = ToxiproxyClient(f"127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2)
        with pytest.raises(ProxyUnreachable, match="no answer within 0.2 s"):
            client.proxies()


def test_names_are_encoded_and_the_environment_is_ignored(
    server: Canned, client: ToxiproxyClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server.says(200, {"name": "a/b ü", "listen": "127.0.0.1:1", "upstream": "127.0.0.1:2", "enabled": True})
    client.proxy("a/b ü")
    assert server.asked == ["GET /proxies/a%2Fb%20%C3%BC"]
    assert not server.headers["User-Agent"].startswith("Mozilla/")
