"""The docker control against a real engine with real containers, plain ones and such as compose makes."""

import contextlib
import json
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator

import pytest

from blackstart import controls, machines
from blackstart.codec import from_data, to_data
from blackstart.controls.docker import Docker
from blackstart.errors import BadTarget, Refused, StepFailed
from blackstart.target import Service
from tests.docker_engine import docker, redis_container, redis_image
from tests.requirements import require
from tests.services import by_shell, carry_out, connects, eventually, free_port, pings

pytestmark = pytest.mark.docker
Table = dict[str, object]


@pytest.fixture(autouse=True)
def engine() -> None:
    require("docker", "redis")


def of(**table: str) -> Docker:
    found = controls.of(Service("redis", control=table)).resolve()
    assert isinstance(found, Docker)
    return found


@pytest.fixture(scope="module", params=["plain", "compose"])
def made(request: pytest.FixtureRequest) -> Iterator[tuple[Table, int]]:
    """A Redis as a plain container or as one of compose's, and how a target names it."""
    require("docker", "redis")
    project = f"p{uuid.uuid4().hex[:8]}"
    if request.param == "plain":
        with redis_container(f"{project}-redis") as (name, port):
            yield {"docker": name}, port
    else:
        with redis_container(f"{project}-redis-1", compose=(project, "cache")) as (_, port):
            yield {"compose": "cache", "project": project}, port


@pytest.fixture
def control(made: tuple[dict[str, str], int]) -> Iterator[Docker]:
    found = of(**made[0])
    yield found
    carry_out(found.resume() + found.start())
    assert eventually(lambda: pings(made[1]))


@pytest.fixture
def port(made: tuple[Table, int]) -> int:
    return made[1]


def test_a_running_container_shows_its_process_and_that_it_is_revived(control: Docker) -> None:
    state = control.facts()
    assert state.status == "running" and state.revives
    assert str(state.pid) == docker("inspect", "-f", "{{.State.Pid}}", control.name)
    assert control.remote == ""


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_stop_ends_it_and_start_accepts_that_it_runs(control: Docker, port: int, way) -> None:
    way(control.stop())
    assert control.facts().status == "stopped"
    assert not connects(port)
    way(control.start() + control.start())
    assert eventually(lambda: pings(port))


def test_kill_ends_in_stopped_although_the_policy_would_revive_it(control: Docker, port: int) -> None:
    carry_out(control.kill())
    assert control.facts().status == "stopped" and control.facts().detail == "exit code 137"
    assert not eventually(lambda: pings(port), 2)


@pytest.mark.root
def test_crash_is_revived_by_the_policy(control: Docker, port: int) -> None:
    require("root")
    before = control.facts()
    carry_out(control.crash(before, "0"))
    assert control.facts() == before
    carry_out(control.crash(before, "KILL"))
    assert eventually(lambda: control.facts().status == "running" and control.facts().process != before.process)
    assert eventually(lambda: pings(port))


def test_crash_of_a_process_that_was_replaced_meanwhile_hits_nobody(control: Docker, port: int) -> None:
    before = control.facts()
    docker("restart", control.name)
    with pytest.raises(StepFailed, match="somebody restarted it"):
        carry_out(control.crash(before, "KILL"))
    assert eventually(lambda: pings(port))


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_pause_leaves_the_port_open_and_nobody_answering_until_resume(control: Docker, port: int, way) -> None:
    before = control.facts()
    way(control.pause())
    assert control.facts().status == "paused"
    assert connects(port) and not pings(port)
    way(control.resume() + control.resume())
    assert eventually(lambda: pings(port))
    assert control.facts() == before


def test_undo_finds_the_service_in_a_new_container(
    made: tuple[dict[str, str], int], control: Docker, port: int
) -> None:
    name = control.name
    carry_out(control.stop())
    labels = json.loads(docker("inspect", "-f", "{{json .Config.Labels}}", name))
    marks = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    docker("rm", name)
    renamed = name if "docker" in made[0] else f"{name}-remade"
    docker("create", "--name", renamed, "--restart", "always", *marks, "-p", f"127.0.0.1:{port}:6379", redis_image())
    try:
        assert control.facts().status == "stopped"
        carry_out(control.start())
        assert eventually(lambda: pings(port))
    finally:
        if renamed != name:
            docker("rename", renamed, name)


def test_a_removed_container_is_absent_and_its_start_says_so(engine: None) -> None:
    with redis_container() as (name, _):
        control = of(docker=name)
        docker("rm", "-f", name)
        assert control.facts().status == "absent"
        with pytest.raises(StepFailed, match="no container matches"):
            carry_out(control.start())


def test_a_start_that_falls_into_a_stop_under_way_succeeds_when_repeated(engine: None) -> None:
    """The engine answers such a start with success and then ends the container: only repeating it helps."""
    with redis_container(restart="unless-stopped") as (name, port):
        control = of(docker=name)
        for _ in range(5):
            stopping = threading.Thread(target=carry_out, args=(control.stop(),))
            stopping.start()
            while stopping.is_alive():
                carry_out(control.start())
            stopping.join()
            carry_out(control.start())
            assert eventually(lambda: pings(port))


def test_names_that_only_contain_or_begin_like_the_word_are_not_it(engine: None) -> None:
    with redis_container() as (name, _):
        ident = docker("inspect", "-f", "{{.Id}}", name)
        for word in (name[:-1], name[1:], f"{name}x", ident[:12], ident):
            with pytest.raises(BadTarget, match="there is no container"):
                of(docker=word)
        with pytest.raises(BadTarget, match=f"Near it: {name}"):
            of(container=name[:-1])


def test_a_name_may_be_a_service_or_a_container_but_only_one_of_them(engine: None) -> None:
    project, word = f"p{uuid.uuid4().hex[:8]}", f"r{uuid.uuid4().hex[:8]}"
    with redis_container(f"{project}-redis", compose=(project, word)) as (name, _):
        for asked in (word, name):
            control = of(container=asked)
            assert control.identity() == f"docker:local:{name}"
            assert control == of(container=asked, project=project) or asked == name
        with redis_container(word):
            with pytest.raises(BadTarget, match="could be any of") as refusal:
                of(container=word)
            assert f"{name} (compose {project}/{word}, running)" in str(refusal.value)
            assert f"{word} (running)" in str(refusal.value)
            assert of(docker=word).identity() == f"docker:local:{word}"
            assert of(compose=word).identity() == f"docker:local:{name}"


def test_two_projects_with_one_service_name_have_to_be_told_apart(engine: None) -> None:
    word = f"r{uuid.uuid4().hex[:8]}"
    with redis_container(f"a-{word}", compose=("pa", word)), redis_container(f"b-{word}", compose=("pb", word)):
        with pytest.raises(BadTarget, match=f"could be any of a-{word} .*, b-{word} "):
            of(compose=word)
        assert of(compose=word, project="pb").identity() == f"docker:local:b-{word}"


def test_a_dead_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(StepFailed, match="nowhere/docker.sock"):
        of(docker="redis")


def test_the_engine_of_the_run_is_the_engine_of_the_undo(monkeypatch: pytest.MonkeyPatch, engine: None) -> None:
    with redis_container() as (name, port):
        control = of(docker=name)
        carry_out(control.stop())
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
            carry_out(control.start())
            by_shell(control.start())
        assert eventually(lambda: pings(port))


@pytest.fixture
def engine_on_tcp() -> Iterator[str]:
    """The engine behind a TCP port, as an engine elsewhere is."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, far = listener.accept()[0], socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                threading.Thread(target=pump, args=(near, far), daemon=True).start()
                threading.Thread(target=pump, args=(far, near), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_an_engine_elsewhere_is_known_to_be_elsewhere(monkeypatch: pytest.MonkeyPatch, engine_on_tcp: str) -> None:
    with redis_container() as (name, _):
        monkeypatch.setenv("DOCKER_HOST", engine_on_tcp)
        control = of(docker=name)
        monkeypatch.delenv("DOCKER_HOST")
        assert not control.is_local()
        assert control.remote == engine_on_tcp
        assert control.identity() == f"docker:{engine_on_tcp}:{name}"
        assert control.facts().status == "running"


def test_another_engine_can_be_named_and_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_ENGINE", "no-such-engine")
    with pytest.raises(BadTarget, match="no-such-engine is not on PATH"):
        of(docker="redis")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"docker": "redis", "compose": "redis"}, "name a container twice"),
        ({"docker": "redis", "project": "p"}, '"project" goes with compose'),
        ({"docker": "re dis"}, "can't be the name"),
        ({"docker": "redis", "projekt": "p"}, 'Did you mean "project"'),
        ({"docker": ""}, "empty"),
    ],
)
def test_a_wrong_table_is_refused_by_name(table: dict[str, str], complaint: str) -> None:
    with pytest.raises(Refused, match="Not started") as refusal:
        of(**table)
    assert complaint in str(refusal.value)


def test_a_resolved_control_survives_json(control: Docker) -> None:
    again = from_data(json.loads(json.dumps(to_data(control))))
    assert again == control and hash(again) == hash(control)
    assert again.start() == control.start()


def test_the_log_tail_shows_what_redis_printed(control: Docker) -> None:
    step = control.log_tail(20)
    assert step is not None
    assert "Ready to accept connections" in machines.carry_out(step).stdout


def test_compose_itself_makes_what_we_find(tmp_path, engine: None) -> None:
    """Debian's docker-compose or docker's own plugin, whichever is there."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    compose = ["docker", "compose"] if plugin else ["docker-compose"]
    if not plugin and not shutil.which("docker-compose"):
        pytest.skip("neither docker-compose nor the compose plugin is here")
    project, port = f"p{uuid.uuid4().hex[:8]}", free_port()
    (tmp_path / "docker-compose.yml").write_text(f"""
version: "3"
services:
  cache:
    image: {redis_image()}
    restart: unless-stopped
    ports: ["127.0.0.1:{port}:6379"]
""")

    def run(*words: str) -> None:
        subprocess.run([*compose, "-p", project, *words], cwd=tmp_path, check=True, capture_output=True, timeout=120)

    run("up", "-d")
    try:
        control = of(compose="cache", project=project)
        assert of(container="cache", project=project) == control
        carry_out(control.stop())
        assert control.facts().status == "stopped"
        run("rm", "-f", "cache")
        run("up", "-d", "--force-recreate")
        carry_out(control.stop() + control.start())
        assert eventually(lambda: pings(port))
    finally:
        run("down")
