"""The docker control against a real engine: which container is meant, and which engine."""

import contextlib
import shutil
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.errors import BadTarget, Refused, StepFailed
from tests.contract.docker_control import of
from tests.docker_engine import docker, redis_container, redis_image
from tests.services import by_shell, carry_out, eventually, free_port, pings

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]


def test_a_removed_container_is_absent_and_its_start_says_so() -> None:
    with redis_container() as (name, _):
        control = of(docker=name)
        docker("rm", "-f", name)
        assert control.read_state().status == "absent"
        with pytest.raises(StepFailed, match="no container matches"):
            carry_out(control.start())


def test_a_start_that_falls_into_a_stop_under_way_succeeds_when_repeated() -> None:
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


def lock_of(name: str) -> str:
    """The identity that any way to a container must come to."""
    return f"docker:{docker('inspect', '-f', '{{.Id}}', name)[:12]}"


def test_names_that_only_contain_or_begin_like_the_word_are_not_it() -> None:
    with redis_container() as (name, _):
        for word in (name[:-1], name[1:], f"{name}x", of(docker=name).id[:3]):
            with pytest.raises(BadTarget, match="there is no container"):
                of(docker=word)
        with pytest.raises(BadTarget, match=f"Near it: {name}"):
            of(container=name[:-1])


def test_a_name_may_be_a_service_or_a_container_but_only_one_of_them() -> None:
    project, word = f"p{uuid.uuid4().hex[:8]}", f"r{uuid.uuid4().hex[:8]}"
    with redis_container(f"{project}-redis", compose=(project, word)) as (name, _):
        for asked in (word, name):
            control = of(container=asked)
            assert control.identity() == lock_of(name)
            assert control == of(container=asked, project=project) or asked == name
        with redis_container(word):
            with pytest.raises(BadTarget, match="could be any of") as refusal:
                of(container=word)
            assert f"{name} (compose {project}/{word}, running)" in str(refusal.value)
            assert f"{word} (running)" in str(refusal.value)
            assert of(docker=word).identity() == lock_of(word)
            assert of(compose=word).identity() == lock_of(name)


def test_two_projects_with_one_service_name_have_to_be_told_apart() -> None:
    word = f"r{uuid.uuid4().hex[:8]}"
    with redis_container(f"a-{word}", compose=("pa", word)), redis_container(f"b-{word}", compose=("pb", word)):
        with pytest.raises(BadTarget, match=f"could be any of a-{word} .*, b-{word} "):
            of(compose=word)
        assert of(compose=word, project="pb").identity() == lock_of(f"b-{word}")


def test_a_dead_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(StepFailed, match="nowhere/docker.sock"):
        of(docker="redis")


def test_the_engine_of_the_run_is_the_engine_of_the_undo(monkeypatch: pytest.MonkeyPatch) -> None:
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
        assert control.reach() == engine_on_tcp
        assert control.identity() == lock_of(name)  # whichever way its engine is reached
        assert control.read_state().status == "running"


def test_the_undo_meets_the_engine_of_the_run_whatever_context_is_chosen_meanwhile(
    monkeypatch: pytest.MonkeyPatch, engine_on_tcp: str, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    docker("context", "create", "far", "--docker", f"host={engine_on_tcp}")
    docker("context", "create", "nowhere", "--docker", "host=unix:///nowhere/docker.sock")
    docker("context", "use", "far")
    with redis_container() as (name, port):
        control = of(docker=name)
        assert control.reach() == engine_on_tcp
        carry_out(control.stop())
        docker("context", "use", "nowhere")
        try:
            carry_out(control.start())
        finally:
            docker("context", "use", "far")
        assert eventually(lambda: pings(port))


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


def test_compose_itself_makes_what_we_find(tmp_path) -> None:
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
        assert control.read_state().status == "stopped"
        run("rm", "-f", "cache")
        run("up", "-d", "--force-recreate")
        carry_out(control.stop() + control.start())
        assert eventually(lambda: pings(port))
    finally:
        run("down")
