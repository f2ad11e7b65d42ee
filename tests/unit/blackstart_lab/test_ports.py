"""Ports are free when taken, and can't be lent to a client while their service is down."""

import socket

import pytest

from blackstart_lab import ports
from blackstart_lab.lab_error import NotStarted


def test_taken_ports_are_distinct_free_and_below_the_range_for_outgoing_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("BLACKSTART_LAB_PORTS", raising=False)
    found = ports.take(20)
    assert len(set(found)) == 20
    assert all(20000 <= port < 32768 for port in found)
    assert all(map(ports.is_free, found))


def test_a_range_that_was_given_is_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKSTART_LAB_PORTS", "21000-21099")
    assert all(21000 <= port <= 21099 for port in ports.take(20))
    with pytest.raises(NotStarted, match="fewer than 101 free ports between 21000 and 21099"):
        ports.take(101)


@pytest.mark.parametrize("told", ["21000", "21099-21000", "0-10", "1-65536", "a-b", "-", "²-3"])
def test_a_range_that_is_none_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv("BLACKSTART_LAB_PORTS", told)
    with pytest.raises(NotStarted, match=f"Not started: BLACKSTART_LAB_PORTS={told} is no range of ports"):
        ports.take(1)


def test_busy_port_is_refused_by_number() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert not ports.is_free(port)
        with pytest.raises(NotStarted, match=f"Not started: port {port} of 127.0.0.1 is in use"):
            ports.demand(port)


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(NotStarted, match="is not a port"):
        ports.demand(port)


def test_machine_without_free_ports_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(NotStarted, match="fewer than 3 free ports"):
        ports.take(3)
