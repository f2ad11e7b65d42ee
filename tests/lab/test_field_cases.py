"""Drills on what people have told of in public: of their systems, their CI servers, their machines.

Each id begins with the number and the name of the case in the collection of such reports. What can be shown without a
drill stands beside its kind under the same names: the reader of a URL, the probe, the proxy's config file, the load.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docker_engine import docker
from tests.environment import require_made_environment
from tests.lab.container_trader import ContainerTrader, running
from tests.lab.drills import Drill, drill, environment, ledger
from tests.lab.gateway_driver import GatewayDriver
from tests.lab.lab_driver import ROOT, LabDriver, eventually
from tests.lab.refusing import no_evidence, refused
from tests.requirements import require
from tests.unit.probes.servers import http, requests_of, serving

pytestmark = pytest.mark.slow  # two minutes
HELD, INCONCLUSIVE = 0, 30


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a folder of a Jenkins job that has blanks in its name, in its second workspace."""
    folder = tmp_path_factory.mktemp("jobs") / "aa bb@2" / "black start"
    for name in ("lib", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("tasks.py", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@pytest.fixture(scope="module")
def lab(clone: Path) -> Iterator[LabDriver]:
    """A trader for all the tests of this file, of that copy and in that folder."""
    driver = LabDriver(clone.with_name("state"))
    driver.environment["PYTHONPATH"] = str(clone / "lib")
    yield driver.up()
    driver.command("down")


def target(lab: LabDriver, folder: Path, pattern: str, value: str) -> str:
    """The lab's target file with another value where the pattern's one group is."""
    text = (lab.folder / "target.toml").read_text()
    found = re.search(pattern, text)
    assert found, text
    made = folder / "mine.toml"
    made.write_text(text[: found.start(1)] + value + text[found.end(1) :])
    return str(made)


# ---------------------------------------------------------------- a lock that is no text


@pytest.mark.parametrize("key", [pytest.param("shop:leader", id="10-lock-is-a-hash")])
def test_a_lock_that_is_a_hash_keeps_no_drill_from_holding_and_accuses_nobody(
    lab: LabDriver, tmp_path: Path, key: str
) -> None:
    """As Redisson keeps it: `{uuid:thread = count}`, of which GET says WRONGTYPE."""
    with lab.redis() as client:
        client.hset(key, "5b2f0c9e-1111-4222-8333-944455566677:41", 1)
    file = target(lab, tmp_path, r'(?m)^lock_key = "(.*)"$', key)
    done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", TARGET=file)
    assert done.code == HELD, done.output
    assert [event["service"] for event in done.record.of("linked")] == ["redis"]
    told = {finding.name: finding.status for finding in done.judged().findings}
    assert {told[name] for name in ("leader_means_lock", "lock_held_by_one")} == {"inconclusive"}
    assert done.failed() == set() and "WRONGTYPE" in (done.folder / "journal.jsonl").read_text()
    assert ledger(lab.state) == []


# ---------------------------------------------------------------- users of Redis with few rights

FREEZE = """
from blackstart.faults.pause import Pause
from blackstart.model import Experiment
from blackstart.model.expect import eventually
from blackstart.suites.trader import readings as read
from blackstart.suites.trader.link import links


def experiment(target, flags, variant=""):
    return Experiment(
        name="freeze", target="trader", hypothesis="A Redis that hangs is noticed.", link=links(target),
        baseline=(eventually(read.ready().is_(200), name="ready_before"),), faults=(Pause("redis"),),
        during=(eventually(read.ready().is_(503), within_s=10, name="ready_503"),),
        recovery=(eventually(read.ready().is_(200), within_s=60, name="ready_again"),), hold_min_s=1.0,
    )
"""


@pytest.fixture
def login(lab: LabDriver, tmp_path: Path) -> Callable[[str], Drill]:
    """Runs a drill that freezes Redis and logs in as `user:password`; a user may do no more than its name says."""
    (tmp_path / "freeze.py").write_text(FREEZE)
    with lab.redis() as client:
        for name, rights in (("without-client", "+get +info"), ("without-get", "+info")):
            words = ("on", ">dr1ll-pass", "~*", "-@all", "+ping", "+select", *rights.split())
            assert client.execute_command("ACL", "SETUSER", name, *words)

    def run(user: str) -> Drill:
        address = str(lab.target["services"]["redis"]["address"])
        file = target(lab, tmp_path, r'(?m)^dsn = "(redis://.*)"$', f"redis://{user}@{address}/0")
        return drill("chaos.run", lab.state, tmp_path / "reports", str(tmp_path / "freeze.py"), TARGET=file)

    return run


@pytest.mark.parametrize("user", [pytest.param("without-client:dr1ll-pass", id="09-redis-acl-user-a-without-client")])
def test_the_lock_alone_proves_the_link_for_a_user_that_may_not_list_clients(
    lab: LabDriver, login: Callable[[str], Drill], user: str
) -> None:
    done = login(user)
    assert done.code == HELD, done.output
    assert [event["service"] for event in done.record.of("linked")] == ["redis"]
    assert "dr1ll-pass" not in done.output and ledger(lab.state) == []


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("user", "told"),
    [
        pytest.param("without-get:dr1ll-pass", "NOPERM", id="09-redis-acl-user-b-without-get-and-client"),
        pytest.param("without-client:wr0ng-pass", "WRONGPASS", id="09-redis-acl-user-c-wrong-password"),
    ],
)
def test_a_user_that_is_let_in_nowhere_is_refused_with_what_redis_said(
    login: Callable[[str], Drill], user: str, told: str
) -> None:
    done = login(user)
    refused(done, "no proof that redis is the one that trader uses", told)
    assert not re.search("dr1ll|wr0ng", done.output)


# ---------------------------------------------------------------- an API behind a password


@pytest.mark.parametrize("login", [pytest.param("ops:hun%40ter2Secret", id="32-credentials-in-the-api-url")])
def test_a_login_in_the_apis_url_keeps_no_drill_from_holding_and_is_shown_nowhere(
    lab: LabDriver, tmp_path: Path, login: str
) -> None:
    """That it is sent is shown beside the commands, where the API demands it."""
    file = target(lab, tmp_path, r'(?m)^api = "http://()', f"{login}@")
    done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", TARGET=file)
    assert done.code == HELD, done.output
    assert "http://ops:[redacted]@127.0.0.1" in done.output
    folders = (tmp_path / "reports", lab.state / "runs", lab.state / "ledger.db")
    left = [path for folder in folders for path in (folder, *folder.rglob("*")) if path.is_file()]
    for secret in ("ter2Secret", "b3BzOmh1bkB0ZXIyU2VjcmV0"):  # as it is written, and as HTTP sends it
        assert secret not in done.output
        assert [str(path) for path in left if secret.encode() in path.read_bytes()] == []
    assert done.folder / "journal.jsonl" in left and ledger(lab.state) == []


# ---------------------------------------------------------------- the machine of a CI server

LOOK = """
from blackstart.faults.pause import Pause
from blackstart.model import Experiment
from blackstart.model.expect import eventually
from blackstart.probes.http import HttpJson
from blackstart.probes.promql import PromQL

experiment = Experiment(
    name="look", target="thing", hypothesis="The shop answers again, and Prometheus too.",
    faults=(Pause("worker"),), hold_min_s=0.2, settle_s=0.2,
    recovery=(eventually(HttpJson("/health", "status").is_("healthy"), within_s=5, name="healthy"),
              eventually(PromQL("open_breakers").is_(3), within_s=5, name="seen")),
)
"""
ONE_SERIES = (
    b'{"status": "success", "data": {"resultType": "vector", '
    b'"result": [{"metric": {"job": "shop"}, "value": [1700000000, "3"]}]}}'
)


@pytest.fixture
def thing(tmp_path: Path) -> Iterator[str]:
    """The URL of a small shop, whose Prometheus is behind `/prometheus`: `look.py` looks at both, after it has frozen a
    worker of the shop's for a moment."""
    (tmp_path / "look.py").write_text(LOOK)
    control = f'{{ pidfile = "{tmp_path}/worker.pid", start = ["true"] }}'
    (tmp_path / "thing.toml").write_text(
        f'name = "thing"\napi = "env:SHOP_API"\nprometheus = "env:SHOP_PROM"\n[services.worker]\ncontrol = {control}\n'
    )

    def answer(conn: socket.socket) -> None:
        for head in requests_of(conn):
            path = head.split()[1].decode().partition("?")[0]
            body = {"/health": b'{"status": "healthy"}', "/prometheus/api/v1/query": ONE_SERIES}.get(path)
            conn.sendall(http(b"{}", "404 Not Found") if body is None else http(body))

    with serving(answer) as port, subprocess.Popen(["sleep", "600"]) as worker:
        (tmp_path / "worker.pid").write_text(str(worker.pid))
        yield f"http://127.0.0.1:{port}"
        worker.kill()


def looked(thing: str, folder: Path, prefix: str = "/prometheus", **more: str) -> Drill:
    urls = {"SHOP_API": thing, "SHOP_PROM": f"{thing}{prefix}", "TARGET": str(folder / "thing.toml")}
    words = (str(folder / "look.py"), "--assume-link")
    return drill("chaos.run", folder / "state", folder / "reports", *words, **urls, **more)


@pytest.mark.parametrize(
    ("prefix", "code"),
    [
        pytest.param("/prometheus/", HELD, id="23-prometheus-behind-a-prefix"),
        pytest.param("", INCONCLUSIVE, id="23-prometheus-behind-a-prefix-that-is-left-out"),
    ],
)
def test_a_prometheus_behind_a_prefix_is_asked_there_and_its_404_says_nothing_of_the_shop(
    thing: str, tmp_path: Path, prefix: str, code: int
) -> None:
    done = looked(thing, tmp_path, prefix)
    assert done.code == code, done.output
    assert code == HELD or re.search(f"404.* of {thing}/api/v1/query", done.output)
    assert done.failed() == set()


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("nowhere/step_summary_1", id="22-github-files-not-writable-no-folder"),
        pytest.param(".", id="22-github-files-not-writable-a-folder"),
    ],
)
def test_a_summary_that_github_can_not_be_given_changes_nothing_of_a_run_that_holds(
    thing: str, tmp_path: Path, place: str
) -> None:
    summary = str(tmp_path / place)
    done = looked(thing, tmp_path, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=summary)
    assert done.code == HELD, done.output
    assert done.log[-1] == "test_result,PASS" and (done.folder / "manifest.json").exists()
    (told,) = [line for line in done.output.splitlines() if "GITHUB_STEP_SUMMARY" in line]
    assert summary in told and "Traceback" not in done.output
    assert drill("chaos.status", tmp_path / "state", tmp_path / "reports").code == 0


# ---------------------------------------------------------------- paths and locales


@pytest.mark.parametrize("task", [pytest.param("chaos.leader-lock", id="15-path-and-environment-blanks-and-at")])
def test_from_a_path_with_blanks_and_an_at_a_drill_runs_and_holds(lab: LabDriver, clone: Path, task: str) -> None:
    """The lab is there as well."""
    require_made_environment()
    reports = clone.with_name("reports of a job")
    env = environment(lab.state, reports, PYTHONPATH=str(clone / "lib"))
    bare = {name: env[name] for name in ("PATH", "PYTHONPATH", "BLACKSTART_STATE")}

    def typed(env: dict[str, str], *words: str) -> Drill:
        done = subprocess.run(
            ["./scripts/run", *words], cwd=clone, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=180, check=False,
        )  # fmt: skip
        return Drill(done.returncode, done.stdout + done.stderr, reports)

    listed = typed(bare, "chaos.list")
    assert listed.code == 0 and task.partition(".")[2] in listed.output, listed.output
    done = typed(env, task, "--target", "lab")
    assert done.code == HELD, done.output
    assert f"{clone}/scripts/run" in done.output  # what is to be typed next
    assert ledger(lab.state) == []


@pytest.mark.parametrize("locale", [pytest.param("C", id="15-path-and-environment-a-locale-of-ascii")])
def test_a_note_in_another_alphabet_than_the_locales_is_taken(lab: LabDriver, tmp_path: Path, locale: str) -> None:
    ascii_alone = {"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = drill(
        "chaos.plan", lab.state, tmp_path / "reports", "leader-lock", NOTE="Übung für Zoë ✓", **ascii_alone
    )  # fmt: skip
    assert done.code == 0 and "Traceback" not in done.output, done.output
    assert "Nothing was touched." in done.output


# ---------------------------------------------------------------- a fault proxy in a container


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayDriver]:
    driver = GatewayDriver(tmp_path_factory.mktemp("gateway") / "state")
    yield driver.up("--without-prometheus")
    driver.command("down")


@contextlib.contextmanager
def mapped(address: str) -> Iterator[str]:
    """Where Docker maps that address: its proxy takes every connection before it knows whether anybody is behind it."""
    host, _, port = address.rpartition(":")

    def pump(near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                far.sendall(data)
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def forward(near: socket.socket) -> None:
        with socket.create_connection((host, int(port)), 5) as far:
            far.settimeout(None)
            back = threading.Thread(target=pump, args=(far, near), daemon=True)
            back.start()
            pump(near, far)
            back.join()

    with serving(forward) as found:
        yield f"127.0.0.1:{found}"


@pytest.mark.parametrize(
    "task",
    [
        pytest.param("gateway.redis-unavailable", id="16-toxiproxy-in-docker-cut"),
        pytest.param("gateway.redis-latency", id="16-toxiproxy-in-docker-latency"),
    ],
)
def test_a_proxys_port_as_docker_maps_it_is_as_good_as_its_own(
    gateway: GatewayDriver, tmp_path: Path, task: str
) -> None:
    """Where the proxy listens is not where it is reached: what counts is that the way carries the service."""
    with mapped(str(gateway.target["services"]["redis"]["address"])) as address:
        file = target(gateway, tmp_path, r'\[services\.redis\](?:\n.+)*?\naddress = "(.*)"', address)
        done = drill(task, gateway.state, tmp_path / "reports", within_s=240, TARGET=file)
    assert done.code == HELD, done.output
    assert gateway.left_broken() == "" and ledger(gateway.state) == []


# ---------------------------------------------------------------- containers, and flags beside them


@pytest.fixture(scope="module")
def containers() -> Iterator[ContainerTrader]:
    """A trader whose containers are called as a CI server calls them, of a compose project. Nothing but flags tells of
    it, so that its lock is as the original's."""
    require("docker")
    ends = {"redis": "redis7alpine_0f1e2d", "postgres": "postgres16_3c4b5a", "api": "api_667788"}
    names = {service: f"7c6d5e_{end}" for service, end in ends.items()}
    with running(ContainerTrader(names, "myshop", profile="real"), alone=True) as up:
        yield up


def flagged(containers: ContainerTrader, folder: Path, task: str, *words: str, **flags: str) -> Drill:
    """A task with these flags only; whatever else becomes of it, all containers run afterwards."""
    flags = {"TARGET": "", "API": containers.api, "WITHOUT": "orders", **flags}
    done = drill(task, folder / "state", folder / "reports", *words, within_s=240, **flags)
    eventually(containers.leads, 60)
    assert all(state.endswith(" running") for state in containers.started().values())
    return done


DSN, CACHE = "postgresql://trader@127.0.0.1:PG/trader", "redis://127.0.0.1:REDIS/0"
BESIDE = {
    "as-it-is-published": (DSN, CACHE, ()),
    "a-scheme-with-a-driver": (DSN.replace(":", "+asyncpg:", 1), CACHE, ()),
    "an-option-of-prisma": (f"{DSN}?schema=public", CACHE, ("DATABASE_URL", 'has the option "schema"')),
    "a-percent-sign": (DSN.replace("@", ":AmJaw%queifJof5@"), CACHE, ("DATABASE_URL", "percent-encode")),
    "names-of-the-network": (
        "postgresql://trader@postgres:5432/trader",
        "redis://redis:6379/0",
        ("port that is published",),
    ),
}


@pytest.mark.docker
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("dsn", "cache", "told"), BESIDE.values(), ids=[f"29-dsn-by-flags-beside-containers-{name}" for name in BESIDE]
)
def test_a_dsn_beside_containers_is_used_or_refused_by_its_variable_before_anything_is_touched(
    containers: ContainerTrader, tmp_path: Path, dsn: str, cache: str, told: tuple[str, ...]
) -> None:
    before = containers.started()
    flags = {"DATABASE_URL": dsn.replace("PG", str(containers.ports["postgres"]))}
    flags["REDIS_URL"] = cache.replace("REDIS", str(containers.ports["redis"]))
    done = flagged(containers, tmp_path, "chaos.postgres-blip", **flags)
    changed = {name for name, state in containers.started().items() if before[name] != state}
    if told:
        refused(done, *told)
        no_evidence(tmp_path / "reports")
        assert changed == set() and "AmJaw" not in done.output and "queif" not in done.output
    else:
        assert done.code == HELD, done.output
        assert changed == {containers.names["postgres"]}
    assert ledger(tmp_path / "state") == []


CALLED = {
    "by-name": ("{redis}", "{postgres}", ""),
    "by-the-whole-id": ("{redis_id}", "{postgres_id}", ""),
    "by-the-short-id": ("{redis_id:.12}", "{postgres_id:.12}", ""),
    "with-a-slash": ("/{redis}", "/{postgres}", ""),
    "two-with-a-comma": ("{redis},{postgres}", "{postgres}", "can't be the name of a container"),
    "compose-v1": ("myshop_redis_1", "{postgres}", 'no compose service or container "myshop_redis_1"'),
}


@pytest.mark.docker
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("cache", "database", "told"), CALLED.values(), ids=[f"17-container-names-{name}" for name in CALLED]
)
def test_a_container_is_known_by_its_name_or_its_id_or_refused(
    containers: ContainerTrader, tmp_path: Path, cache: str, database: str, told: str
) -> None:
    ids = {f"{name}_id": docker("inspect", "--format", "{{.Id}}", called) for name, called in containers.names.items()}
    flags = {"REDIS_CONTAINER": cache, "POSTGRES_CONTAINER": database}
    flags = {name: flag.format(**ids, **containers.names) for name, flag in flags.items()}
    done = flagged(containers, tmp_path, "chaos.plan", "leader-lock", **flags)
    if told:
        refused(done, told)
    else:
        assert done.code == 0, done.output
        assert containers.names["redis"] in done.output and "Nothing was touched." in done.output


@pytest.mark.docker
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "project",
    [
        pytest.param("MyShop", id="17-container-names-a-project-with-capitals"),
        pytest.param("my-shop", id="17-container-names-a-project-with-a-dash"),
    ],
)
def test_a_project_in_another_spelling_is_refused_with_the_one_that_is_right(
    containers: ContainerTrader, tmp_path: Path, project: str
) -> None:
    control = f'{{ compose = "redis", project = "{project}" }}'
    file = containers.target(tmp_path / "mine.toml", "docker", redis=control)
    done = flagged(containers, tmp_path, "chaos.plan", "leader-lock", TARGET=str(file), API="", WITHOUT="")
    refused(done, f'in project "{project}"', "compose myshop/redis")
