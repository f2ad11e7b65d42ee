"""What is measured on a wire, against small servers that are slow, narrow, late or away."""

from __future__ import annotations

import socket
import statistics
import threading
import time

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.model.reading import Probe, Reading
from blackstart.probes import wire_readers
from blackstart.probes.proxy_state import ProxyState, ToxicState, WireState
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.tcp import Tcp
from blackstart.probes.wire import CloseTime, Comings, RoundTrip, Throughput
from tests.unit.probes.servers import free_port, serving


def read(probe: Probe, timeout_s: float = 1.0) -> Reading:
    """One reading of the probe as it comes back from the ledger."""
    again = from_data(to_data(probe))
    assert again == probe
    return read_once(again, timeout_s)


def redis_that_waits(delay_s: float, first_s: float = 0.0) -> object:
    """Answers PING after so long; the first time after so long more."""
    asked = []

    def handle(conn: socket.socket) -> None:
        while conn.recv(4096):
            asked.append(1)
            time.sleep(delay_s + (first_s if len(asked) == 1 else 0.0))
            conn.sendall(b"+PONG\r\n")

    return handle


def trip(port: int) -> RoundTrip:
    return RoundTrip(RedisPing(name="p", dsn=f"redis://127.0.0.1:{port}"), "trip")


def test_a_round_trip_is_read_in_milliseconds() -> None:
    with serving(redis_that_waits(0.05)) as port:  # type: ignore[arg-type]
        reading = read(trip(port))
    assert reading.kind == "value" and 50 <= float(reading.value or 0) < 500


def test_one_hiccup_is_not_taken_for_the_wire() -> None:
    with serving(redis_that_waits(0.0, first_s=1.0)) as port:  # type: ignore[arg-type]
        assert float(read(trip(port), 10.0).value or 0) < 1000


def test_what_has_not_answered_in_time_took_at_least_that_long() -> None:
    with serving(redis_that_waits(5.0)) as port:  # type: ignore[arg-type]
        reading = read(trip(port), 0.2)
    assert reading.kind == "value" and reading.value == 200.0 and "no answer" in reading.note


def test_a_refused_connection_is_no_round_trip() -> None:
    assert read(trip(free_port())).kind == "unreachable"


def echo(bytes_per_s: float = 0.0) -> object:
    """Sends back as a Redis would; at a rate, where one is given."""

    def handle(conn: socket.socket) -> None:
        wanted, got = 16_384, 0
        while got < wanted and (data := conn.recv(65_536)):
            got += len(data)
        piece = int(bytes_per_s / 50) or wanted
        for _ in range(wanted // piece + 1):
            conn.sendall(b"x" * piece)
            if bytes_per_s:
                time.sleep(0.02)

    return handle


def through(port: int) -> Throughput:
    return Throughput(f"127.0.0.1:{port}", 16_384, "through")


def test_a_wide_wire_carries_a_lot() -> None:
    with serving(echo()) as port:  # type: ignore[arg-type]
        assert max(float(read(through(port)).value or 0) for _ in range(3)) > 100_000


def test_a_narrow_wire_carries_what_it_carries() -> None:
    with serving(echo(5_000)) as port:  # type: ignore[arg-type]
        reading = read(through(port), 2.0)
    assert 1_000 < float(reading.value or 0) < 7_500


def test_a_wire_that_carries_nothing_carries_nothing() -> None:
    with serving(lambda conn: time.sleep(3)) as port:
        assert read(through(port), 0.3).value == 0


def test_a_redis_that_wants_a_password_is_not_taken_for_a_narrow_wire() -> None:
    with serving(
        lambda conn: (conn.recv(65_536), conn.sendall(b"-NOAUTH Authentication required.\r\n"), time.sleep(1))
    ) as port:  # type: ignore[arg-type, return-value]
        reading = read(through(port))
    assert reading.kind == "unreadable" and "NOAUTH" in reading.note


def test_a_connection_that_ends_in_the_middle_is_unreachable() -> None:
    with serving(lambda conn: conn.close()) as port:
        assert read(through(port)).kind == "unreachable"


def closing(after_s: float) -> object:
    def handle(conn: socket.socket) -> None:
        conn.recv(4096)
        conn.sendall(b"+OK\r\n")
        time.sleep(after_s)

    return handle


def farewell(port: int) -> CloseTime:
    return CloseTime(f"127.0.0.1:{port}", "redis", "close")


@pytest.mark.parametrize(("after_s", "least", "most"), [(0.0, 0, 250), (0.3, 290, 1500)])
def test_the_end_of_a_connection_is_timed(after_s: float, least: float, most: float) -> None:
    with serving(closing(after_s)) as port:  # type: ignore[arg-type]
        seen = [read(farewell(port), 2.0) for _ in range(3)]
    assert {one.kind for one in seen} == {"value"}
    # One that we, or the server, came late to says little.
    assert least <= statistics.median(float(one.value or 0) for one in seen) < most


def test_an_end_that_does_not_come_takes_at_least_the_time_limit() -> None:
    with serving(closing(5.0)) as port:  # type: ignore[arg-type]
        assert float(read(farewell(port), 0.3).value or 0) > 200


def test_a_farewell_without_an_answer_is_no_end() -> None:
    with serving(lambda conn: conn.close()) as port:
        assert read(farewell(port)).kind == "unreachable"
    with serving(lambda conn: time.sleep(3)) as port:
        assert read(farewell(port), 0.2).kind == "timed_out"


def test_a_port_that_stays_does_not_come_and_go() -> None:
    with serving(lambda conn: conn.recv(1)) as port:
        assert read(Comings(f"127.0.0.1:{port}", 10, 100, "c")).value == 0


def test_a_port_that_refuses_all_the_time_is_unreachable() -> None:
    reading = read(Comings(f"127.0.0.1:{free_port()}", 10, 100, "c"))
    assert reading.kind == "unreachable" and "in a row" in reading.note


def test_a_port_that_hangs_up_on_everybody_takes_no_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a container's published port does while nobody listens inside."""
    monkeypatch.setattr(wire_readers, "_HANGS_UP_S", 5.0)  # the server is a thread, which may be kept waiting
    with serving(lambda conn: conn.close()) as port:
        assert read(Comings(f"127.0.0.1:{port}", 1000, 1500, "c"), 4.0).kind == "unreachable"


def test_a_port_that_goes_is_seen_going() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    timer = threading.Timer(0.5, listener.close)
    timer.start()
    try:
        assert read(Comings(f"127.0.0.1:{port}", 10, 1500, "c"), 5.0).value == 1
    finally:
        timer.join()


# ---------------------------------------------------------------- what a proxy says


def api(status: int, body: bytes) -> object:
    def handle(conn: socket.socket) -> None:
        while conn.recv(4096):
            conn.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    return handle


SHOWN = b'{"name": "p", "enabled": %s, "toxics": [{"name": "blackstart.a"}]}'


@pytest.mark.parametrize(
    ("status", "body", "toxic", "enabled"),
    [
        (200, SHOWN % b"true", "there", "enabled"),
        (200, SHOWN % b"false", "there", "disabled"),
        (200, b'{"enabled": true, "toxics": [{"name": "blackstart.ab"}]}', "absent", "enabled"),
        (200, b'{"enabled": true}', "absent", "enabled"),
        (404, b'{"error": "proxy not found"}', "absent", None),
        (200, b"[]", None, None),
        (500, b"{}", None, None),
        (200, b"no json", None, None),
        (200, b'{"enabled": 1, "toxics": 7}', "absent", None),
    ],
)
def test_the_proxy_is_taken_at_its_word_and_no_further(
    status: int, body: bytes, toxic: str | None, enabled: str | None
) -> None:
    with serving(api(status, body)) as port:  # type: ignore[arg-type]
        url = f"http://127.0.0.1:{port}"
        assert read(ToxicState(url, "p", "blackstart.a", "t")).value == toxic
        assert read(ProxyState(url, "p", "e")).value == enabled


def test_a_proxy_that_is_no_more_is_an_answer() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert read(ToxicState(url, "p", "t", "t")).value == "no proxy"
    assert ToxicState(url, "p", "t", "t").lost().matches(read(ToxicState(url, "p", "t", "t")))
    assert read(ProxyState(url, "p", "e")).value == "no proxy"


def test_a_proxy_that_hangs_is_not_taken_for_dead() -> None:
    with serving(lambda conn: time.sleep(3)) as port:
        assert read(ToxicState(f"http://127.0.0.1:{port}", "p", "t", "t"), 0.2).kind == "timed_out"


def test_a_wire_is_clear_disturbed_or_without_a_proxy() -> None:
    away = free_port()
    with serving(lambda conn: None) as up, serving(api(200, b"{}")) as there:  # type: ignore[arg-type]
        open_wire = Tcp(address=f"127.0.0.1:{up}", name="port").is_("open")
        cut_wire = Tcp(address=f"127.0.0.1:{away}", name="port").is_("open")
        assert read(WireState(open_wire, f"http://127.0.0.1:{away}", "w")).value == "clear"
        assert read(WireState(cut_wire, f"http://127.0.0.1:{there}", "w")).value == "disturbed"
        assert read(WireState(cut_wire, f"http://127.0.0.1:{away}", "w")).value == "no proxy"
