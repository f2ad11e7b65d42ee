"""A run of failures that a seed drew, on a real Redis: each bites and is undone, and the seed is on record."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from tests.contract.fault_proxies import redis_server
from tests.environment import ROOT

EXPERIMENT = '''"""Redis fails at random."""

from blackstart.faults.expire_key import ExpireKey
from blackstart.faults.max_memory import MaxMemory
from blackstart.model.expect import always, eventually
from blackstart.model.experiment import Experiment
from blackstart.model.schedule import chaos_monkey
from blackstart.probes.redis_ping import RedisPing
from blackstart.probes.redis_writes import RedisWrites

experiment = Experiment(
    name="monkey", target="", hypothesis="Redis answers whatever comes.",
    faults=chaos_monkey(
        (MaxMemory("redis"), ExpireKey("a")), seed=1, probability=1, rounds=3, every_s=12, hold_s=(5, 8)
    ),
    recovery=(eventually(RedisWrites("redis", "writes").is_("taken"), within_s=5, name="written_again"),),
    always=(always(RedisPing("redis", "ping").is_("PONG"), name="answers"),),
)
'''
STRETCHES = (
    "expire a in redis (seed 1, round 1)",
    "let redis reach its memory limit (seed 1, round 2)",
    "let redis reach its memory limit (seed 1, round 3)",
)


def typed(folder: Path, *words: str) -> tuple[int, str]:
    env = {"REPORTS": str(folder / "reports"), "TARGET": str(folder / "t.toml"), "NONINTERACTIVE": "1"}
    argv = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), *words]
    done = subprocess.run(
        argv,
        env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_failures_of_a_seed_come_one_by_one_and_the_seed_is_on_record(tmp_path: Path) -> None:
    with redis_server() as port, redis.Redis(port=port, decode_responses=True) as client:
        client.set("a", "1")
        before, file = client.config_get("maxmemory*"), tmp_path / "monkey.py"
        file.write_text(EXPERIMENT)
        (tmp_path / "t.toml").write_text(f'name = "one"\n[services.redis]\ndsn = "redis://127.0.0.1:{port}/0"\n')
        code, plan = typed(tmp_path, "chaos.plan", str(file))
        assert code == 0 and all(name in plan for name in STRETCHES), plan
        code, told = typed(tmp_path, "chaos.run", str(file), "--assume-link")
        assert code == 0, told
        (folder,) = (path for path in (tmp_path / "reports").iterdir() if path.is_dir())
        for name in ("journal.jsonl", "report.html"):
            assert all(stretch in (folder / name).read_text() for stretch in STRETCHES), name
        assert client.get("a") == "1" and client.config_get("maxmemory*") == before
