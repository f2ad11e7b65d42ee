"""Faults on some hosts of a service: which ones are drawn, that each has an undo of its own, and what is refused."""

from dataclasses import replace

import pytest

from blackstart import controls
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, Refused
from blackstart.commands.target_file import from_table
from blackstart.controls.docker import Docker
from blackstart.engine import fleets
from blackstart.faults.some import Some
from blackstart.faults.stop import Stop
from blackstart.model.control import State
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.schedule import At, chaos_monkey
from blackstart.model.target import Target

HOSTS = [f"ssh://ops@{name}.example:2222" for name in "abcde"]
TABLE = {
    "name": "shop",
    "services": {
        "api": {
            "hosts": HOSTS,
            "address": "{host}:8000",
            "url": "http://{host}:8000",
            "control": {"docker": "api-{host}"},
        },
        "redis": {"control": {"docker": "redis"}},
    },
}


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Target:
    """Five hosts on which everything runs."""
    monkeypatch.setattr(Docker, "resolve", lambda self: self)
    monkeypatch.setattr(Docker, "read_state", lambda self, timeout_s=10.0: State("running", "42:noon", 42))
    monkeypatch.setattr(Docker, "dependents", lambda self: ())
    return from_table(TABLE, "shop.toml")


def test_each_host_is_a_service_of_its_own(target: Target) -> None:
    assert target.fleets == {"api": tuple(f"api@{name}.example" for name in "abcde")}
    second = target.services["api@b.example"]
    assert (second.address, second.url) == ("b.example:8000", "http://b.example:8000")
    control = controls.of(second)
    assert (control.host, control.names()["docker"]) == (HOSTS[1], "api-b.example")
    with pytest.raises(BadTarget, match=r'"api" is several \(api@a.example, .*\); name one of them'):
        target.service("api")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"hosts": []}, r'"hosts" in \[services.api\] must be a list'),
        ({"hosts": "ssh://a"}, "must be a list"),
        ({"hosts": ["ftp://a"]}, '"hosts" in .*ftp.*can\'t be read'),
        ({"hosts": [HOSTS[0], HOSTS[0]]}, "names a.example twice"),
        ({"control": {}}, "needs a control"),
        ({"control": {"docker": "api", "host": "ssh://a"}}, "no host of its own"),
        ({"adress": "x"}, 'unknown key "adress"'),
    ],
)
def test_what_is_not_valid_is_refused_by_name(more: dict[str, object], told: str) -> None:
    table = {**TABLE["services"]["api"], **more}  # type: ignore[index,dict-item]
    with pytest.raises(BadTarget, match=told):
        from_table({"name": "shop", "services": {"api": table}}, "shop.toml")


@pytest.mark.parametrize(
    ("some", "count"),
    [
        (Some(Stop("api")), 1),
        (Some(Stop("api"), 3), 3),
        (Some(Stop("api"), share=0.5), 3),
        (Some(Stop("api"), share=0.4), 2),
        (Some(Stop("api"), share=0.01), 1),
        (Some(Stop("api"), share=1), 5),
    ],
)
def test_so_many_are_broken_each_with_an_undo_on_its_host(target: Target, some: Some, count: int) -> None:
    changes = some.plan(target)
    assert [change.service for change in changes] == list(some.drawn(target)) and len(changes) == count
    for change in changes:
        assert change.what == f"stop {change.service} ({count} of 5 hosts, seed 0)"
        host = f"ssh://ops@{change.service.partition('@')[2]}:2222"
        assert {step.host for step in (*change.do, *change.undo)} == {host}  # type: ignore[union-attr]
    assert from_data(to_data(some)) == some


def test_a_seed_draws_the_same_hosts_and_every_host_is_drawn_by_one(target: Target) -> None:
    drawn = [Some(Stop("api"), 2, seed=seed).drawn(target) for seed in range(50)]
    assert drawn == [Some(Stop("api"), 2, seed=seed).drawn(target) for seed in range(50)]
    assert {one for pair in drawn for one in pair} == set(target.fleets["api"]) and len(set(drawn)) > 5


@pytest.mark.parametrize(
    ("some", "error", "told"),
    [
        (Some(Stop("api"), 6), Refused, "6 instances of api are to be broken, and there are 5"),
        (Some(Stop("redis")), BadTarget, 'service "redis" is one; say on which hosts'),
        (Some(Stop("apii")), BadTarget, 'no service "apii"'),
    ],
)
def test_what_is_not_there_is_refused(target: Target, some: Some, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        some.plan(target)


@pytest.mark.parametrize("wrong", [{"count": 0}, {"share": 0.0}, {"share": 1.1}, {"share": float("nan")}])
def test_a_number_that_can_not_be_is_an_error(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Some(Stop("api"), **wrong)  # type: ignore[arg-type]


def test_the_flags_say_how_many_and_which_unless_the_experiment_does(target: Target) -> None:
    mine = (Some(Stop("api"), 4), Stop("redis"), Stop("api"), At(Stop("api"), 1.0, 2.0))
    plain = Experiment("x", "shop", "It holds.", faults=mine)
    faults = fleets.drawn(plain, target, Flags(on_hosts=2, hosts_seed=7)).faults
    two = Some(Stop("api"), 2, seed=7)
    assert faults == (mine[0], mine[1], two, At(two, 1.0, 2.0))
    assert fleets.drawn(plain, target, Flags(on_hosts=0.5)).faults[2] == Some(Stop("api"), share=0.5)
    assert two.describe() == "stop api on 2 of its hosts (seed 7)"
    untouched = replace(target, fleets={})
    assert fleets.drawn(plain, untouched, Flags()).faults == mine


def test_a_monkey_may_have_a_fleet(target: Target) -> None:
    schedule = chaos_monkey((Stop("api"),), seed=3, probability=1.0, rounds=2, every_s=20)
    faults = fleets.drawn(Experiment("x", "shop", "It holds.", faults=schedule), target, Flags()).faults
    assert [fault.fault for fault in faults] == [Some(Stop("api"))] * 2
