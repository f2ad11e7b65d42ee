"""HEAL.sh and a fault proxy: what it removes while the proxy lives, and what it says where the proxy has died."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.base.errors import StepFailed
from blackstart.commands.target_file import from_table
from blackstart.controls.steps.local import carry_out
from blackstart.faults.cut import Cut
from blackstart.faults.latency import Latency
from blackstart.model.change import Change, Fault
from blackstart.model.step import HttpCall
from blackstart.safety.heal import heal_script
from blackstart.safety.heal.restore import is_gone, restore
from tests.contract.fault_proxies import FaultProxy, hanging_port
from tests.contract.network_runs import through, untouched
from tests.services import free_port


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    made = FaultProxy("embedded")
    yield made
    made.close()


def planned(proxy: FaultProxy, upstream: int, fault: Fault) -> Change:
    target = from_table({"name": "t", **through(proxy, proxy.proxy_to(upstream, "redis"), upstream)}, "a test")
    (change,) = fault.plan(target)
    return change


def healed(path: Path, change: Change) -> "subprocess.CompletedProcess[str]":
    heal_script.write(path / "HEAL.sh", "r", [change])
    return subprocess.run(
        ["sh", str(path / "HEAL.sh")], env={"PATH": "/usr/local/bin:/usr/bin:/bin"}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


FAULTS = (Latency("redis", 300), Cut("redis"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_the_script_removes_what_is_there(proxy: FaultProxy, upstream: int, tmp_path: Path, fault: Fault) -> None:
    change = planned(proxy, upstream, fault)
    for step in change.do:
        carry_out(step)
    assert not untouched(proxy)
    done = healed(tmp_path, change)
    assert done.returncode == 0 and untouched(proxy), done.stdout + done.stderr


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_where_the_proxy_has_died_nothing_is_left_to_undo_and_the_script_says_so(
    proxy: FaultProxy, upstream: int, tmp_path: Path, fault: Fault
) -> None:
    change = planned(proxy, upstream, fault)
    for step in change.do:
        carry_out(step)
    proxy.close()
    done = healed(tmp_path, change)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the fault proxy has ended" in done.stdout and "is cut off until it is started again" in done.stdout
    said: list[str] = []
    assert restore(change, said.append, 5.0) and is_gone(change) and said == []


def test_a_proxy_that_lives_and_does_not_answer_is_no_dead_one(
    proxy: FaultProxy, upstream: int, tmp_path: Path
) -> None:
    change = planned(proxy, upstream, Latency("redis", 300))
    (call,) = change.undo
    assert isinstance(call, HttpCall) and call.if_refused
    with hanging_port() as port:
        deaf = replace(call, url=f"http://127.0.0.1:{port}/x", timeout_s=0.3)
        done = healed(tmp_path, replace(change, undo=(deaf,)))
        assert done.returncode == 1 and "NOT everything was undone" in done.stderr
        with pytest.raises(StepFailed):
            carry_out(deaf)


def test_a_refused_call_that_nobody_excused_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="refused"):
        carry_out(HttpCall("DELETE", f"http://127.0.0.1:{free_port()}/x"))
