"""The original scripts by their flags, on containers and compose services that are called as in the documents."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.container_trader import SERVICES, ContainerTrader, literal_ports, running
from tests.lab.drills import ROOT, Drill, environment
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]  # it may have to wait its turn


@pytest.fixture(scope="module")
def trader(request: pytest.FixtureRequest) -> Iterator[ContainerTrader]:
    """Without a target file nothing is known of its lock but what the real system does: TTL 30 s, refresh 10 s."""
    require("docker")
    project = getattr(request, "param", "")
    names = {"redis": "redis", "postgres": "postgres", "api": "trader-api"}
    if project:
        names = {service: f"{project}-{service}" for service in SERVICES}
    with running(ContainerTrader(names, project, profile="real", ports=literal_ports()), alone=True) as up:
        yield up


def original(script: str, tmp_path: Path, **flags: str) -> Drill:
    """`bash scripts/...` with these flags only, as in the document; beside them, folders of the test's own."""
    env = environment(tmp_path / "state", tmp_path / "reports", **flags)
    env.pop("TARGET")
    done = subprocess.run(
        ["bash", f"scripts/{script}"], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    return Drill(done.returncode, done.stdout + done.stderr, tmp_path / "reports")


@pytest.mark.parametrize("trader", ["aitrapp", ""], ids=["compose-service", "container"], indirect=True)
def test_leader_lock_by_the_original_flags_holds(trader: ContainerTrader, tmp_path: Path) -> None:
    before = trader.started()
    done = original(
        "chaos_test_leader_lock.sh", tmp_path, API=trader.api, REDIS_CONTAINER="redis", DATABASE_URL=trader.dsn
    )
    assert done.code == 0, done.output
    assert f"redis is the container {trader.names['redis']}, at 127.0.0.1:" in done.output.splitlines()[0]
    assert done.log[1:4] == ["leader_before,1", "leader_after_stop,0", "leader_after_recovery,1"]
    after = trader.started()
    assert {name for name in after if after[name] != before[name]} == {trader.names["redis"]}
    assert all(state.endswith(" running") for state in after.values())


def test_a_target_that_names_no_route_for_orders_is_told_of_it_before_anything_or_runs_without(
    trader: ContainerTrader, tmp_path: Path
) -> None:
    before = trader.started()
    refused = original("chaos_test_postgres.sh", tmp_path, API=trader.api)
    assert refused.code == 40 and '\n[orders]\nroute = "/orders"' in refused.output, refused.output
    assert trader.started() == before and not (tmp_path / "reports").exists()
    done = original("chaos_test_postgres.sh", tmp_path, API=trader.api, WITHOUT="orders")
    assert done.code == 0, done.output
    assert done.log[1:4] == ["health_before,healthy", "health_after_stop,healthy", "health_after_restart,healthy"]
    assert [event["service"] for event in done.record.of("linked")] == ["postgres"]
    assert "left_out,acknowledged_exactly_once (--without orders)" in done.log
    assert all(state.endswith(" running") for state in trader.started().values())


def test_from_a_target_file_that_is_written_of_what_runs_here_to_drills_that_hold(
    trader: ContainerTrader, tmp_path: Path
) -> None:
    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        env = environment(tmp_path / "state", tmp_path / "reports", DATABASE_URL="", API=trader.api)
        return subprocess.run(
            [str(Path(sys.executable).with_name("blackstart")), *words], cwd=tmp_path, env=env,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    before = trader.started()
    made = typed("chaos.init", "--name=mine")
    assert made.returncode == 0, made.stdout + made.stderr
    assert trader.started() == before
    for service in ("redis", "postgres"):
        assert f"{service}: container {trader.names[service]}" in made.stdout
        assert f"published at 127.0.0.1:{trader.ports[service]}: proved to be its own" in made.stdout
    for words, code in (
        (("chaos.init", "--name=mine"), 40),  # it is there
        (("chaos.plan", "postgres-blip"), 0),
        (("chaos.leader-lock",), 0),
        (("chaos.postgres-blip",), 40),
        (("chaos.postgres-blip", "--without=orders"), 0),
    ):
        done = typed(*words, *(() if words[0] == "chaos.init" else ("--target=mine",)))
        assert done.returncode == code, done.stdout + done.stderr


def test_plans_of_a_target_that_names_no_route_are_not_taken_for_proof(trader: ContainerTrader, tmp_path: Path) -> None:
    before = trader.started()
    done = original("chaos_test_rate_limit.sh", tmp_path, API=trader.api)
    assert done.code == 40, done.output
    assert trader.started() == before


def test_without_any_flag_the_documents_own_names_and_ports_are_meant(trader: ContainerTrader, tmp_path: Path) -> None:
    if trader.ports != {"redis": 6379, "postgres": 5432, "api": 8000}:
        pytest.skip(f"the ports of the original documents are taken on this machine: {trader.ports}")
    wrong = original("chaos_test_postgres.sh", tmp_path, POSTGRES_CONTAINER="postgre", WITHOUT="orders")
    assert wrong.code == 40 and 'no compose service or container "postgre"' in wrong.output
    done = original("chaos_test_postgres.sh", tmp_path, WITHOUT="orders")
    assert "http://localhost:8000" in done.output.splitlines()[0]
