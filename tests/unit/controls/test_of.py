"""From a target's table to a control: every kind is found, every mistake is named."""

import pytest

from blackstart import controls
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.control import Control, State
from blackstart.model.target import Service

TABLES: dict[str, dict[str, object]] = {
    "docker": {"docker": "redis"},
    "compose": {"compose": "redis", "project": "aitrapp"},
    "container": {"container": "redis"},
    "elsewhere": {"docker": "redis", "host": "ssh://ops@db1"},
    "supervisor": {"supervisor": "redis", "config": "/etc/supervisord.conf"},
    "unit": {"unit": "redis-server"},
    "user unit": {"unit": "app.service", "user": True, "host": "ssh://db1"},
    "process": {"process": ["redis-server", "*:6379"], "start": "redis-server /etc/redis.conf", "env": {"A": "b"}},
    "pidfile": {"pidfile": "/run/redis.pid", "start": ["redis-server"]},
    "manual": {"manual": "Redis on the blue box", "stop": "Pull the plug."},
    "by hand": {"manual": True},
}


def of(table: dict[str, object], name: str = "redis") -> Control:
    return controls.of(Service(name, control=table))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_kind_is_read_survives_json_and_can_be_hashed(table: dict[str, object]) -> None:
    control = of(table)
    assert isinstance(control, Control)
    assert from_data(to_data(control)) == control
    assert hash(from_data(to_data(control))) == hash(control)
    assert control.identity()


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_what_would_be_done_is_known_without_touching_anything(table: dict[str, object]) -> None:
    control, seen = of(table), State("running", "42:7", 42, True)
    for steps in (
        control.start(),
        control.stop(),
        control.kill(),
        control.crash(seen, "SEGV"),
        control.pause(),
        control.resume(),
    ):
        assert steps
        for step in steps:
            assert from_data(to_data(step)) == step
            assert getattr(step, "host", None) == table.get("host")


def test_identities_are_different_where_the_services_are() -> None:
    identities = [of(table).identity() for kind, table in TABLES.items() if kind != "container"]
    assert len(set(identities)) == len(identities)


def test_a_unit_without_a_suffix_is_a_service() -> None:
    assert of({"unit": "redis"}) == of({"unit": "redis.service"}) != of({"unit": "redis.socket"})


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({}, 'control is missing: say how it is stopped and started, as in { docker = "redis" }'),
        ({"dokcer": "redis"}, 'Did you mean "docker"?'),
        ({"docker": 5}, '"docker" must be text, not a number'),
        ({"process": "redis-server", "start": "x", "env": ["s3cret"]}, '"env" must be a table, not a list'),
        ({"unit": "redis*"}, "can't be the name of one unit"),
        ({"unit": "-x"}, "can't be the name of one unit"),
        ({"unit": "redis", "user": "yes"}, '"user" must be true or false'),
        ({"supervisor": "redis"}, 'needs "config"'),
        ({"docker": "redis", "config": "x"}, 'unknown key "config"'),
        ({"docker": "redis", "host": "db1"}, 'host = "..." can\'t be read'),
        ({"manual": "redis", "stpo": "Stop it."}, 'Did you mean "stop"?'),
        ({"process": "redis-server", "start": ["x"], "stop_signal": "TREM"}, 'Did you mean "TERM"?'),
        ({"process": "redis-server", "start": "it's"}, "start"),
    ],
)
def test_a_mistake_is_refused_with_its_place(table: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadTarget) as refusal:
        of(table)
    assert str(refusal.value).startswith("Not started: [services.redis] control")
    assert complaint in str(refusal.value) and "s3cret" not in str(refusal.value)
