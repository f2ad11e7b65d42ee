import os
import subprocess
import sys
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.proxy.errors import ApiError
from blackstart.proxy.lease import read_lease
from blackstart.safety.processes import identity


def test_a_lease_of_a_live_process_holds_until_it_dies() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        lease = read_lease({"pid": owner.pid})
        assert lease is not None
        assert lease.ended() is None
        owner.kill()
        owner.wait(10)
        assert lease.ended() == f"its owner, pid {owner.pid}, is gone"


def test_a_pid_that_was_used_again_is_not_the_owner() -> None:
    with pytest.raises(ApiError, match=f"lease.pid {os.getpid()} is another process now"):
        read_lease({"pid": os.getpid(), "started": "1"})
    lease = read_lease({"pid": os.getpid(), "started": identity.started(os.getpid())})
    assert lease is not None
    assert lease.ended() is None


def test_a_lease_in_seconds_ends_unless_it_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_s", lambda: 100.0)
    lease = read_lease({"seconds": 15})
    assert lease is not None
    monkeypatch.setattr(clock, "now_s", lambda: 114.9)
    assert lease.ended() is None
    assert lease.to_json() == {"seconds": 15, "remaining_s": 0.1}
    monkeypatch.setattr(clock, "now_s", lambda: 115.0)
    assert lease.ended() == "it was not renewed within 15 s"


def test_a_renewal_keeps_the_owner() -> None:
    first = read_lease({"pid": os.getpid(), "seconds": 5})
    renewed = read_lease({"seconds": 60}, first)
    assert first is not None
    assert renewed is not None
    assert (renewed.pid, renewed.started, renewed.seconds) == (first.pid, first.started, 60)
    freed = read_lease({"pid": None, "seconds": 60}, first)
    assert freed is not None
    assert freed.pid is None


def test_null_is_no_lease() -> None:
    assert read_lease(None) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("15s", "lease must be an object"),
        ({"secs": 3}, "lease must be an object of pid, started and seconds"),
        ({}, "a lease needs a pid or seconds"),
        ({"pid": 2**31 - 1}, "does not run on the proxy's machine"),
        ({"pid": "1"}, "lease.pid must be a process id"),
        ({"pid": 0}, "lease.pid must be a process id"),
        ({"pid": True}, "lease.pid must be a process id"),
        ({"pid": 1, "started": 5}, "lease.started must be a string"),
        ({"started": "5", "seconds": 1}, "which is missing"),
        ({"seconds": 0}, "more than 0"),
        ({"seconds": -1}, "more than 0"),
        ({"seconds": "5"}, "must be a number"),
        ({"seconds": True}, "must be a number"),
    ],
)
def test_a_lease_that_cannot_be_meant_is_refused(body: Any, message: str) -> None:
    with pytest.raises(ApiError, match=message) as caught:
        read_lease(body)
    assert caught.value.status == 400
