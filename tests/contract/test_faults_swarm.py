"""A task of a real Docker Swarm: what the orchestrator replaces is not stopped."""

import uuid
from collections.abc import Iterator

import pytest

from blackstart.base.errors import Refused
from blackstart.faults.pause import Pause
from blackstart.faults.stop import Stop
from blackstart.model.target import Service, Target
from tests import machine_lock
from tests.docker_engine import docker, redis_image
from tests.requirements import require
from tests.services import eventually, free_port, pings

# Leaving a swarm takes the names in the engine's other networks away, and so what other tests have in containers.
pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture
def swarm() -> Iterator[None]:
    """This machine's engine as a swarm of its own, for as long as the test lasts."""
    require("docker")
    with machine_lock.held("swarm", alone=True):
        if docker("info", "--format", "{{.Swarm.LocalNodeState}}") != "inactive":
            pytest.skip("the engine is in a swarm already, which is not ours to leave")
        docker("swarm", "init", "--advertise-addr", "127.0.0.1")
        try:
            yield
        finally:
            docker("swarm", "leave", "--force")


def test_a_task_of_a_swarm_is_refused_by_its_label_and_runs_on(swarm: None) -> None:
    service, port = f"blackstart-{uuid.uuid4().hex[:8]}", free_port()
    published = f"mode=host,published={port},target=6379"
    docker(
        "service", "create", "--detach", "--no-resolve-image", "--name", service, "--publish", published, redis_image()
    )
    try:
        assert eventually(lambda: pings(port), 60), docker("service", "ps", service, "--no-trunc")
        tasks = docker("ps", "-aq", "--no-trunc", "--filter", f"label=com.docker.swarm.service.name={service}")
        for fault in (Stop("redis"), Pause("redis")):
            known = Service("redis", f"127.0.0.1:{port}", control={"docker": tasks})
            with pytest.raises(Refused, match=r"belongs to Docker Swarm \(its label com\.docker\.swarm\."):
                fault.plan(Target("test", services={"redis": known}))
        assert pings(port)
    finally:
        docker("service", "rm", service)
        assert eventually(lambda: not docker("ps", "-aq", "--filter", f"name={service}"), 60)
