"""Watches services from outside, every few milliseconds, with sockets of its own."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_ANSWERS_WITHIN_S = 0.3


def now_s() -> float:
    """Seconds since the machine's start: the same clock in every process."""
    return time.clock_gettime(_CLOCK)


@dataclass
class Look:
    """One way to see whether a service is well. `samples` are (sent, answered, well)."""

    name: str
    ask: Callable[[], bool]
    every_s: float = 0.005
    samples: list[tuple[float, float, bool]] = field(default_factory=list)

    def well(self) -> bool:
        """As it was seen last."""
        return bool(self.samples) and self.samples[-1][2]

    def well_since_s(self) -> float:
        """How long it has been well without a break."""
        bad = [answered for _, answered, well in self.samples if not well]
        start = bad[-1] if bad else (self.samples[0][0] if self.samples else now_s())
        return self.samples[-1][1] - start if self.samples and self.well() else 0.0

    def well_at(self, at_s: float) -> bool:
        """As the last reading before that time showed it."""
        before = [well for _, answered, well in self.samples if answered <= at_s]
        return before[-1] if before else True

    def restored_s(self, since_s: float) -> float | None:
        """How long after that time it was seen to be well for good: 0 where it never was unwell, None where it is."""
        if not self.well():
            return None
        bad = [answered for _, answered, well in self.samples if not well and answered >= since_s]
        if not bad and self.well_at(since_s):
            return 0.0
        after_s = bad[-1] if bad else since_s
        return next(answered for _, answered, well in self.samples if well and answered > after_s) - since_s


class Observer:
    """All looks at a system, each in a thread of its own. `first_bad` is set when any of them sees something amiss."""

    def __init__(self, looks: list[Look]) -> None:
        self.looks = looks
        self.first_bad = threading.Event()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(look,), daemon=True) for look in looks]

    def __enter__(self) -> Observer:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *what: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=5)

    def _watch(self, look: Look) -> None:
        while not self._ended.wait(look.every_s):
            sent = now_s()
            well = look.ask()
            look.samples.append((sent, now_s(), well))
            if not well:
                self.first_bad.set()

    def begin(self) -> None:
        """Forget what was seen so far."""
        for look in self.looks:
            del look.samples[:-1]
        self.first_bad.clear()

    def well(self) -> bool:
        """Whether everything was well when it was looked at last."""
        return all(look.well() for look in self.looks)

    def well_at(self, at_s: float) -> bool:
        """Whether everything was well at that time."""
        return all(look.well_at(at_s) for look in self.looks)

    def well_for(self, for_s: float, within_s: float) -> bool:
        """Wait until everything has been well for that long."""
        until_s = now_s() + within_s
        while now_s() < until_s:
            if all(look.well_since_s() >= for_s for look in self.looks):
                return True
            time.sleep(0.02)
        return False

    def restored_s(self, since_s: float) -> float | None:
        """How long after that time the last of them was well for good."""
        times = [look.restored_s(since_s) for look in self.looks]
        return None if None in times else max((t for t in times if t is not None), default=0.0)


def pings_redis(host: str, port: int) -> bool:
    """Whether a Redis says PONG."""
    return _exchange(host, port, b"PING\r\n", 5) == b"+PONG"


def accepts_postgres(host: str, port: int, user: str) -> bool:
    """Whether a PostgreSQL lets somebody in (or asks for a password): one that starts or stops says an error."""
    body = struct.pack("!i", 196608) + f"user\0{user}\0database\0{user}\0\0".encode()
    return _exchange(host, port, struct.pack("!i", len(body) + 4) + body, 1) == b"R"


def accepts(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=_ANSWERS_WITHIN_S).close()
    except OSError:
        return False
    return True


def stocks_agree(redis: tuple[str, int], dsn: str, products: tuple[str, ...]) -> str:
    """What Redis and the database count differently, or below 0; "" where they agree."""
    try:
        with psycopg.connect(dsn, connect_timeout=2) as connection:
            rows = dict(connection.execute("SELECT id, stock FROM products").fetchall())
    except psycopg.Error as error:
        return f"the stock can't be read: {error}"
    for product in products:
        asked = f"*2\r\n$3\r\nGET\r\n${len(f'product:{product}:stock')}\r\nproduct:{product}:stock\r\n".encode()
        answer = _exchange(*redis, asked, 4096, whole=False).split(b"\r\n")
        left = int(answer[1]) if len(answer) > 1 and answer[0] != b"$-1" else None
        if left != rows.get(product) or (left or 0) < 0:
            return f"{product}: {left} left in Redis, {rows.get(product)} in the database"
    return ""


def answers_http(url: str) -> bool:
    """Whether it answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2.0) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def says(url: str, field: str, wanted: object) -> bool:
    """Whether a JSON answer has that value there."""
    try:
        with urllib.request.urlopen(url, timeout=2.0) as answer:
            return bool(json.load(answer)[field] == wanted)
    except (OSError, urllib.error.URLError, ValueError, KeyError):
        return False


def is_empty(folder: Path) -> bool:
    """Whether nothing is in it, or it is not there."""
    return not folder.is_dir() or not any(folder.iterdir())


def passes_all(url: str) -> bool:
    """Whether a fault proxy's list shows every proxy enabled, and no toxic on any."""
    try:
        with urllib.request.urlopen(url, timeout=2.0) as answer:
            told = json.load(answer)
    except (OSError, urllib.error.URLError, ValueError):
        return False
    return all(proxy["enabled"] and not proxy["toxics"] for proxy in told.values())


def redis_pid(host: str, port: int) -> int:
    """The pid of a Redis, as it says itself; 0 where none says one."""
    text = _exchange(host, port, b"INFO server\r\n", 4096, whole=False).decode("utf-8", "replace")
    return int(next((line.split(":")[1] for line in text.splitlines() if line.startswith("process_id:")), 0))


def journal_fault(path: str, torn_allowed: bool = False) -> str:
    """What is wrong with a chained record, up to its last full line; empty where nothing is.

    A disk that was full may have torn a line; then the next one follows from the last that is whole.
    """
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return ""
    before = ""
    for number, line in enumerate(lines[:-1], 1):
        if not line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            if torn_allowed:
                continue
            return f"line {number} is not JSON"
        if event.get("prev") != before:
            return f"line {number} breaks the chain"
        before = hashlib.sha256(line).hexdigest()[:32]
    return ""


def _exchange(host: str, port: int, request: bytes, size: int, whole: bool = True) -> bytes:
    try:
        with socket.create_connection((host, port), timeout=_ANSWERS_WITHIN_S) as sock:
            sock.sendall(request)
            data = b""
            while len(data) < size:
                more = sock.recv(size - len(data))
                data += more
                if not more or not whole:
                    break
            return data
    except OSError:
        return b""
