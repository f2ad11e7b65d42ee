"""The docker control against real containers, plain ones and such as compose makes: what is done to one."""

import json
import uuid
from collections.abc import Iterator

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import StepFailed
from blackstart.controls.docker import Docker
from blackstart.controls.steps.local import carry_out as carried_out
from tests.contract.docker_control import Table, of
from tests.docker_engine import docker, redis_container, redis_image
from tests.requirements import require
from tests.services import by_shell, carry_out, connects, eventually, pings

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]


@pytest.fixture(scope="module", params=["plain", "compose"])
def made(request: pytest.FixtureRequest) -> Iterator[tuple[Table, int]]:
    """A Redis as a plain container or as one of compose's, and how a target names it."""
    require("docker")
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
    state = control.read_state()
    assert state.status == "running" and state.revives
    assert str(state.pid) == docker("inspect", "-f", "{{.State.Pid}}", control.name)
    assert control.reach() == ""


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_stop_ends_it_and_start_accepts_that_it_runs(control: Docker, port: int, way) -> None:
    way(control.stop())
    assert control.read_state().status == "stopped"
    assert not connects(port)
    way(control.start() + control.start())
    assert eventually(lambda: pings(port))


def test_kill_ends_in_stopped_although_the_policy_would_revive_it(control: Docker, port: int) -> None:
    carry_out(control.kill())
    assert control.read_state().status == "stopped" and control.read_state().detail == "exit code 137"
    assert not eventually(lambda: pings(port), 2)


@pytest.mark.root
def test_crash_is_revived_by_the_policy(control: Docker, port: int) -> None:
    require("root")
    before = control.read_state()
    carry_out(control.crash(before, "0"))
    assert control.read_state() == before
    carry_out(control.crash(before, "KILL"))
    assert eventually(
        lambda: control.read_state().status == "running" and control.read_state().instance != before.instance
    )
    assert eventually(lambda: pings(port))


def test_crash_of_a_process_that_was_replaced_meanwhile_hits_nobody(control: Docker, port: int) -> None:
    before = control.read_state()
    docker("restart", control.name)
    with pytest.raises(StepFailed, match="somebody restarted it"):
        carry_out(control.crash(before, "KILL"))
    assert eventually(lambda: pings(port))


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_pause_leaves_the_port_open_and_nobody_answering_until_resume(control: Docker, port: int, way) -> None:
    before = control.read_state()
    way(control.pause())
    assert control.read_state().status == "paused"
    assert connects(port) and not pings(port)
    way(control.resume() + control.resume())
    assert eventually(lambda: pings(port))
    assert control.read_state() == before


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
        assert control.read_state().status == "stopped"
        carry_out(control.start())
        assert eventually(lambda: pings(port))
    finally:
        if renamed != name:
            docker("rename", renamed, name)


def test_a_resolved_control_survives_json(control: Docker) -> None:
    again = from_data(json.loads(json.dumps(to_data(control))))
    assert again == control and hash(again) == hash(control)
    assert again.start() == control.start()


def test_the_log_tail_shows_what_redis_printed(control: Docker) -> None:
    step = control.log_tail(20)
    assert step is not None
    assert "Ready to accept connections" in carried_out(step).stdout
