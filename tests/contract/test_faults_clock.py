"""A service whose clock is wrong: it tells another time itself, and the right one again when that is undone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.faults import clock_skew
from blackstart.faults.clock_skew import ClockSkew
from blackstart.model.change import Change
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore
from blackstart.safety.preflight.rehearsal import rehearse
from tests.requirements import require
from tests.services import (
    Supervised,
    by_shell,
    carry_out,
    connects,
    eventually,
    free_port,
    pings,
    redis_server,
    so,
    supervised_redis,
)

HOUR = ClockSkew("api", 3600)


def planned(where: Target, fault: ClockSkew = HOUR) -> Change:
    """The fault's change, as the guardian reads it from the ledger."""
    (change,) = fault.plan(where)
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


@contextmanager
def server(folder: Path, **environment: str) -> Iterator[Target]:
    """A small HTTP server that tells the time in its answers, found by its command line, and started again by it."""
    port = free_port()
    words = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    log = (folder / "server.log").open("wb")
    first = subprocess.Popen(words, env={"PATH": "/usr/bin:/bin", **environment}, stdout=log, stderr=log)
    try:
        assert eventually(lambda: connects(port))
        control: dict[str, Any] = {"process": words, "start": words, "log": str(folder / "server.log")}
        service = Service("api", f"127.0.0.1:{port}", url=f"http://127.0.0.1:{port}", control=control)
        yield Target("test", api=f"http://127.0.0.1:{port}", services={"api": service})
    finally:
        for one in psutil.process_iter(["cmdline"]):
            if one.info["cmdline"] == words:
                one.kill()
                for file in memory(one.pid):
                    file.unlink()
        first.wait(timeout=10)
        log.close()


def memory(pid: int) -> list[Path]:
    """What the library has in /dev/shm for this process."""
    return list(Path("/dev/shm").glob(f"*faketime_s*_{pid}"))


def bites_and_is_undone(change: Change, look: Callable[[], None] = lambda: None) -> None:
    """`look` is called while the fault bites."""
    rehearse([change])
    carry_out(change.do)
    assert eventually(lambda: so(change.bites), 30), [str(one) for one in change.bites]
    assert not is_gone(change)
    look()
    by_shell(change.undo)
    by_shell(change.undo)
    assert restore(change, print, 30)


@pytest.mark.parametrize("offset_s", [3600, -90])
def test_a_process_is_started_again_with_the_wrong_clock_and_then_without(tmp_path: Path, offset_s: float) -> None:
    require("proc", "faketime")
    left: list[Path] = []

    def look() -> None:
        (pid,) = [one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == words]
        left.extend(memory(pid))

    with server(tmp_path) as where:
        words = where.services["api"].control["process"]
        bites_and_is_undone(planned(where, ClockSkew("api", offset_s)), look)
        planned(where)  # only a service whose clock is right can be planned with
    assert len(left) == 2 and not any(file.exists() for file in left), "the library's shared memory"


@pytest.mark.parametrize("had", [None, "+0\n"], ids=["no file", "a file"])
def test_a_service_that_reads_its_time_from_a_file_goes_on_with_the_wrong_one(tmp_path: Path, had: str | None) -> None:
    require("proc", "faketime")
    file = tmp_path / "time"
    if had is not None:
        file.write_text(had)
    means = {"FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    with server(tmp_path, LD_PRELOAD=str(clock_skew.library()), **means) as where:
        bites_and_is_undone(planned(where))
        assert (file.read_text() if file.exists() else None) == had


def test_what_can_not_be_skewed_or_seen_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("proc")
    with pytest.raises(ValueError, match="offset_s must be at least 5 s"):
        ClockSkew("api", -1)
    with server(tmp_path) as where:
        monkeypatch.setattr(clock_skew, "_PLACES", ())
        with pytest.raises(Refused, match="there is no libfaketime on this machine; install it"):
            planned(where)
        service = Service("api", where.services["api"].address, control=where.services["api"].control)
        with pytest.raises(Refused, match="nobody could see the clock of api"):
            planned(Target("test", services={"api": service}))


def test_a_program_that_hangs_under_the_library_is_there_again_after_the_undo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("proc", "faketime")
    port, pidfile = free_port(), tmp_path / "redis.pid"
    words = [redis_server(), "--port", str(port), "--save", "", "--pidfile", str(pidfile), "--set-proc-title", "no"]
    first = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    at = f"127.0.0.1:{port}"
    service = Service("redis", at, dsn=f"redis://{at}", control={"pidfile": str(pidfile), "start": words})
    where = Target("test", services={"redis": service})
    try:
        assert eventually(lambda: pings(port) and pidfile.exists())
        if "jemalloc" in Path(f"/proc/{first.pid}/maps").read_text():
            with pytest.raises(Refused, match="redis has jemalloc, under which libfaketime lets a program hang"):
                planned(where, ClockSkew("redis", 3600))
        monkeypatch.setattr(clock_skew, "_CLASH", "what no program has")
        change = planned(where, ClockSkew("redis", 3600))
        carry_out(change.do)
        by_shell(change.undo)
        assert restore(change, print, 30) and pings(port)
    finally:
        for one in psutil.process_iter(["cmdline"]):
            if str(pidfile) in (one.info["cmdline"] or ()):
                one.kill()
        first.wait(timeout=10)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("clock")) as made:
        yield made


def test_a_program_of_a_supervisor_without_the_library_is_refused_with_what_it_needs(lab: Supervised) -> None:
    require("proc")
    said = r"redis was not started with libfaketime, .* Start it with LD_PRELOAD=\S+ and FAKETIME_TIMESTAMP_FILE="
    service = Service(
        "redis", f"127.0.0.1:{lab.port}", dsn=f"redis://127.0.0.1:{lab.port}", control=lab.service().control
    )
    with pytest.raises(Refused, match=said):
        planned(Target("test", services={"redis": service}), ClockSkew("redis", 3600))
