"""A runner that is killed while something is taken from the machine: no hog, file, limit, rule or wrong clock stays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from benchmarks.campaign.facts import marked, words_of

from blackstart.faults.clock_skew import ClockSkew
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.disk_full import DiskFull
from blackstart.faults.dns_failure import DnsFailure
from blackstart.faults.memory_limit import MemoryLimit
from blackstart.faults.memory_stress import MemoryStress
from blackstart.model.change import Fault
from tests.contract.network_runs import NetworkRun
from tests.contract.test_faults_memory_limit import in_group
from tests.netns import netns
from tests.requirements import require
from tests.services import Supervised, connects, eventually, free_port, pings, supervised_redis
from tests.tiny_disk import tiny_disk

BITES = "the fault bites"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("killed")) as made:
        yield made


def of(lab: Supervised) -> dict[str, Any]:
    return {"services": {"redis": {"address": f"127.0.0.1:{lab.port}", "control": lab.service().control}}}


def stressors() -> list[list[str]]:
    """What presses this test's machine: told by its state folder, whoever its parent is by now."""
    every = [words_of(pid) for pid in marked(f"BLACKSTART_STATE={os.environ['BLACKSTART_STATE']}")]
    return [words for words in every if any("_stressor.py" in word or "stress-ng" in word for word in words)]


@pytest.mark.parametrize(
    "fault", [CpuStress("redis", 0.3), pytest.param(MemoryStress("redis", mb=64), marks=pytest.mark.slow)],
    ids=lambda fault: fault.describe(),
)  # fmt: skip
def test_a_run_killed_in_the_middle_leaves_no_stressor(lab: Supervised, tmp_path: Path, fault: Fault) -> None:
    require("proc")
    run = NetworkRun(tmp_path, fault, of(lab), hold_s=60)
    run.wait_for(BITES)
    assert stressors()
    run.kill()
    assert run.guardian_gone() and run.guarded()[-1] == "end"
    assert not stressors() and pings(lab.port)


@pytest.mark.slow
@pytest.mark.root
def test_a_run_killed_in_the_middle_leaves_no_file(lab: Supervised, tmp_path: Path) -> None:
    with tiny_disk(tmp_path, "16m") as disk:
        run = NetworkRun(tmp_path, DiskFull("redis", str(disk), 1), of(lab), hold_s=60)
        run.wait_for(BITES)
        assert list(disk.iterdir())
        run.kill()
        assert run.guardian_gone() and run.guarded()[-1] == "end"
        assert not list(disk.iterdir()) and pings(lab.port)


@pytest.mark.slow
@pytest.mark.root
def test_a_run_killed_in_the_middle_leaves_no_limit_of_memory(tmp_path: Path) -> None:
    require("root", "proc")
    with in_group(tmp_path) as (where, group):
        former, redis = group.limit_file.read_text(), where.services["redis"]
        target = {"services": {"redis": {"address": redis.address, "control": redis.control}}}
        run = NetworkRun(tmp_path, MemoryLimit("redis", 96), target, hold_s=60)
        run.wait_for(BITES)
        assert group.limit_file.read_text() == f"{96 * 1024 * 1024}\n"
        run.kill()
        assert run.guardian_gone() and run.guarded()[-1] == "end"
        assert group.limit_file.read_text() == former and pings(int(redis.address.split(":")[1]))


@pytest.mark.slow
@pytest.mark.root
def test_a_run_killed_in_the_middle_leaves_no_rule_that_drops_what_asks_for_names(tmp_path: Path) -> None:
    require("root", "netns")
    with netns() as space:
        before = space.rules()
        redis = {"address": f"{space.theirs}:{space.port}", "net": {"netns": space.name}}
        target = {"services": {"redis": redis}}
        run = NetworkRun(tmp_path, DnsFailure("redis"), target, hold_s=60, allow=space.theirs)
        run.wait_for(BITES)
        assert any("--ctorigdstport 53" in rule for rule in space.rules())
        run.kill()
        assert run.guardian_gone() and run.guarded()[-1] == "end"
        assert space.rules() == before


@contextmanager
def clock_server(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """An HTTP server that is a process found by its command line: its port, and its service."""
    port = free_port()
    words = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    first = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    at = f"127.0.0.1:{port}"
    try:
        assert eventually(lambda: connects(port))
        yield port, {"address": at, "url": f"http://{at}", "control": {"process": words, "start": words}}
    finally:
        for one in psutil.process_iter(["cmdline"]):
            if one.info["cmdline"] == words:
                one.kill()
        first.wait(timeout=10)


def year(port: int) -> int:
    told = requests.head(f"http://127.0.0.1:{port}/", timeout=5).headers["Date"]
    return parsedate_to_datetime(told).year


@pytest.mark.slow
def test_a_run_killed_in_the_middle_leaves_no_wrong_clock(lab: Supervised, tmp_path: Path) -> None:
    require("proc", "faketime")
    with clock_server(tmp_path) as (port, api):
        now, target = year(port), of(lab)
        target["services"]["api"] = api
        run = NetworkRun(tmp_path, ClockSkew("api", 3 * 366 * 86_400), target, hold_s=60)
        run.wait_for(BITES)
        assert year(port) >= now + 3
        run.kill()
        assert run.guardian_gone() and run.guarded()[-1] == "end"
        assert year(port) == now
