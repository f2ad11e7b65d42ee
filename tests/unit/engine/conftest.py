"""What the tests of the engine share: their own crowd, of other tests on the same processors, excuses nothing."""

import pytest


@pytest.fixture(autouse=True)
def never_crowded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No count of threads: a time limit that was missed is missed, however busy the machine is with the tests."""
    monkeypatch.setattr("blackstart.base.scheduling_lag._runnable", list)
