"""What a run may touch without being told so by name, and what is refused before it is touched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart import controls
from blackstart.base.errors import Refused
from blackstart.base.sockets import is_loopback
from blackstart.commands import run
from blackstart.controls.kubernetes_context import Context
from blackstart.controls.systemd import Systemd
from blackstart.engine.planning import make
from blackstart.loads import K6, Burst, K6Pods, OpenLoop, Operation, Stage
from blackstart.model.experiment import Traffic
from blackstart.model.flags import Flags
from blackstart.model.plan import Plan
from blackstart.model.step import Command, HttpCall, Step
from blackstart.model.target import Service, Target
from blackstart.safety.preflight import cluster_reach
from blackstart.safety.preflight.guard_rails import objections, refuse
from tests.unit.builders import AFTER, Cut, change, experiment

LOCAL = Target(
    "trader", api="http://localhost:8000", services={"redis": Service("redis", "127.0.0.1:6379", url="http://[::1]:9")}
)


@pytest.fixture(autouse=True)
def as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked which container it is."""
    monkeypatch.setattr(controls, "resolved", controls.of)


def plan(target: Target = LOCAL, *do: Step, **parts: Any) -> Plan:
    made = replace(change(), do=do) if do else change()
    return make(experiment(faults=(Cut((replace(made, **parts),)),), recovery=(AFTER,)), target)


def with_redis(address: str = "127.0.0.1:6379", allow: tuple[str, ...] = (), **more: Any) -> Target:
    return replace(LOCAL, allow=allow, services={"redis": Service("redis", address, **more)})


def refusal(made: Plan, came_by: str = "") -> str:
    with pytest.raises(Refused) as caught:
        refuse(made, came_by)
    return str(caught.value)


def test_what_is_on_this_machine_is_not_refused() -> None:
    refuse(plan())


@pytest.mark.parametrize(
    "control",
    [{"docker": "redis"}, {"supervisor": "redis", "config": "/etc/s.conf"}, {"unit": "redis"}, {"manual": True}],
)
def test_a_local_control_is_not_refused(control: dict[str, Any]) -> None:
    refuse(plan(with_redis(control=control)))


def test_a_change_of_what_is_no_service_of_the_target_is_refused_and_nothing_allows_it() -> None:
    told = refusal(plan(replace(LOCAL, allow=("postgres",)), service="postgres"))
    assert told == 'Not started: "stop redis" touches "postgres", which is no service of trader (redis)'


REMOTE: dict[str, tuple[Target, str]] = {
    "api": (replace(LOCAL, api="https://trade.example.com/v1"), "trade.example.com"),
    "private address": (replace(LOCAL, api="http://10.0.0.5:8000"), "10.0.0.5"),
    "url of a service": (with_redis(url="http://shop.example.com:8082"), "shop.example.com"),
    "address": (with_redis("db.example.com:6379"), "db.example.com"),
    "dsn": (with_redis(dsn="redis://:secret@cache.example.com:6379/0"), "cache.example.com"),
    "host": (with_redis(control={"unit": "redis", "host": "ssh://ops@db1:2222"}), "db1"),
    "container on a host": (with_redis(control={"docker": "redis", "host": "ssh://ops@db1"}), "db1"),
}


@pytest.mark.parametrize(("target", "word"), REMOTE.values(), ids=REMOTE)
def test_what_is_elsewhere_is_refused_until_it_is_named(target: Target, word: str) -> None:
    told = refusal(plan(target))
    assert told.startswith("Not started: ")
    assert told.endswith(f'allow = ["{word}"] in the target file, or --allow {word}')
    assert "secret" not in told
    assert objections(plan(replace(target, allow=("something-else",))))
    refuse(plan(replace(target, allow=(word.upper(),))))


def test_a_remote_engine_is_refused_until_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    local = controls.of(Service("redis", control={"docker": "redis"}))
    monkeypatch.setattr(controls, "resolved", lambda service: replace(local, endpoint="tcp://10.0.0.7:2376"))
    told = refusal(plan(with_redis(control={"docker": "redis"})))
    assert "redis is controlled on another machine (tcp://10.0.0.7:2376)" in told and "--allow 10.0.0.7" in told
    refuse(plan(with_redis(control={"docker": "redis"}, allow=("10.0.0.7",))))


ELSEWHERE = {
    "ssh": (Command(("true",), host="ssh://ops@far?config=/etc/x"), "far"),
    "ssh through a forwarded port": (Command(("true",), host="ssh://vagrant@127.0.0.1:2222"), "127.0.0.1"),
    "ssh to an alias": (Command(("true",), host="ssh://localhost?config=/etc/x"), "localhost"),
    "engine": (Command(("docker", "stop", "x"), env={"DOCKER_HOST": "tcp://far:2375"}), "far"),
    "context": (Command(("docker", "stop", "x"), env={"DOCKER_CONTEXT": "production"}), "production"),
    "api": (HttpCall("POST", "http://far:8474/proxies"), "far"),
}


@pytest.mark.parametrize(("step", "word"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_step_that_leaves_the_machine_is_refused_until_it_is_named(step: Step, word: str) -> None:
    prepared = plan(LOCAL)
    prepared = replace(prepared, experiment=replace(prepared.experiment, prepare=(step,)))
    for made in (plan(LOCAL, step), plan(LOCAL, undo=(step,)), plan(LOCAL, rights=(step,)), prepared):
        assert f"--allow {word}" in refusal(made)
        refuse(replace(made, target=replace(LOCAL, allow=(word,))))


def test_a_step_without_an_engine_of_its_own_meets_the_one_of_the_environment() -> None:
    made = plan(LOCAL, Command(("docker", "stop", "x")))
    refuse(made, environment={"DOCKER_HOST": "unix:///var/run/docker.sock"})
    with pytest.raises(Refused, match="acts on another machine"):
        refuse(made, environment={"DOCKER_HOST": "tcp://far:2375"})


def test_the_host_in_the_query_of_a_dsn_counts_since_clients_prefer_it() -> None:
    assert "the dsn of redis is at far" in refusal(plan(with_redis(dsn="postgresql://localhost/db?host=far")))
    refuse(plan(with_redis(dsn="postgresql://localhost/db?host=/var/run/postgresql")))


@pytest.mark.parametrize(
    "dsn",
    [
        "postgres://u@127.0.0.1:5432,db.prod.invalid:5432/x",
        "postgres://u@127.0.0.1,db.prod.invalid:5432/x",
        "postgres://u@localhost/x?host=127.0.0.1,db.prod.invalid",
        "postgres://u@localhost/x?hostaddr=db.prod.invalid",
        "host=localhost,db.prod.invalid user=u",
        "amqp://127.0.0.1:5672,db.prod.invalid:5672/",
    ],
)
def test_every_host_of_a_dsn_is_judged(dsn: str) -> None:
    told = refusal(plan(with_redis(dsn=dsn)))
    assert "the dsn of redis is at db.prod.invalid" in told and "--allow db.prod.invalid" in told
    refuse(plan(with_redis(dsn=dsn, allow=("db.prod.invalid",))))


def test_a_host_that_the_shell_gives_to_a_dsn_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(plan(with_redis(dsn="postgresql://localhost/x")))
    monkeypatch.setenv("PGHOSTADDR", "10.1.2.3")
    assert "the dsn of redis is at 10.1.2.3" in refusal(plan(with_redis(dsn="postgresql://localhost/x")))


@pytest.mark.parametrize("allow", [(), ("redis-of-compose",)])
def test_a_name_of_a_compose_network_is_refused_as_that_and_nothing_allows_it(
    monkeypatch: pytest.MonkeyPatch, allow: tuple[str, ...]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://redis-of-compose:6379")
    target = with_redis("redis-of-compose:6379", dsn="env:REDIS_URL", allow=allow)
    told = refusal(plan(target))
    assert told.startswith("Not started: the dsn of redis (env:REDIS_URL) is at redis-of-compose, a name that leads")
    assert "use the port that is published on this machine" in told and "leave it out" in told
    assert "--allow" not in told and told.count("redis-of-compose") == 1


@pytest.mark.parametrize("engine", ["unix:///var/run/docker.sock", "default"])
def test_a_step_that_names_the_local_engine_is_not_refused(engine: str) -> None:
    refuse(plan(LOCAL, Command(("docker", "stop", "x"), env={"DOCKER_HOST": engine})))


WAYS_IN = {
    "unit": with_redis(control={"unit": "sshd"}),
    "whole unit": with_redis(control={"unit": "ssh.service"}),
    "instance": with_redis(control={"unit": "sshd@3.service"}),
    "program": with_redis(control={"supervisor": "sshd", "config": "/etc/s.conf"}),
    "process": with_redis(control={"process": "/usr/sbin/sshd -D", "start": "/usr/sbin/sshd"}),
    "pid file": with_redis(control={"pidfile": "/run/sshd.pid", "start": "/usr/sbin/x"}),
    "what is started": with_redis(control={"pidfile": "/run/x.pid", "start": ["/usr/sbin/sshd", "-D"]}),
    "network": with_redis(control={"unit": "systemd-networkd"}),
    "port": with_redis("127.0.0.1:22"),
    "port of the far side's ssh": with_redis(
        "127.0.0.1:2222", ("db1",), control={"unit": "x", "host": "ssh://ops@db1:2222"}
    ),
}


@pytest.mark.parametrize("target", WAYS_IN.values(), ids=WAYS_IN)
def test_the_way_onto_the_machine_is_refused_until_its_service_is_named(target: Target) -> None:
    step = Command(("true",), host="ssh://ops@db1:2222") if "db1" in target.allow else Command(("true",))
    told = refusal(plan(target, step))
    assert "without redis the machine may not be reached any more" in told and "--allow redis" in told
    refuse(plan(replace(target, allow=(*target.allow, "redis")), step))


def test_an_alias_of_the_way_in_is_known_by_the_name_that_it_has_in_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "resolved", lambda service: Systemd("ssh.service"))
    assert "its control is unit in truth ssh" in refusal(plan(with_redis(control={"unit": "backdoor"})))


@pytest.mark.parametrize(
    "control",
    [{"unit": "redis-sshd-exporter"}, {"supervisor": "no-ssh", "config": "/s.conf"}, {"manual": "the ssh box"}],
)
def test_a_name_that_only_contains_the_word_is_not_refused(control: dict[str, Any]) -> None:
    refuse(plan(with_redis(control=control)))


def test_the_port_that_we_came_by_over_ssh_is_refused() -> None:
    came_by = "192.0.2.7 50123 10.0.0.4 2022"
    assert "10.0.0.4:2022 is what we came by" in refusal(plan(with_redis("localhost:2022")), came_by)
    refuse(plan(with_redis("localhost:2023")), came_by)
    refuse(plan(with_redis("localhost:2022")))


def test_the_address_that_we_came_from_over_ssh_is_refused() -> None:
    target = with_redis("192.0.2.7:6379", ("192.0.2.7",))
    assert "192.0.2.7 is where we came from by SSH" in refusal(plan(target), "192.0.2.7 50123 10.0.0.4 22")


def test_a_load_that_is_sent_elsewhere_is_refused_until_that_is_named() -> None:
    operations = (Operation("visit", "/ready"), Operation("pay", "https://pay.example.com/{int:1-9}"))
    for load in (OpenLoop(operations, (Stage(1.0),)), Burst(3, operations[1])):
        made = make(experiment(recovery=(AFTER,), faults=(), traffic=Traffic(load)), LOCAL)
        assert "the load's pay is at pay.example.com" in refusal(made)
        refuse(replace(made, target=replace(LOCAL, allow=("pay.example.com",))))


def test_everything_is_said_at_once_with_all_the_words() -> None:
    target = replace(with_redis("10.0.0.5:22"), api="http://trade.example.com")
    told = refusal(plan(target))
    assert told.endswith(
        'allow = ["trade.example.com", "10.0.0.5", "redis"] in the target file, or '
        "--allow trade.example.com,10.0.0.5,redis"
    )


def test_the_flag_allows_besides_the_target_file() -> None:
    target = run.allowing(replace(LOCAL, allow=("a",)), Flags(allow="b,c"))
    assert target.allow == ("a", "b", "c")


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]", "0.0.0.0", "", "a.localhost", "::ffff:127.0.0.1"]
)
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "localhost.example.com", "host.docker.internal", "172.17.0.2", "::2", "127.1.example"]
)
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)


@given(st.text())
def test_no_text_crashes_the_guard_rails(text: str) -> None:
    is_loopback(text)
    objections(Plan(experiment(), replace(LOCAL, api=f"http://{text}"), (), (), None), text)
    away = replace(change(), do=(HttpCall("POST", f"http://{text}:{text}"),))
    objections(Plan(experiment(), LOCAL, (away,), (), None))
    target = replace(LOCAL, services={"redis": Service("redis", text)})
    objections(Plan(experiment(), target, (change(),), (), None), text)


@pytest.mark.parametrize(
    ("api", "told"),
    [
        ("http://api.shop.svc:8000", ""),
        ("http://api.shop.svc.cluster.local", ""),
        ("http://api", ""),
        ("", ""),
        ("http://shop.example.com", "what the load's pods send to is at shop.example.com, not on this machine"),
        ("http://svc.example.com", "what the load's pods send to is at svc.example.com, not on this machine"),
    ],
)
def test_pods_send_to_what_their_cluster_alone_knows_or_what_is_allowed(api: str, told: str) -> None:
    load = K6Pods(K6("s.js"), 3, "k6:1", Context("shop", "none", kubectl="/no/kubectl"), api)
    made = replace(plan(), experiment=replace(plan().experiment, traffic=Traffic(load)))
    assert [one.what for one in objections(made)] == ([told] if told else [])


def test_pods_of_a_cluster_that_is_not_this_machine_must_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_reach, "_server", lambda *asked: "https://k8s.example.com:6443")
    load = K6Pods(K6("s.js"), 3, "k6:1", Context("shop", "far", kubectl="/usr/bin/kubectl"))
    made = replace(plan(), experiment=replace(plan().experiment, traffic=Traffic(load)))
    assert {one.word for one in objections(made)} == {"k8s.example.com"}
