"""Being asked to end: noted at once, obeyed where it is safe."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from blackstart.base.errors import Interrupted
from blackstart.engine.signals import Signals


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_is_noted_and_obeyed_when_asked(signum: int, code: int) -> None:
    before = signal.signal(signum, signal.SIG_DFL)  # these tests may run under nohup
    try:
        _noted_and_obeyed(signum, code)
    finally:
        signal.signal(signum, before)


def _noted_and_obeyed(signum: int, code: int) -> None:
    with Signals() as signals:
        signals.check()
        os.kill(os.getpid(), signum)
        assert signals.first == signum
        with pytest.raises(Interrupted) as caught:
            signals.check()
    assert caught.value.signum == signum
    assert signals.exit_code == code


def test_the_first_signal_counts_and_later_ones_do_no_harm() -> None:
    with Signals() as signals:
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            os.kill(os.getpid(), signum)
    assert (signals.first, signals.count, signals.exit_code) == (signal.SIGTERM, 3, 143)


def test_the_handlers_of_before_come_back() -> None:
    before = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(RuntimeError), Signals():
        raise RuntimeError
    assert [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_nohup_is_respected() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGHUP)
        assert signals.first is None
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_a_handler_that_python_did_not_set_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    with Signals() as signals:
        signals._before[signal.SIGHUP] = None
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
