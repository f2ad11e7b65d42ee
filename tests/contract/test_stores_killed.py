"""A runner that is killed while it has done to stores all that can be done to them: its guardian takes it back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.safety.ledger.ledger import Ledger
from tests.contract.fault_proxies import redis_server
from tests.contract.test_store_faults import Stores
from tests.environment import ROOT
from tests.postgres import postgres_server
from tests.processes import end, guardians, running
from tests.services import eventually

SECRET = "s3cret-of-shop"
EXPERIMENT = '''"""Both stores are ill at once."""

from blackstart.faults.connection_exhaustion import ConnectionExhaustion
from blackstart.faults.expire_key import ExpireKey
from blackstart.faults.lock_table import LockTable
from blackstart.faults.max_memory import MaxMemory
from blackstart.faults.read_only import ReadOnly
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.probes.redis_writes import RedisWrites

experiment = Experiment(
    name="ill-stores", target="", hypothesis="They recover.",
    faults=(
        ExpireKey("session:{7} 'a'"), MaxMemory("redis"), ConnectionExhaustion("postgres", 5),
        LockTable('"shop orders"'), ReadOnly("postgres"),
    ),
    recovery=(eventually(RedisWrites("redis", "writes").is_("taken"), within_s=5, name="written_again"),),
    hold_min_s=300.0, hold_max_s=300.0,
)
'''


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    end(guardians())


def test_a_runner_killed_with_both_stores_ill_leaves_nothing_behind(tmp_path: Path) -> None:
    with redis_server() as redis_port, postgres_server(tmp_path / "server", "shop") as postgres_port:
        stores = Stores(redis_port, postgres_port)
        stores.fresh()
        before, file = stores.settings(), tmp_path / "ill_stores.py"
        file.write_text(EXPERIMENT)
        dsn = stores.postgres_dsn.replace("shop@", f"shop:{SECRET}@")
        (tmp_path / "t.toml").write_text(
            f'name = "shop"\n[services.redis]\ndsn = "{stores.redis_dsn}"\n[services.postgres]\ndsn = "{dsn}"\n'
        )
        env = {"REPORTS": str(tmp_path / "reports"), "TARGET": str(tmp_path / "t.toml"), "NONINTERACTIVE": "1"}
        argv = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), "chaos.run", str(file), "--assume-link"]
        with (tmp_path / "out").open("w") as out:
            run = subprocess.Popen(
                argv, stdout=out, stderr=out, start_new_session=True, env={**os.environ, **env, "PYTHONPATH": str(ROOT)}
            )
        said = (tmp_path / "out").read_text
        bites = eventually(lambda: "the fault bites" in said() or run.poll() is not None, 120)
        assert bites and run.poll() is None, said()
        unfelt = [name for name in ("expired key", "full memory", "locked table") if stores.works(name)]
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        assert unfelt == []
        assert eventually(lambda: Ledger().outstanding() == [], 90)
        (folder,) = (path for path in (tmp_path / "reports").iterdir() if path.is_dir())
        assert eventually(lambda: journal.read(folder / "guardian.jsonl").first(EventName.END) is not None, 30)
        assert stores.are_set(before)
        assert all(stores.works(name) for name in ("expired key", "full memory", "read-only", "locked table"))
        assert not running("blackstart.faults._lock_holder") and not running("blackstart.faults._connection_holder")
        written = [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
        assert written == []
        stores.redis.close()
