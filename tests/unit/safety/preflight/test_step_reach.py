"""Where a command of this machine leads, as far as its words and its environment tell."""

import pytest

from blackstart.model.step import Command
from blackstart.safety.preflight.step_reach import reached_by

FAR = "tcp://far:2375"
STEPS = {
    "its own environment": (Command(("docker", "stop", "x"), env={"DOCKER_HOST": FAR}), {}, FAR),
    "the run's environment": (Command(("docker", "stop", "x")), {"DOCKER_HOST": FAR}, FAR),
    "a script in the run's environment": (Command(("sh", "-c", "cd /x; podman stop y")), {"CONTAINER_HOST": FAR}, FAR),
    "-H": (Command(("docker", "-H", FAR, "stop", "x")), {}, FAR),
    "-H without a space": (Command(("docker", f"-H{FAR}", "stop", "x")), {}, FAR),
    "--host=": (Command(("/usr/bin/docker", f"--host={FAR}", "stop", "x")), {}, FAR),
    "--context after another option": (
        Command(("docker", "-l", "debug", "--context", "prod", "stop", "x")),
        {},
        "prod",
    ),
    "ssh": (Command(("ssh", "-p", "2222", "-4", "ops@db1", "stop")), {}, "ssh://ops@db1"),
}
HERE = {
    "a program that is no engine": (Command(("true",)), {"DOCKER_HOST": FAR}),
    "the engine of its own environment": (
        Command(("docker", "stop", "x"), env={"DOCKER_HOST": "unix:///x"}), {"DOCKER_HOST": FAR},
    ),
    "-c after the verb": (Command(("docker", "update", "-c", "512", "x")), {}),
    "a local context": (Command(("docker", "--context", "default", "stop", "x")), {"DOCKER_HOST": FAR}),
    "ssh without a destination": (Command(("ssh", "-V")), {}),
}  # fmt: skip


@pytest.mark.parametrize(("step", "environment", "place"), STEPS.values(), ids=STEPS)
def test_what_leads_away_from_this_machine_is_told(step: Command, environment: dict[str, str], place: str) -> None:
    assert reached_by(step, environment) == place


@pytest.mark.parametrize(("step", "environment"), HERE.values(), ids=HERE)
def test_what_stays_on_this_machine_is_not_taken_for_another(step: Command, environment: dict[str, str]) -> None:
    assert reached_by(step, environment) == ""
