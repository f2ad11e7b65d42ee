"""The systemd control against a real systemd: this machine's, or one in a container that runs this very file."""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from blackstart import controls
from blackstart.base.errors import BadTarget, Refused, StepFailed
from blackstart.controls.steps.local import run
from blackstart.faults.crash import Crash
from blackstart.faults.kill import Kill
from blackstart.faults.pause import Pause
from blackstart.faults.stop import Stop
from blackstart.model.change import Fault
from blackstart.model.control import Control
from blackstart.model.step import Command, Step
from blackstart.model.target import Service, Target
from tests.requirements import missing, require
from tests.services import by_shell, carry_out, connects, eventually, free_port, pings, redis_server, so
from tests.systemd_machine import pytest_under_systemd

USER = os.geteuid() != 0


class Unit:
    """A unit of ours with a real Redis and a child of it that leaves its group."""

    def __init__(self, restart: str) -> None:
        self.name, self.port = f"blackstart-{uuid.uuid4().hex[:8]}", free_port()
        folder = Path("~/.config/systemd/user").expanduser() if USER else Path("/run/systemd/system")
        self.path = folder / f"{self.name}.service"
        folder.mkdir(parents=True, exist_ok=True)
        self.path.write_text(
            f"[Service]\nRestart={restart}\nRestartSec=100ms\n"
            f"ExecStart=/bin/sh -c 'setsid sleep 1000 & exec {redis_server()} --port {self.port} --save \"\"'\n"
        )
        self.alias = folder / f"{self.name}-alias.service"
        self.alias.symlink_to(self.path)

    def systemctl(self, *words: str, check: bool = True) -> None:
        """systemctl, asked by the test itself."""
        argv = ["systemctl", *(["--user"] if USER else []), *words]
        subprocess.run(argv, check=check, timeout=60, capture_output=True)

    @property
    def service(self) -> Service:
        """The service as a target describes it."""
        return Service("redis", f"127.0.0.1:{self.port}", control={"unit": self.name, "user": USER})

    @property
    def target(self) -> Target:
        """A target with that service."""
        return Target("test", services={"redis": self.service})


@pytest.fixture(scope="module", params=["always"])
def unit(request: pytest.FixtureRequest) -> Iterator[Unit]:
    require("systemd")
    made = Unit(request.param)
    made.systemctl("daemon-reload")
    made.systemctl("start", made.name)
    try:
        assert eventually(lambda: pings(made.port))
        yield made
    finally:
        made.systemctl("stop", made.name)
        made.path.unlink()
        made.alias.unlink()
        made.systemctl("daemon-reload")


@pytest.fixture
def control(unit: Unit) -> Iterator[Control]:
    yield controls.of(unit.service).resolve()
    unit.systemctl("reset-failed")
    unit.systemctl("kill", "--signal=CONT", unit.name, check=False)
    unit.systemctl("start", unit.name)
    assert eventually(lambda: pings(unit.port))


ProxyRoute = Callable[[tuple[Step, ...]], None]


@pytest.mark.systemd
def test_a_running_unit_shows_its_process_and_that_it_is_revived(control: Control) -> None:
    state = control.read_state()
    assert state.status == "running" and state.revives and state.pid
    assert psutil.Process(state.pid).name() == "redis-server"


@pytest.mark.systemd
@pytest.mark.parametrize("way", [carry_out, by_shell])
@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_stop_and_kill_end_in_stopped_although_systemd_revives_it(
    unit: Unit, control: Control, verb: str, way: ProxyRoute
) -> None:
    way(getattr(control, verb)())
    assert control.read_state().status in ("stopped", "failed")
    assert not eventually(lambda: connects(unit.port), 1)
    for _ in range(7):  # as often as would make systemd refuse, were the earlier ones not forgotten
        way(control.start())
    assert eventually(lambda: pings(unit.port))


@pytest.mark.systemd
def test_crash_is_revived_and_one_that_was_replaced_is_left_alone(unit: Unit, control: Control) -> None:
    before = control.read_state()
    carry_out(control.crash(before, "KILL"))
    assert eventually(
        lambda: control.read_state().status == "running" and control.read_state().instance != before.instance
    )
    with pytest.raises(StepFailed, match="somebody restarted it"):
        carry_out(control.crash(before, "KILL"))


@pytest.mark.systemd
@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_pause_takes_every_process_of_the_unit(unit: Unit, control: Control, way: ProxyRoute) -> None:
    before = control.read_state()
    family = [psutil.Process(before.pid), *psutil.Process(before.pid).children(recursive=True)]
    assert len(family) == 2
    way(control.pause())
    assert control.read_state().status == "paused"
    assert eventually(lambda: {process.status() for process in family} == {psutil.STATUS_STOPPED})
    assert connects(unit.port) and not pings(unit.port)
    way(control.resume() + control.resume())
    assert eventually(lambda: pings(unit.port))
    assert control.read_state() == before


@pytest.mark.systemd
@pytest.mark.parametrize("fault", [Stop("redis"), Kill("redis"), Crash("redis"), Pause("redis")], ids=str)
def test_faults_bite_and_are_undone(unit: Unit, control: Control, fault: Fault) -> None:
    unit.systemctl("reset-failed")
    (change,) = fault.plan(unit.target)
    carry_out(change.rights + change.undo)
    assert so(change.gone) and not so(change.bites)
    carry_out(change.do)
    assert eventually(lambda: so(change.bites)), [str(condition) for condition in change.bites]
    by_shell(change.undo)
    assert eventually(lambda: so(change.gone))


@pytest.mark.systemd
def test_an_alias_is_the_unit_that_it_stands_for(unit: Unit, control: Control) -> None:
    by_alias = controls.of(Service("redis", control={"unit": f"{unit.name}-alias", "user": USER})).resolve()
    assert by_alias == control and by_alias.identity() == control.identity()


@pytest.mark.systemd
def test_a_unit_that_is_not_there_is_refused(unit: Unit) -> None:
    with pytest.raises(BadTarget, match='Not started: systemd has no unit "no-such-thing.service"'):
        controls.of(Service("redis", control={"unit": "no-such-thing", "user": USER})).resolve()


@pytest.mark.systemd
def test_a_stopped_unit_is_refused(unit: Unit, control: Control) -> None:
    unit.systemctl("stop", unit.name)
    with pytest.raises(Refused, match="Not started: redis is stopped"):
        Stop("redis").plan(unit.target)


@pytest.mark.systemd
def test_a_transient_unit_which_systemd_would_forget_is_never_ended(unit: Unit) -> None:
    name, port = f"blackstart-{uuid.uuid4().hex[:8]}", free_port()
    scope = ["--user"] if USER else []
    subprocess.run(
        ["systemd-run", *scope, f"--unit={name}", redis_server(), "--port", str(port), "--save", ""],
        check=True, timeout=60, capture_output=True,
    )  # fmt: skip
    try:
        assert eventually(lambda: pings(port))
        service = Service("redis", f"127.0.0.1:{port}", control={"unit": name, "user": USER})
        for fault in (Stop("redis"), Kill("redis")):
            with pytest.raises(Refused, match="could not be started again once it has ended.*systemd-run"):
                fault.plan(Target("test", services={"redis": service}))
        assert pings(port)
    finally:
        unit.systemctl("stop", name, check=False)


@pytest.mark.systemd
def test_a_unit_whose_end_would_restart_the_machine_is_never_ended(unit: Unit, control: Control) -> None:
    before = unit.path.read_text()
    unit.path.write_text(f"[Unit]\nFailureAction=reboot\n{before}")
    unit.systemctl("daemon-reload")
    try:
        for fault in (Stop("redis"), Kill("redis"), Crash("redis")):
            with pytest.raises(Refused, match="FailureAction= tells systemd to do a reboot"):
                fault.plan(unit.target)
        assert Pause("redis").plan(unit.target)
    finally:
        unit.path.write_text(before)
        unit.systemctl("daemon-reload")


@pytest.mark.systemd
@pytest.mark.parametrize("bond", ["Requires", "BindsTo", "PartOf"])
def test_a_unit_with_which_others_are_stopped_is_not_ended_unless_they_are_named(
    unit: Unit, control: Control, bond: str
) -> None:
    other = unit.path.with_name(f"{unit.name}-{bond.lower()}.service")
    other.write_text(f"[Unit]\n{bond}={unit.path.name}\nAfter={unit.path.name}\n[Service]\nExecStart=/bin/sleep 1000\n")
    unit.systemctl("daemon-reload")
    try:
        assert Stop("redis").plan(unit.target)  # it does not run, so nothing is taken from it
        unit.systemctl("start", other.name)
        with pytest.raises(Refused, match=f"{other.name} would be left broken.*stopped with its unit"):
            Stop("redis").plan(unit.target)
        (change,) = Stop("redis").plan(replace(unit.target, allow=(other.name,)))
        carry_out(change.do)
        carry_out(change.undo)
        assert eventually(lambda: so(change.gone))
        asked = Command(("systemctl", *(["--user"] if USER else []), "is-active", other.name))
        assert run(asked).stdout != "active\n"
    finally:
        unit.systemctl("stop", other.name, check=False)
        other.unlink()
        unit.systemctl("daemon-reload")


@pytest.mark.systemd
def test_the_log_tail_is_a_command_that_works(control: Control) -> None:
    step = control.log_tail(20)
    assert step is not None and run(step).code in (0, 1)


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.timeout(600)
def test_all_this_holds_under_a_systemd_in_a_container_where_this_machine_has_none() -> None:
    if not missing("systemd"):
        pytest.skip("systemd runs here; the tests above have used it")
    require("docker", "root")
    told = pytest_under_systemd("tests/contract/test_controls_systemd.py", "-m", "systemd")
    assert " passed" in told and "skipped" not in told and "failed" not in told, told
