"""A small system with a password of its own in each of its inputs, and the search for them in all that is left.

The API echoes everything that it is sent, in its JSON, in its metrics and in its refusals: a tool that lets anything
slip has every chance to.
"""

import base64
import contextlib
import json
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis

from tests.lab.drills import BIN
from tests.services import eventually, free_port, redis_server

DRILL = Path(__file__).with_name("planted_drill.py")


class Secrets(dict[str, str]):
    """One secret for each input, made when it is first asked for, with all that needs quoting around its middle."""

    def __missing__(self, name: str) -> str:
        self[name] = f"P'{secrets.token_hex(8)}&\"<{len(self)}"
        return self[name]

    def plain(self, name: str) -> str:
        """One without anything that would need quoting: where the format knows none."""
        return self.setdefault(name, f"P{secrets.token_hex(8)}x{len(self)}")

    def url(self, name: str) -> str:
        """As it stands in a URL."""
        return quote(self[name], safe="")

    def needles(self) -> dict[bytes, str]:
        """What must be nowhere: the middle of each, which no quoting changes, and its three forms in Base64."""
        found: dict[bytes, str] = {}
        for name, secret in self.items():
            middle = secret[2:18] if "'" in secret else secret[1:17]
            found[middle.encode()] = name
            for shift in range(3):
                coded = base64.b64encode(b"\0" * shift + middle.encode())
                found[coded[4 if shift else 0 : -4]] = f"{name} in Base64"
        return found


class Echo(BaseHTTPRequestHandler):
    """Answers with all that it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/metrics"):
            labels = ",".join(f"h{n}={json.dumps(value)}" for n, value in enumerate(self.headers.values()))
            self._answer(200, f"# you sent {dict(self.headers)}\necho{{{labels}}} 1\n".encode(), "text/plain")
        else:
            self._answer(200, json.dumps({"path": self.path, "headers": dict(self.headers)}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = {"refused": dict(self.headers), "body": body.decode()}
        self._answer(500, json.dumps(told).encode())

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextlib.contextmanager
def echo() -> Iterator[int]:
    """The API; gives its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Planted:
    """The system, its target file, and all that was said by whatever ran on it."""

    folder: Path
    api_port: int
    redis_port: int = 0
    secrets: Secrets = field(default_factory=Secrets)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("reports", "state", "locks", "tmp", "work"):
            (self.folder / name).mkdir(parents=True)

    # ------------------------------------------------------------ the inputs

    def target(self, control: str, redis_password: str = "") -> None:
        """The user's own file. `control` is that of Redis."""
        s = self.secrets
        user = f":{quote(redis_password, safe='')}@" if redis_password else ""

        def text(value: str) -> str:
            return json.dumps(value, ensure_ascii=False)

        (self.folder / "target.toml").write_text(f"""
name = "planted"
api = "http://ops:{s.url("the API's URL")}@127.0.0.1:{self.api_port}"
max_rate_hz = 50
abort = {text(f"false --token={s.plain('the abort command')}")}
[headers]
X-Ops-Key = {text(s.plain("a header"))}
X-Other = "env:PLANTED_KEY"
X-Long = {text(s["a long header"])}
[orders]
route = "/orders"
headers = {{ X-Order-Key = {text(s.plain("an order's header"))} }}
[services.api]
address = "127.0.0.1:{self.api_port}"
url = "http://127.0.0.1:{self.api_port}/?access_token={s.plain("a query")}"
[services.redis]
address = "127.0.0.1:{self.redis_port}"
dsn = "redis://{user}127.0.0.1:{self.redis_port}/0"
control = {control}
[services.postgres]
address = "127.0.0.1:1"
dsn = "postgresql://app:{s.url("a SQL DSN")}@127.0.0.1:1/app"
""")

    def environment(self, **more: str) -> dict[str, str]:
        """What the runs find in their environment."""
        s = self.secrets
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(self.folder / "work"),
            "ASSUME_LINK": "1", "NONINTERACTIVE": "1",
            "TARGET": str(self.folder / "target.toml"), "REPORTS": str(self.folder / "reports"),
            "BLACKSTART_STATE": str(self.folder / "state"), "BLACKSTART_LOCKS": str(self.folder / "locks"),
            "TMPDIR": str(self.folder / "tmp"), "PLANTED_KEY": s["a variable of a header"],
            "REDIS_URL": f"redis://:{s.url('REDIS_URL')}@127.0.0.1:{self.redis_port}/0",
            "DATABASE_URL": f"postgresql://app:{s.url('DATABASE_URL')}@127.0.0.1:1/app",
            "NOTE": f"by hand: AUTH {s['a header']}; the password is {s.plain('NOTE')}", **more,
        }  # fmt: skip

    # ------------------------------------------------------------ the runs

    def run(self, *words: str, within_s: float = 90, **env: str) -> int:
        """A task to its end; keeps what it says, and returns its exit code."""
        done = subprocess.run(
            [str(BIN / "blackstart"), *words], env=self.environment(**env),
            cwd=self.folder / "work", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within_s,
            check=False,
        )  # fmt: skip
        self.said += [done.stdout, done.stderr]
        return done.returncode

    @contextlib.contextmanager
    def running(self, *words: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
        """A drill whose fault bites and is held."""
        out = self.folder / "work" / f"out-{len(self.said)}"
        with out.open("wb") as file:
            process = subprocess.Popen(
                [str(BIN / "blackstart"), *words], env=self.environment(HOLD_S="30", **env),
                cwd=self.folder / "work", stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        try:
            assert eventually(lambda: "the fault bites" in out.read_text(), 40), out.read_text()
            yield process
        finally:
            process.kill()
            process.wait(timeout=20)
            self.said.append(out.read_text())

    # ------------------------------------------------------------ the search

    def leaks(self) -> list[str]:
        """Every place where a secret is that is no input."""
        needles = self.secrets.needles()
        found = []
        for root in ("reports", "state", "locks", "tmp", "work"):
            for path in (self.folder / root).rglob("*"):
                try:
                    data = path.read_bytes() if path.is_file() else b""
                except FileNotFoundError:  # a run that goes on removes files of its own
                    continue
                found += [f"{name}: {path}" for needle, name in needles.items() if needle in data + str(path).encode()]
        for said in self.said:
            found += [f"{name}: said in\n{said}" for needle, name in needles.items() if needle in said.encode()]
        return found


class Words:
    """Watches the command lines of all processes; keeps those that show a secret and were not said to be allowed."""

    def __init__(self, planted: Planted, allowed: tuple[str, ...]) -> None:
        self.seen: set[str] = set()
        self._needles = {
            needle: name for needle, name in planted.secrets.needles().items() if not name.startswith(allowed)
        }
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Words":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(0.005):
            for pid in filter(str.isdigit, os.listdir("/proc")):  # a deeper glob stumbles over what ends meanwhile
                with contextlib.suppress(OSError):
                    words = Path(f"/proc/{pid}/cmdline").read_bytes()
                    for needle, name in self._needles.items():
                        if needle in words:
                            self.seen.add(f"{name}: {words!r}")


@contextlib.contextmanager
def redis_with_password(planted: Planted) -> Iterator[str]:
    """A Redis that demands a password, started by hand; gives its control, which starts it again with secrets."""
    s, port = planted.secrets, free_port()
    planted.redis_port = port
    words = [redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", s["start"]]
    with (planted.folder / "redis.log").open("ab") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    try:
        assert eventually(lambda: asked(port, s["start"]), 10)
        line = f"redis-server 127.0.0.1:{port}"
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[0].decode().strip()
        env = f'{{ REDIS_PASSWORD = {json.dumps(s["the control env"])}, MODE = "test" }}'
        yield f"{{ process = {json.dumps(shown or line)}, start = {json.dumps(words)}, env = {env} }}"
    finally:
        process.kill()
        process.wait(timeout=10)
        with contextlib.suppress(redis.RedisError):
            client(port, s["start"]).shutdown(nosave=True)


def client(port: int, password: str) -> redis.Redis:
    """A client that has nothing to do with us."""
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    return redis.Redis(host="127.0.0.1", port=port, password=password, socket_timeout=1, retry=Retry(NoBackoff(), 0))


def asked(port: int, password: str) -> bool:
    """Whether Redis answers to this password."""
    try:
        with client(port, password) as one:
            return bool(one.ping())
    except redis.RedisError:
        return False
