"""What may not happen in any case: a process, a connection. And how many cases there were."""

import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

import blackstart.controls.steps.local  # noqa: F401  (its annotations name what is replaced below)
from tests.fuzz.cases import declared, tried


@pytest.fixture
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is read, nothing is run and nobody is called."""

    def never(*words: Any, **_: Any) -> None:
        raise AssertionError(f"something was touched: {words}")

    monkeypatch.setattr(subprocess, "Popen", never)
    monkeypatch.setattr(socket, "create_connection", never)
    monkeypatch.setattr(socket.socket, "connect", never)
    yield


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The figures."""
    if tried:
        terminalreporter.write_line(f"fuzzed: {sum(tried.values())} cases of {len(declared)} properties: {tried}")
