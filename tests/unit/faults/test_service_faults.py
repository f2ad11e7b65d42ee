"""Faults of a service as data: what would be done, what would undo it, and what would prove either."""

import json
from dataclasses import replace

import pytest

from blackstart import controls
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, Refused
from blackstart.controls.docker import Docker
from blackstart.faults import _service
from blackstart.faults.bounce import Bounce
from blackstart.faults.crash import Crash, revived
from blackstart.faults.kill import Kill
from blackstart.faults.pause import Pause
from blackstart.faults.stop import Stop
from blackstart.model.change import Change, Fault
from blackstart.model.control import State
from blackstart.model.step import Ask
from blackstart.model.target import Service, Target
from blackstart.probes.read import read_once
from blackstart.probes.redis_ping import RedisPing
from tests.unit.probes.servers import serving

FAULTS: list[Fault] = [Stop("redis"), Kill("redis"), Crash("redis"), Pause("redis"), Bounce("redis", 300)]
RUNNING = State("running", "42:noon", 42, revives=True)
UP = f"redis_ping is one of {_service._UP[RedisPing]}"
CONTAINER = Docker(container="redis", name="redis", engine="/usr/bin/docker", endpoint="unix:///d.sock")


def target(state: State, monkeypatch: pytest.MonkeyPatch, sharing: tuple[str, ...] = (), **more: str) -> Target:
    """A target whose Redis is a container in that state."""
    service = Service("redis", control={"docker": "redis"}, **{"address": "db1:6379", **more})
    monkeypatch.setattr(Docker, "resolve", lambda self: CONTAINER)
    monkeypatch.setattr(Docker, "read_state", lambda self, timeout_s=10.0: state)
    monkeypatch.setattr(Docker, "dependents", lambda self: sharing)
    return Target("test", services={"redis": service})


def plan(fault: Fault, state: State, monkeypatch: pytest.MonkeyPatch, **more: str) -> Change:
    (change,) = fault.plan(target(state, monkeypatch, **more))
    return change


def words(change: Change) -> tuple[list[str], list[str]]:
    """The proofs of the effect and of the undo, as they are printed."""
    return [str(one) for one in change.bites], [str(one) for one in change.gone]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_every_change_can_be_rehearsed_undone_and_rebuilt_from_json(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = plan(fault, RUNNING, monkeypatch)
    assert change.undo_is_noop and not change.undo_by_hand
    assert change.service == "redis" and change.what == fault.describe()
    assert change.rights and change.do and change.undo
    assert change.undo[-1:] == CONTAINER.start()
    assert words(change)[1] == [
        UP,
        "redis_port is open",
        "redis_status is running",
    ]
    assert from_data(json.loads(json.dumps(to_data(change)))) == change
    assert from_data(json.loads(json.dumps(to_data(fault)))) == fault


def test_stop_and_kill_bite_when_nobody_answers_and_the_control_sees_it_down(monkeypatch: pytest.MonkeyPatch) -> None:
    for fault, steps in ((Stop("redis"), CONTAINER.stop()), (Kill("redis"), CONTAINER.kill())):
        change = plan(fault, RUNNING, monkeypatch)
        assert change.do == steps
        assert words(change)[0] == ["redis_ping is silent", "redis_status is one of ('stopped', 'failed')"]


@pytest.mark.parametrize(
    ("line", "up"),
    [
        (b"+PONG", True),
        (b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", True),
        (b"-LOADING Redis is loading the dataset in memory", False),
    ],
)
def test_a_replica_that_misses_its_master_is_up_and_one_that_loads_is_not(
    line: bytes, up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = plan(Stop("redis"), RUNNING, monkeypatch).gone[0]
    with serving(lambda conn: conn.recv(64) and conn.sendall(line + b"\r\n")) as port:
        assert gone.matches(read_once(RedisPing(dsn=f"redis://127.0.0.1:{port}"), 5.0)) is up


def test_pause_bites_when_ping_times_out_while_the_port_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    change = plan(Pause("redis"), RUNNING, monkeypatch)
    assert words(change)[0] == ["redis_ping is timed out", "redis_port is open", "redis_status is paused"]
    assert change.undo == (*CONTAINER.resume(), *CONTAINER.start())


def test_crash_bites_when_another_process_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    change = plan(Crash("redis", "SEGV"), RUNNING, monkeypatch)
    assert words(change)[0] == ["redis_process is not 42:noon"]
    assert change.do == CONTAINER.crash(RUNNING, "SEGV")
    assert change.rights[-1:] == CONTAINER.crash(RUNNING, "0")


def test_a_crash_that_nothing_revives_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="nothing would bring redis back after a crash .* the fault kill"):
        plan(Crash("redis"), State("running", "42:noon", 42, revives=False), monkeypatch)


def test_a_crash_whose_revival_is_tested_bites_as_soon_as_that_process_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_revives = State("running", "42:noon", 42, revives=False)
    change = plan(Crash("redis", tests_revival=True), nobody_revives, monkeypatch)
    assert words(change)[0] == ["redis_life is not same"]
    assert change.do == CONTAINER.crash(nobody_revives, "KILL") and change.undo == CONTAINER.start()
    expected = revived("redis", 10)
    assert (expected.name, str(expected.condition)) == ("redis_revived", "redis_life is another")


def test_bounce_is_held_exactly_as_long_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Bounce("redis", 300)
    change = plan(fault, RUNNING, monkeypatch)
    assert fault.hold_s == 0.3
    assert change.do == CONTAINER.stop() and change.undo == CONTAINER.start()
    assert words(change)[0] == ["redis_ping is silent"]


@pytest.mark.parametrize("status", ["stopped", "stopping", "paused", "starting", "failed", "absent"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_what_does_not_run_is_refused(fault: Fault, status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_service, "_STARTS_WITHIN_S", 0.0)
    with pytest.raises(Refused, match=rf"Not started: redis is {status} \(why\), and only what runs can be broken"):
        plan(fault, State(status, detail="why"), monkeypatch)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", ["running", "stopped"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_what_an_orchestrator_owns_is_refused_by_its_label(
    fault: Fault, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    owned = State(status, owner="Docker Swarm (its label com.docker.swarm.task.id)")  # type: ignore[arg-type]
    with pytest.raises(Refused, match=r"belongs to Docker Swarm \(its label com.docker.swarm.task.id\)"):
        plan(fault, owned, monkeypatch)


@pytest.mark.parametrize(
    ("more", "liveness", "port"),
    [
        ({"address": "db1:6379"}, "redis_ping is silent", True),
        ({"address": "db1:1234"}, "redis_ping is silent", True),  # by its name
        ({"address": "", "dsn": "redis://db1"}, "redis_ping is silent", True),
        ({"address": "", "dsn": "env:DSN"}, "redis_ping is silent", True),
        ({"address": "db1:6379", "dsn": "postgresql://me@db1/x"}, "redis_ping is silent", True),
        ({"address": "", "dsn": "postgresql+asyncpg://me@db1/x"}, "redis_ping is silent", True),
        ({"address": ""}, None, False),
        ({"address": "db1:80", "dsn": "http://db1"}, "redis_port is silent", True),
    ],
)
def test_what_an_outsider_sees_is_found_from_dsn_address_or_name(
    more: dict[str, str], liveness: str | None, port: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSN", "rediss://:geheim@db1:6380/0")
    change = plan(Stop("redis"), RUNNING, monkeypatch, **more)
    bites, gone = words(change)
    assert bites[0] == liveness or liveness is None
    assert ("redis_port is open" in gone) == port
    assert "geheim" not in json.dumps(to_data(change))


def test_whether_redis_is_up_is_asked_without_its_login_which_a_restart_may_have_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for dsn in ("redis://drill:geheim@db1:6380/0", "rediss://:geheim@db1:6380", "env:DSN"):
        monkeypatch.setenv("DSN", "redis://drill:geheim@db1:6380/0?socket_timeout=1")
        change = plan(Stop("redis"), RUNNING, monkeypatch, dsn=dsn)
        ping = change.gone[0].probe
        assert isinstance(ping, RedisPing) and "geheim" not in ping.dsn
        assert ping.dsn.partition("?")[0] == f"{'rediss' if 'rediss' in dsn else 'redis'}://db1:6380"
        assert "geheim" not in json.dumps(to_data(change))


def test_postgresql_is_asked_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    change = plan(Pause("redis"), RUNNING, monkeypatch, address="db1:5432", dsn="postgresql://me:geheim@db1/x")
    data = json.dumps(to_data(change))
    assert "probe.postgres_ping" in data and "probe.sql_scalar" not in data


@pytest.mark.parametrize(
    "wrong", [lambda: Crash("redis", "KIL"), lambda: Crash("redis", "SIGKILL"), lambda: Bounce("redis", 0)]
)
def test_a_fault_that_makes_no_sense_can_not_be_declared(wrong) -> None:
    with pytest.raises(ValueError, match="no signal|above 0"):
        wrong()


def by_hand(**more: str) -> Target:
    return Target("test", services={"redis": Service("redis", control={"manual": True}, **more)})


def test_by_hand_the_effect_is_seen_from_outside_alone() -> None:
    (change,) = Stop("redis").plan(by_hand(address="db1:6379"))
    assert words(change) == (
        ["redis_ping is silent"],
        [UP, "redis_port is open"],
    )
    assert change.undo_by_hand and not change.undo_is_noop and change.rights == ()
    assert all(isinstance(step, Ask) for step in change.do + change.undo)
    (paused,) = Pause("redis").plan(by_hand(address="db1:6379"))
    assert words(paused)[0] == ["redis_ping is timed out", "redis_port is open"]


def test_by_hand_what_nobody_could_see_is_refused() -> None:
    with pytest.raises(BadTarget, match="give it an address"):
        Stop("redis").plan(by_hand())
    with pytest.raises(Refused, match="can't be seen from outside"):
        Crash("redis").plan(by_hand(address="db1:6379"))
    with pytest.raises(Refused, match="nobody can keep to 300 ms by hand"):
        Bounce("redis", 300).plan(by_hand(address="db1:6379"))
    with pytest.raises(Refused, match="speaks no protocol that we know"):
        Pause("web").plan(Target("test", services={"web": Service("web", "db1:80", control={"manual": True})}))


def test_a_control_that_can_not_be_asked_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/d.sock")
    monkeypatch.setenv("CONTAINER_ENGINE", "false")
    with pytest.raises(Refused, match="Not started: redis can't be looked up"):
        controls.resolved(Service("redis", control={"docker": "redis"}))


@pytest.mark.parametrize("fault", [*FAULTS[:3], FAULTS[4]], ids=lambda fault: fault.describe())
def test_what_could_not_be_started_again_is_not_ended(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="could not be started again once it has ended: its engine forgets it"):
        plan(fault, replace(RUNNING, lost="its engine forgets it"), monkeypatch)


def test_what_could_not_be_started_again_may_be_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan(Pause("redis"), replace(RUNNING, lost="its engine forgets it"), monkeypatch).undo


@pytest.mark.parametrize("fault", [*FAULTS[:3], FAULTS[4]], ids=lambda fault: fault.describe())
def test_what_would_leave_others_without_a_network_is_refused_until_they_are_named(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = target(RUNNING, monkeypatch, ("exporter", "proxy"))
    with pytest.raises(
        Refused, match="exporter, proxy would be left broken.*container.s network.*--allow exporter,proxy"
    ):
        fault.plan(made)
    with pytest.raises(Refused, match="--allow proxy"):
        fault.plan(replace(made, allow=("exporter",)))
    assert fault.plan(replace(made, allow=("exporter", "proxy")))
    assert Pause("redis").plan(made)
