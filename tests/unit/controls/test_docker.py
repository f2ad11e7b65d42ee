"""Containers: the one that is meant among many, and the state in what an engine prints."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart import controls
from blackstart.base.errors import Ambiguous, BadTarget, NotAvailable, StepFailed
from blackstart.controls import docker_answers, docker_host
from blackstart.controls.docker import Docker
from blackstart.controls.docker_candidates import Candidate, Wanted, parse
from blackstart.controls.manual import Manual
from blackstart.controls.steps.local import carry_out
from blackstart.controls.steps.shell import describe, to_shell
from blackstart.model.target import Service

AITRAPP = [
    Candidate("aitrapp-redis", "running", "redis", "aitrapp", "False"),
    Candidate("aitrapp-postgres", "running", "postgres", "aitrapp", "False"),
    Candidate("aitrapp-redis-run-1", "running", "redis", "aitrapp", "True"),
    Candidate("redis-exporter", "running"),
]


def test_a_compose_service_is_the_container_that_compose_made_for_it() -> None:
    assert Wanted(either="redis").one_of(AITRAPP) == AITRAPP[0]
    assert Wanted(service="redis", project="aitrapp").one_of(AITRAPP) == AITRAPP[0]


def test_a_containers_name_is_enough_and_is_what_it_is_known_by_then() -> None:
    assert Wanted(either="aitrapp-redis").one_of(AITRAPP) == Candidate("aitrapp-redis", "running")
    assert Wanted(container="redis-exporter").one_of(AITRAPP) == AITRAPP[3]


def test_a_service_and_another_container_of_one_name_are_told_apart_or_refused() -> None:
    both = [*AITRAPP, Candidate("redis", "exited")]
    with pytest.raises(
        Ambiguous, match=r"could be any of aitrapp-redis \(compose aitrapp/redis, running\), redis \(exited\)"
    ):
        Wanted(either="redis").one_of(both)
    assert Wanted(container="redis").one_of(both).name == "redis"
    assert Wanted(service="redis").one_of(both).name == "aitrapp-redis"


def test_a_service_with_several_containers_is_refused() -> None:
    scaled = [*AITRAPP, Candidate("aitrapp-redis-2", "running", "redis", "aitrapp", "False")]
    with pytest.raises(BadTarget, match="could be any of"):
        Wanted(service="redis", project="aitrapp").one_of(scaled)


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (Wanted(either="red"), 'no compose service or container "red". Near it: aitrapp-redis (compose'),
        (Wanted(container="redis"), 'no container "redis". Near it: '),
        (Wanted(service="rediss"), 'no compose service "rediss". Did you mean "redis"?'),
        (Wanted(service="redis", project="other"), 'no compose service "redis" in project "other"'),
    ],
)
def test_what_is_not_there_is_refused_with_what_is_near(wanted: Wanted, complaint: str) -> None:
    with pytest.raises(BadTarget) as refusal:
        wanted.one_of(AITRAPP)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        pytest.param(
            Wanted(either="myshop_redis_1"), 'Did you mean "myshop-redis-1"?', id="17-container-names-compose-v1"
        ),
        pytest.param(
            Wanted(service="redis", project="MyShop"),
            'in project "MyShop". Near it: myshop-redis-1 (compose myshop/redis, running).',
            id="17-container-names-a-project-with-capitals",
        ),
        pytest.param(
            Wanted(service="redis", project="my-shop"),
            'in project "my-shop". Near it: myshop-redis-1 (compose myshop/redis, running).',
            id="17-container-names-a-project-with-a-dash",
        ),
    ],
)
def test_a_name_in_another_spelling_is_refused_with_the_one_that_is_right(wanted: Wanted, near: str) -> None:
    known = [
        Candidate("myshop-redis-1", "running", "redis", "myshop", "False"),
        Candidate("myshop-postgres-1", "running", "postgres", "myshop", "False"),
    ]
    with pytest.raises(BadTarget) as refusal:
        wanted.one_of(known)
    assert near in str(refusal.value)


@pytest.mark.parametrize("key", ["container", "docker", "compose"], ids="17-container-names-two-with-a-comma-{}".format)
def test_two_names_in_one_are_none(key: str) -> None:
    with pytest.raises(BadTarget, match='control: "shop_redis,shop_pg" can\'t be the name of a container'):
        controls.of(Service("redis", control={key: "shop_redis,shop_pg"}))


def test_an_engine_without_containers_is_said_to_have_none() -> None:
    with pytest.raises(BadTarget, match="no container at all: is it the right one"):
        Wanted(either="redis").one_of([])


@given(st.text(st.characters(exclude_characters="\n\t\r", categories=("L", "N", "P")), min_size=1))
def test_only_the_whole_name_is_ever_meant(word: str) -> None:
    names = {one.name for one in AITRAPP} | {one.service for one in AITRAPP}
    if word not in names:
        with pytest.raises(BadTarget):
            Wanted(either=word).one_of(AITRAPP)


def test_the_listing_is_read_with_and_without_labels() -> None:
    listed = "a-redis\trunning\tredis\ta\tFalse\tab12\n b \texited\t\t\t\tcd34\nrubbish\n"
    listed += "web/cache,redis\trunning\t\t\t\tef56\n"  # as Docker lists one that another links to
    known = parse(listed)
    assert known == [
        Candidate("a-redis", "running", "redis", "a", "False", "ab12"),
        Candidate("b", "exited", id="cd34"),
        Candidate("redis", "running", id="ef56"),
    ]


IDS = [
    Candidate("shop_redis", "running", "redis", "shop", "False", "0123456789ab" + "c" * 52),
    Candidate("shop_redis_2", "running", "", "", "", "0123456789ab" + "d" * 52),
    Candidate("feed", "running", "", "", "", "e" * 64),
    Candidate("other", "running", "", "", "", "feed" + "f" * 60),
]


@pytest.mark.parametrize("asked", [IDS[0].id, IDS[0].id[:13]])
@pytest.mark.parametrize("key", ["container", "either"])
def test_an_id_or_the_beginning_of_one_is_as_exact_as_a_name(asked: str, key: str) -> None:
    found = Wanted(**{key: asked}).one_of(IDS)
    assert (found.name, found.id, found.service) == ("shop_redis", IDS[0].id, "")


def test_what_several_ids_begin_with_is_refused_and_a_name_comes_before_an_id() -> None:
    with pytest.raises(Ambiguous, match="could be any of shop_redis .*, shop_redis_2"):
        Wanted(container="0123456789ab").one_of(IDS)
    assert Wanted(either="feed").one_of(IDS).name == "feed"


@pytest.mark.parametrize("wanted", [Wanted(service=IDS[0].id), Wanted(either="fee"), Wanted(either="FEEDF")])
def test_what_is_no_id_is_none_even_where_one_begins_so(wanted: Wanted) -> None:
    with pytest.raises(BadTarget, match="there is no"):
        wanted.one_of(IDS)


def test_a_leading_slash_as_inspect_prints_it_is_dropped_and_two_are_none() -> None:
    named = controls.of(Service("redis", control={"container": "/shop_redis"}))
    assert isinstance(named, Docker) and named.either == "shop_redis"
    with pytest.raises(BadTarget, match='"/shop_redis" can\'t be the name'):
        controls.of(Service("redis", control={"docker": "//shop_redis"}))


def test_the_lock_is_the_containers_whatever_it_and_its_engine_are_called_by() -> None:
    named = Docker(container="shop_redis", name="shop_redis", id=IDS[0].id, endpoint="tcp://127.0.0.1:2375")
    assert named.identity() == Docker(service="redis", project="shop", name="shop_redis", id=IDS[0].id).identity()
    assert named.identity() != Docker(container="shop_redis", name="shop_redis", id=IDS[2].id).identity()


@pytest.mark.parametrize(
    ("printed", "status", "revives"),
    [
        ('unless-stopped {"Status":"running","Pid":7,"StartedAt":"2026-01-01T00:00:00Z"}', "running", True),
        ('always {"Status":"paused","Pid":7}', "paused", True),
        ('no {"Status":"exited","Pid":0,"ExitCode":137}', "stopped", False),
        ('on-failure {"Status":"restarting","Pid":0}', "starting", True),
        (' {"Status":"created","Pid":0}', "stopped", False),
        ('no {"Status":"dead"}', "failed", False),
    ],
)
def test_the_state_is_read(printed: str, status: str, revives: bool) -> None:
    state = docker_answers.state(printed)
    assert (state.status, state.revives) == (status, revives)
    assert (state.instance == "7:2026-01-01T00:00:00Z") == ("StartedAt" in printed)


def test_a_container_that_is_removed_when_it_ends_is_told_from_one_that_stays() -> None:
    over = '"FinishedAt":"2026-11-29T15:12:09.1Z"'
    assert docker_answers.state(f'no {{"Status":"exited",{over}}}').ended == "2026-11-29T15:12:09.1Z"
    assert docker_answers.state(f'no {{"Status":"running","Pid":7,{over}}}').ended == ""
    assert "--rm" in docker_answers.state('no,removed {"Status":"running","Pid":7}').lost
    assert docker_answers.state('no,removed {"Status":"running","Pid":7}').status == "running"
    assert not docker_answers.state('no {"Status":"running","Pid":7}').lost


@pytest.mark.parametrize(
    ("label", "owner"),
    [
        ("com.docker.swarm.task.id", "Docker Swarm"),
        ("com.docker.stack.namespace", "Docker Swarm"),
        ("io.kubernetes.pod.name", "Kubernetes"),
        ("io.kubernetes.sandbox.id", "Kubernetes"),
        ("annotation.io.kubernetes.container.hash", "Kubernetes"),
        ("supervisor_managed", "Home Assistant"),
        ("com.hashicorp.nomad.alloc_id", "Nomad"),
        ("com.amazonaws.ecs.task-arn", "Amazon ECS"),
        ("PODMAN_SYSTEMD_UNIT", "systemd"),
    ],
)
def test_a_container_that_an_orchestrator_replaces_names_it_and_the_label(label: str, owner: str) -> None:
    printed = f'no {{"Status":"running","Pid":7}}\na.label\n{label}\nz.label\n'
    assert docker_answers.state(printed).owner == f"{owner} (its label {label})"
    others = (
        "com.docker.compose.project\nio.k8s.description\nio.x-k8s.kind.cluster\nmy.io.kubernetes.pod.name\nio.hass.type"
    )
    assert docker_answers.state(f'no {{"Status":"running","Pid":7}}\n{others}').owner == ""


def test_a_container_of_podman_compose_is_not_taken_for_one_of_systemd_and_may_be_another_orchestrators() -> None:
    made = 'no {"Status":"running","Pid":7}\nPODMAN_SYSTEMD_UNIT\nio.podman.compose.project\n'
    assert docker_answers.state(made).owner == ""
    assert docker_answers.state(f"{made}com.hashicorp.nomad.alloc_id").owner.startswith("Nomad ")


@pytest.mark.parametrize("printed", ["", "always", "always {", "no [1]", "no null"])
def test_an_answer_that_is_no_state_is_a_failure(printed: str) -> None:
    with pytest.raises(StepFailed, match="can't be read"):
        docker_answers.state(printed)


def test_an_engine_behind_a_socket_file_is_here_and_any_other_is_not() -> None:
    assert Docker(container="redis", endpoint="unix:///var/run/docker.sock").is_local()
    for endpoint in ("tcp://127.0.0.1:2375", "ssh://ops@db1"):
        elsewhere = Docker(container="redis", endpoint=endpoint)
        assert not elsewhere.is_local() and elsewhere.reach() == endpoint
    assert Docker(container="redis", host="ssh://db1").reach() == "ssh://db1"


def test_the_undo_names_the_engine_and_the_service_and_no_container_id() -> None:
    control = Docker(
        service="redis", project="aitrapp", engine="/usr/bin/docker", env=(("DOCKER_HOST", "unix:///d.sock"),)
    )
    line = to_shell(control.start()[0])
    assert "DOCKER_HOST=unix:///d.sock" in line
    assert "label=com.docker.compose.service=redis" in line and "label=com.docker.compose.project=aitrapp" in line


@pytest.mark.parametrize(
    ("control", "told"),
    [
        (Docker(container="redis", name="redis", engine="/usr/bin/docker"), "docker {} redis"),
        (Docker(service="redis", project="shop", name="shop-redis-1", engine="docker"), "docker {} shop-redis-1"),
        (Docker(container="redis", engine="/opt/podman", host="ssh://db1"), "ssh://db1: podman {} redis"),
    ],
)
def test_a_step_is_told_as_a_person_would_type_it(control: Docker, told: str) -> None:
    steps = [*control.start(), *control.stop(), *control.kill(), *control.resume(), *control.rights()]
    assert [describe(step) for step in steps] == list(map(told.format, ("start", "stop", "kill", "unpause", "inspect")))


def test_without_an_engine_it_is_said_in_a_line_what_else_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CONTAINER_ENGINE", raising=False)
    for here, told in (("", "with CONTAINER_ENGINE, or"), ("podman", "CONTAINER_ENGINE=podman, which is here")):
        if here:
            (tmp_path / here).touch(0o755)
        with pytest.raises(BadTarget) as refused:
            Docker(either="redis").resolve()
        said = str(refused.value)
        assert said.startswith("Not started: docker is not on PATH.") and told in said and "\n" not in said
        assert all(f"{{ {kind} = " in said for kind in ("unit", "supervisor", "process", "manual"))


def test_an_engine_that_is_named_and_not_asked_is_told() -> None:
    here = {"DOCKER_HOST": "tcp://ci:2375"}
    asked = Docker(container="redis", engine="/usr/bin/docker", env=(("DOCKER_HOST", "tcp://ci:2375"),))
    far = Docker(container="redis", engine="docker", host="ssh://ops@db1")
    podman = Docker(container="redis", engine="/usr/bin/podman", env=(("DOCKER_HOST", "tcp://ci:2375"),))
    assert docker_host.unused([asked, far], here) == "" == docker_host.unused([far], {})
    assert docker_host.unused([far], here).endswith("not used: the containers are those of ssh://ops@db1")
    assert docker_host.unused([podman], here).endswith("not used: the containers are those of podman")
    assert "nothing that is touched is a container" in docker_host.unused([Manual("redis")], here)


def test_a_dot_in_a_name_is_a_dot() -> None:
    argv = Docker(container="my.redis", engine="docker").start()[0].argv
    assert argv[-1] == "name=^/?my[.]redis$"


@pytest.mark.parametrize(
    ("printed", "address"),
    [
        ('{"6379/tcp":[{"HostIp":"127.0.0.1","HostPort":"16379"}]} shop', "127.0.0.1:16379"),
        ('{"6379/tcp":[{"HostIp":"::","HostPort":"2"},{"HostIp":"0.0.0.0","HostPort":"1"}]} bridge', "localhost:1"),
        ('{"6379/tcp":null,"6380/tcp":[{"HostIp":"","HostPort":"3"}]} bridge', ""),
        ('{"6379/tcp":[{"HostIp":"","HostPort":""},{"HostIp":"","HostPort":"0"}]} bridge', ""),
        ("{} bridge", ""),
        ("null host", "localhost:6379"),
    ],
)
def test_where_a_container_is_reached_is_what_it_publishes(printed: str, address: str) -> None:
    assert docker_answers.published(printed, 6379) == address


@pytest.mark.parametrize("printed", ["", "oops bridge", '{"6379/tcp":[{}]} bridge', "[] bridge extra"])
def test_an_engine_that_does_not_say_what_is_published_is_no_answer(printed: str) -> None:
    with pytest.raises(StepFailed, match="can't be read"):
        docker_answers.published(printed, 6379)


ENGINE = """#!/bin/sh
case "$*" in
ps*) echo 0af9 ;;
*NetworkSettings.Ports*) echo '{"6379/tcp": [{"HostPort": "16379"}]}' ;;
*PortBindings*) echo '{"6379/tcp": [{"HostIp": "", "HostPort": "16379"}]} shop' ;;
*NetworkSettings*) echo '{"Ports": {"6379/tcp": [{"HostPort": "16379"}]}, "Networks": {}} shop' ;;
*State.Pid*) echo PID ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def behind_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Docker]:
    """A container of an engine that answers as docker does, with that process; nsenter only says what it was told."""
    (tmp_path / "nsenter").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "nsenter").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def make(pid: int) -> Docker:
        engine = tmp_path / "engine"
        engine.write_text(ENGINE.replace("PID", str(pid)))
        engine.chmod(0o755)
        return Docker(container="redis", name="redis", engine=str(engine))

    return make


def test_its_network_is_entered_by_the_process_that_it_has_at_that_moment(
    behind_an_engine: Callable[[int], Docker],
) -> None:
    step = behind_an_engine(4242).in_network(("tc", "qdisc", "add", "it's"))
    told = carry_out(step).stdout.strip()
    assert told == """-t 4242 -n sh -c tc qdisc add 'it'"'"'s'"""
    with pytest.raises(StepFailed, match="the container does not run"):
        carry_out(behind_an_engine(0).in_network(("true",)))


def test_its_ports_inside_and_outside_are_told_by_the_engine(behind_an_engine: Callable[[int], Docker]) -> None:
    control = behind_an_engine(4242)
    assert (control.inner_port(16379), control.inner_port(1)) == (6379, 1)
    assert (control.published(6379), control.published(1)) == ("localhost:16379", "")
    assert control.not_at(["localhost", "127.0.0.1"], 16379) == ""
    assert "localhost:1 is another server" in control.not_at(["localhost", "127.0.0.1"], 1)


def test_the_network_of_another_engines_container_has_no_way_in() -> None:
    with pytest.raises(NotAvailable, match=r"another engine \(tcp://far:2375\) has no way in"):
        Docker(container="redis", name="redis", engine="docker", endpoint="tcp://far:2375").in_network(("true",))


def test_a_service_without_a_project_is_that_of_the_environments_project_as_for_compose_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two builds on one machine have each its own."""
    listed = "".join(f"{each}-redis-1\\trunning\\tredis\\t{each}\\tFalse\\t{each}\\n" for each in ("a", "b"))
    engine = tmp_path / "engine"
    engine.write_text(f"#!/bin/sh\nprintf '{listed}'\n")
    engine.chmod(0o755)
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    with pytest.raises(BadTarget, match="could be any of a-redis-1"):
        Docker(service="redis", engine=str(engine)).resolve()
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "b")
    found = [Docker(**{by: "redis"}, engine=str(engine)).resolve() for by in ("service", "either")]
    found.append(Docker(service="redis", project="a", engine=str(engine)).resolve())
    assert [one.names()["docker"] for one in found] == ["b-redis-1", "b-redis-1", "a-redis-1"]
