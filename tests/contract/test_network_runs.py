"""Whole runs of network faults: what they come to, and that a killed one leaves no toxic, no rule and no queue."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart.faults.bandwidth import Bandwidth
from blackstart.faults.cut import Cut
from blackstart.faults.drop import Drop
from blackstart.faults.flap import Flap
from blackstart.faults.latency import Latency
from blackstart.faults.netem import Netem
from blackstart.faults.reject import Reject
from blackstart.faults.reset import Reset
from blackstart.faults.slow_close import SlowClose
from blackstart.faults.tbf import Tbf
from blackstart.model.change import Fault
from blackstart.safety.heal import heal
from blackstart.safety.ledger.ledger import Ledger
from tests.contract.fault_proxies import FaultProxy, redis_server
from tests.contract.network_runs import NetworkRun, left_running, through, untouched
from tests.netns import Netns, answers, netns
from tests.processes import guardians
from tests.requirements import require
from tests.services import eventually, pings

PROXIED: tuple[Fault, ...] = (
    Latency("redis", 300, 50), Bandwidth("redis", 1), Cut("redis"), Reset("redis"), SlowClose("redis", 400),
    Flap("redis", 100),
)  # fmt: skip
PACKETS: tuple[Fault, ...] = (Drop("redis"), Reject("redis"), Tbf("redis", 100), Netem("redis", 100))
BITES = "the fault bites"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    require("root", "netns")
    with netns() as made:
        yield made


def inside(space: Netns) -> dict[str, Any]:
    net = {"netns": space.name, "interface": space.inner}
    return {
        "services": {
            "redis": {
                "address": f"{space.theirs}:{space.port}",
                "dsn": f"redis://{space.theirs}:{space.port}",
                "net": net,
            }
        }
    }


def require_kernel_for(fault: Fault) -> None:
    """Not every kernel has every queue."""
    if isinstance(fault, Netem):
        require("netem")


def mended(run: NetworkRun, clean: Callable[[], bool], at_s: float) -> None:
    """Everything is as it was, by an observer's look, and nothing of the run goes on."""
    assert eventually(clean, 20), run.text
    print(f"clean {time.monotonic() - at_s:.2f} s after the kill")
    assert run.guardian_gone(), left_running()
    assert clean() and Ledger().outstanding() == []


# ---------------------------------------------------------------- runs that end by themselves


@pytest.mark.parametrize("fault", PROXIED, ids=lambda fault: fault.describe())
def test_a_run_through_a_proxy_holds(proxy: FaultProxy, upstream: int, tmp_path: Path, fault: Fault) -> None:
    port = proxy.proxy_to(upstream, "redis")
    run = NetworkRun(tmp_path, fault, through(proxy, port, upstream))
    assert run.end() == 0, run.text
    assert BITES in run.text and untouched(proxy) and run.guardian_gone(10)


@pytest.mark.root
@pytest.mark.parametrize("fault", PACKETS, ids=lambda fault: fault.describe())
def test_a_run_on_packets_holds(space: Netns, tmp_path: Path, fault: Fault) -> None:
    require_kernel_for(fault)
    before = (space.rules(), space.queues())
    run = NetworkRun(tmp_path, fault, inside(space), allow=space.theirs)
    assert run.end() == 0, run.text
    assert BITES in run.text and (space.rules(), space.queues()) == before


@pytest.mark.root
def test_a_run_on_an_address_that_is_not_this_machine_is_refused_until_it_is_allowed(
    space: Netns, tmp_path: Path
) -> None:
    run = NetworkRun(tmp_path, Drop("redis"), inside(space))
    assert run.end() == 40
    assert f'allow = ["{space.theirs}"]' in run.text and not space.rules()


def test_a_service_that_bypasses_the_proxy_makes_the_run_inconclusive(
    proxy: FaultProxy, upstream: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.proxy_to(upstream, "redis")
    with redis_server() as direct:
        run = NetworkRun(tmp_path, Latency("redis", 300), through(proxy, direct, upstream))
        assert run.end() == 30, run.text
    assert "the fault was not proved to bite" in run.text and "redis_round_trip_ms at least" in run.text
    assert untouched(proxy)


@pytest.mark.parametrize(
    "fault", (Latency("redis", 300), Cut("redis"), Flap("redis", 100)), ids=lambda fault: fault.describe()
)
def test_a_proxy_that_dies_in_the_middle_makes_the_run_inconclusive(
    proxy: FaultProxy, upstream: int, tmp_path: Path, fault: Fault
) -> None:
    port = proxy.proxy_to(upstream, "redis")
    run = NetworkRun(tmp_path, fault, through(proxy, port, upstream), hold_s=30)
    run.wait_for(BITES)
    proxy.close()
    assert run.end() == 30, run.text
    assert "the fault's own means failed" in run.text and "no proxy" in run.text
    assert run.guardian_gone(10) and Ledger().outstanding() == []


# ---------------------------------------------------------------- runs that are killed


@pytest.mark.parametrize("fault", PROXIED, ids=lambda fault: fault.describe())
def test_a_run_killed_in_the_middle_leaves_no_toxic(
    proxy: FaultProxy, upstream: int, tmp_path: Path, fault: Fault
) -> None:
    port = proxy.proxy_to(upstream, "redis")
    run = NetworkRun(tmp_path, fault, through(proxy, port, upstream), hold_s=60)
    run.wait_for(BITES)
    mended(run, lambda: untouched(proxy) and pings(port, 1.0), run.kill())


@pytest.mark.root
@pytest.mark.parametrize("fault", PACKETS, ids=lambda fault: fault.describe())
def test_a_run_killed_in_the_middle_leaves_no_rule_and_no_queue(space: Netns, tmp_path: Path, fault: Fault) -> None:
    require_kernel_for(fault)
    before = (space.rules(), space.queues())
    run = NetworkRun(tmp_path, fault, inside(space), hold_s=60, allow=space.theirs)
    run.wait_for(BITES)
    assert (space.rules(), space.queues()) != before
    mended(run, lambda: (space.rules(), space.queues()) == before and answers(space), run.kill())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fault", (Flap("redis", 50), Cut("redis")), ids=lambda fault: fault.describe())
def test_a_run_killed_at_any_instant_leaves_no_toxic(upstream: int, tmp_path: Path, fault: Fault, seed: int) -> None:
    proxy = FaultProxy("toxiproxy" if seed % 2 else "embedded")
    try:
        port = proxy.proxy_to(upstream, "redis")
        run = NetworkRun(tmp_path, fault, through(proxy, port, upstream), hold_s=0.5)
        run.wait_for("baseline")
        time.sleep(random.Random(seed).uniform(0.0, 3.0))
        mended(run, lambda: untouched(proxy) and pings(port, 1.0), run.kill())
    finally:
        proxy.close()


@pytest.mark.root
@pytest.mark.parametrize("seed", range(3))
def test_a_run_killed_at_any_instant_leaves_no_rule(space: Netns, tmp_path: Path, seed: int) -> None:
    before = space.rules()
    run = NetworkRun(tmp_path, Reject("redis"), inside(space), hold_s=0.5, allow=space.theirs)
    run.wait_for("baseline")
    time.sleep(random.Random(seed).uniform(0.0, 3.0))
    mended(run, lambda: space.rules() == before and answers(space), run.kill())


def test_a_flapper_killed_together_with_its_run_leaves_the_proxy_up(
    proxy: FaultProxy, upstream: int, tmp_path: Path
) -> None:
    port = proxy.proxy_to(upstream, "redis")
    run = NetworkRun(tmp_path, Flap("redis", 50), through(proxy, port, upstream), hold_s=60)
    run.wait_for(BITES)
    (pidfile,) = Path(os.environ["BLACKSTART_STATE"]).glob("flappers/*.pid")
    os.kill(int(pidfile.read_text()), signal.SIGKILL)
    mended(run, lambda: untouched(proxy) and pings(port, 1.0), run.kill())


def kill_with_guardian(run: NetworkRun) -> None:
    """Both at once: the guardian is told nothing, and nobody is left."""
    found = guardians()
    run.process.send_signal(signal.SIGSTOP)  # it must not see its guardian's death, and restore
    for pid in (*found, run.process.pid):
        os.kill(pid, signal.SIGKILL)
    run.process.wait(timeout=10)
    assert found and run.guardian_gone(5)


@pytest.mark.root
@pytest.mark.parametrize("by", ["chaos.heal", "HEAL.sh"])
def test_a_rule_that_nobody_was_left_to_undo_is_mended_by_hand(space: Netns, tmp_path: Path, by: str) -> None:
    run = NetworkRun(tmp_path, Reject("redis"), inside(space), hold_s=60, allow=space.theirs)
    run.wait_for(BITES)
    kill_with_guardian(run)
    assert space.rules() and not answers(space)
    by_hand(run, by)
    assert not space.rules() and answers(space)
    heal.heal(print, run.reports)
    assert Ledger().outstanding() == []


@pytest.mark.parametrize("by", ["chaos.heal", "HEAL.sh"])
def test_a_toxic_that_nobody_was_left_to_remove_is_mended_by_hand(upstream: int, tmp_path: Path, by: str) -> None:
    require("toxiproxy")
    proxy = FaultProxy("toxiproxy")
    try:
        port = proxy.proxy_to(upstream, "redis")
        run = NetworkRun(tmp_path, Latency("redis", 300), through(proxy, port, upstream), hold_s=60)
        run.wait_for(BITES)
        kill_with_guardian(run)
        assert not untouched(proxy)
        by_hand(run, by)
        assert untouched(proxy)
        heal.heal(print, run.reports)
        assert Ledger().outstanding() == []
    finally:
        proxy.close()


def test_a_leased_toxic_goes_with_its_run_even_where_nobody_is_left(upstream: int, tmp_path: Path) -> None:
    proxy = FaultProxy("embedded")
    try:
        port = proxy.proxy_to(upstream, "redis")
        run = NetworkRun(tmp_path, Cut("redis"), through(proxy, port, upstream), hold_s=60)
        run.wait_for(BITES)
        kill_with_guardian(run)
        assert eventually(lambda: untouched(proxy) and pings(port, 1.0), 3)
        assert heal.heal(print, run.reports) == 0 and Ledger().outstanding() == []
    finally:
        proxy.close()


def by_hand(run: NetworkRun, by: str) -> None:
    if by == "chaos.heal":
        assert heal.heal(print, run.reports) == 0
        return
    (script,) = run.reports.glob("*/HEAL.sh")
    env = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(["sh", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
