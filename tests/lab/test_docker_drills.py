"""The three drills against the trader in real containers, as its compose file names them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker_engine import redis_container
from tests.lab.container_trader import SERVICES, ContainerTrader, running
from tests.lab.drills import ROOT, Drill, command, drill, environment, ledger
from tests.lab.lab_driver import eventually
from tests.requirements import require

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]  # it may have to wait its turn

DRILLS = {
    "chaos.leader-lock": "redis",
    "chaos.postgres-blip": "postgres",
    "chaos.postgres-blip --freeze": "postgres",
    "chaos.rate-limit-spike": "",
}


@pytest.fixture(scope="module")
def trader() -> Iterator[ContainerTrader]:
    require("docker")
    with running(ContainerTrader({name: f"aitrapp-{name}" for name in SERVICES}, "aitrapp")) as up:
        yield up


def flags(trader: ContainerTrader, **more: str) -> dict[str, str]:
    """The flags of the original document; no target file."""
    return {"TARGET": "", "API": trader.api, **more}


def assert_held(done: Drill, trader: ContainerTrader, before: dict[str, str], touched: str) -> None:
    """It held, with the link proved; only the touched container was started again, and nothing is left to mend."""
    assert done.code == 0, done.output
    assert done.log[-1] == "test_result,PASS"
    linked = [event["service"] for event in done.record.of("linked")]
    assert linked == ([touched] if touched else [])
    after = trader.started()
    assert all(state.endswith(" running") for state in after.values())
    changed = {name for name in after if after[name] != before[name]}
    frozen = "freeze" in done.folder.name
    assert changed == ({trader.names[touched]} if touched and not frozen else set())


# Every drill and both names in every run, each with each where slow tests are run.
OTHERWISE = {("chaos.leader-lock", "docker"), ("chaos.postgres-blip", "compose"), ("chaos.rate-limit-spike", "compose"),
             ("chaos.postgres-blip --freeze", "docker")}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "by"),
    [
        pytest.param(words, by, marks=pytest.mark.slow if (words, by) in OTHERWISE else ())
        for words in DRILLS
        for by in ("compose", "docker")
    ],
)
def test_a_drill_holds_by_compose_service_and_by_container_name(
    trader: ContainerTrader, tmp_path: Path, words: str, by: str
) -> None:
    # Found by compose service, PostgreSQL has no dsn: what is asked of it is asked inside of its container.
    file = trader.target(tmp_path / "trader.toml", by, dsn=by == "docker")
    before = trader.started()
    task, *options = words.split()
    done = drill(task, tmp_path / "state", tmp_path / "reports", *options, TARGET=str(file))
    assert_held(done, trader, before, DRILLS[words])
    assert ledger(tmp_path / "state") == []


def test_a_killed_run_leaves_the_container_running(trader: ContainerTrader, tmp_path: Path) -> None:
    file = trader.target(tmp_path / "trader.toml", "compose")
    env = environment(tmp_path / "state", tmp_path / "reports", TARGET=str(file))
    child = subprocess.Popen(
        command("chaos.leader-lock", "--hold=60"),
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        assert any("the fault bites" in line for line in child.stdout)
        assert trader.started()["aitrapp-redis"].endswith(" exited")
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    eventually(lambda: trader.started()["aitrapp-redis"].endswith(" running"), 30)
    eventually(lambda: not ledger(tmp_path / "state"), 30)
    eventually(trader.leads, 30)


def test_a_crash_behind_a_restart_policy_is_seen(tmp_path: Path) -> None:
    require("docker")
    names = {name: f"blackstart-crash-{name}" for name in SERVICES}
    with running(ContainerTrader(names, mutant="crash-on-redis-loss")) as crashing:
        file = crashing.target(tmp_path / "trader.toml", "docker")
        done = drill(
            "chaos.leader-lock", tmp_path / "state", tmp_path / "reports", TARGET=str(file), WAIT_READY_TIMEOUT="15"
        )
        assert done.code == 20, done.output
        # It is up again before anybody looks: only its counters and its instance id tell.
        assert {"same_instance", "no_crash"} & done.failed(), done.output
        assert all(state.endswith(" running") for state in crashing.started().values())


def refused(trader: ContainerTrader, tmp_path: Path, task: str = "chaos.leader-lock", **more: str) -> str:
    """The one line of a refusal, after it was seen that nothing was touched and nothing is left behind."""
    before = trader.started()
    done = drill(task, tmp_path / "state", tmp_path / "reports", **flags(trader, **more))
    assert done.code == 40, done.output
    said = [line for line in done.output.splitlines() if line.startswith("Not started:")]
    assert len(said) == 1 and done.output.splitlines()[-1] == said[0], done.output
    assert trader.started() == before
    assert trader.leads()
    return said[0]


def test_a_wrong_name_is_refused_with_the_names_that_are_near(trader: ContainerTrader, tmp_path: Path) -> None:
    said = refused(trader, tmp_path, REDIS_CONTAINER="rediss")
    assert 'no compose service or container "rediss"' in said
    assert "redis" in said.partition("rediss")[2]


def test_part_of_a_name_is_refused(trader: ContainerTrader, tmp_path: Path) -> None:
    assert "Near it: aitrapp-redis (compose aitrapp/redis, running)" in refused(trader, tmp_path, REDIS_CONTAINER="red")


def test_a_service_of_two_projects_is_refused(trader: ContainerTrader, tmp_path: Path) -> None:
    with redis_container("blackstart-other-redis", compose=("blackstart-other", "redis")):
        said = refused(trader, tmp_path, REDIS_CONTAINER="redis")
    assert '"redis" could be any of aitrapp-redis (compose aitrapp/redis, running), blackstart-other-redis' in said


def test_a_redis_that_is_not_the_targets_is_refused(trader: ContainerTrader, tmp_path: Path) -> None:
    with redis_container() as (name, _):
        said = refused(trader, tmp_path, REDIS_CONTAINER=name)
    assert "no proof that redis is the one that trader uses" in said


def test_the_targets_own_redis_behind_the_url_of_another_is_refused(trader: ContainerTrader, tmp_path: Path) -> None:
    with redis_container() as (_, port):
        url = f"redis://127.0.0.1:{port}/0"
        said = refused(trader, tmp_path, REDIS_CONTAINER="aitrapp-redis", REDIS_URL=url)
    assert "is another server" in said


def test_a_container_that_is_no_postgres_of_the_target_is_refused(trader: ContainerTrader, tmp_path: Path) -> None:
    named = {"POSTGRES_CONTAINER": "aitrapp-redis", "WITHOUT": "orders"}
    said = refused(trader, tmp_path, "chaos.postgres-blip", **named)
    assert "no proof that postgres is the one that trader uses" in said


def test_an_engine_that_does_not_answer_is_refused(trader: ContainerTrader, tmp_path: Path) -> None:
    said = refused(trader, tmp_path, REDIS_CONTAINER="redis", DOCKER_HOST=f"unix://{tmp_path}/no.sock")
    assert "no.sock" in said
