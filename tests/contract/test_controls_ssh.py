"""Controls of services on another host, through a real sshd: supervisor, docker and plain processes."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from blackstart import controls
from blackstart.base.errors import BadTarget, Refused, StepFailed, StepTimedOut
from blackstart.controls.steps.local import carry_out as carried_out
from blackstart.controls.steps.local import run
from blackstart.controls.steps.ssh import close_machines
from blackstart.engine import run as engine
from blackstart.faults.crash import Crash
from blackstart.faults.kill import Kill
from blackstart.faults.pause import Pause
from blackstart.faults.stop import Stop
from blackstart.model.change import Fault
from blackstart.model.control import Control
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from tests.docker_engine import redis_container
from tests.requirements import require
from tests.services import (
    Supervised,
    by_shell,
    carry_out,
    connects,
    eventually,
    free_port,
    pings,
    redis_server,
    so,
    supervised_redis,
)
from tests.ssh_host import SshHost, ssh_host
from tests.unit.safety.file_fault import without
from tests.unit.stage import NoGuardian, Told, drill

pytestmark = pytest.mark.ssh
_A_LOOK_S = 10.0  # a command over SSH takes a second at rest


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    require("ssh")
    with ssh_host(tmp_path_factory.mktemp("ssh")) as made:
        yield made
    close_machines()


@pytest.fixture(scope="module")
def supervised(tmp_path_factory: pytest.TempPathFactory, host: SshHost) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


@pytest.fixture
def away(supervised: Supervised, host: SshHost) -> Target:
    """A target whose Redis is supervised on the other host."""
    ctl = str(Path(sys.executable).with_name("supervisorctl"))
    return supervised.target(host=host.url, ctl=ctl)


def test_a_command_runs_there_with_its_folder_its_environment_and_its_words_untouched(host: SshHost) -> None:
    words = ("printf", "%s|", "a b", "$HOME", "it's", 'say "no"', "*", "")
    assert carried_out(Command(words, host=host.url)).stdout == 'a b|$HOME|it\'s|say "no"|*||'
    step = Command(
        ("sh", "-c", 'echo "$(pwd) $WHO $SSH_CONNECTION"'), host=host.url, cwd="/usr", env={"WHO": "me & you"}
    )
    out = carried_out(step).stdout
    assert out.startswith("/usr me & you 127.0.0.1 ")


def test_an_exit_code_comes_back_and_is_no_fault_of_the_connection(host: SshHost) -> None:
    outcome = run(Command(("sh", "-c", "echo why >&2; exit 3"), host=host.url))
    assert (outcome.ok, outcome.code, outcome.stderr.strip()) == (False, 3, "why")


def test_a_command_that_does_not_come_back_is_given_up(host: SshHost) -> None:
    carried_out(Command(("true",), host=host.url))  # the connection stands
    with pytest.raises(StepTimedOut, match="did not come back within 0.5 s"):
        run(Command(("sleep", "30"), host=host.url, timeout_s=0.5))


def test_a_detached_command_goes_on_there_when_the_connection_has_ended(host: SshHost, tmp_path: Path) -> None:
    log, go_on = tmp_path / "log", tmp_path / "go-on"
    words = ("sh", "-c", f"echo began; while [ ! -e {go_on} ]; do sleep 0.05; done; echo ended")
    carried_out(Command(words, host=host.url, detach=True, log=str(log)))
    assert eventually(lambda: log.exists() and log.read_text().split() == ["began"])
    go_on.touch()
    assert eventually(lambda: log.exists() and log.read_text().split() == ["began", "ended"])


def test_a_detached_program_that_is_not_there_fails_at_once(host: SshHost) -> None:
    with pytest.raises(StepFailed, match="no-such-program: no such program"):
        carried_out(Command(("no-such-program",), host=host.url, detach=True))


@pytest.mark.parametrize("fault", [Stop("redis"), Kill("redis"), Crash("redis"), Pause("redis")], ids=str)
def test_faults_bite_there_and_are_undone_there(away: Target, supervised: Supervised, fault: Fault) -> None:
    (change,) = fault.plan(away)
    carry_out(change.rights + change.undo)
    assert so(change.gone, _A_LOOK_S) and not so(change.bites, _A_LOOK_S)
    carry_out(change.do)
    assert eventually(lambda: so(change.bites, _A_LOOK_S), 60)
    by_shell(change.undo)
    assert eventually(lambda: so(change.gone, _A_LOOK_S), 60)
    assert pings(supervised.port)


def test_a_container_there_is_known_to_be_elsewhere(host: SshHost) -> None:
    require("docker")
    with redis_container() as (name, port):
        control = controls.of(Service("redis", control={"docker": name, "host": host.url})).resolve()
        assert control.reach() == host.url
        carry_out(control.stop())
        assert control.read_state().status == "stopped" and not connects(port)
        carry_out(control.start())
        assert eventually(lambda: pings(port))
        carry_out(control.pause())
        assert control.read_state().status == "paused"
        carry_out(control.resume())
        assert eventually(lambda: pings(port))


def test_a_process_there_is_stopped_frozen_and_started_again(host: SshHost, tmp_path: Path) -> None:
    port = free_port()
    start = [redis_server(), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    table = {"process": f"{redis_server()} *:{port}", "start": start, "log": str(tmp_path / "log"), "host": host.url}
    control: Control = controls.of(Service("redis", control=table)).resolve()
    carry_out(control.start())
    assert eventually(lambda: pings(port))
    try:
        carry_out(control.pause())
        assert control.read_state().status == "paused" and not pings(port)
        carry_out(control.resume())
        assert eventually(lambda: pings(port))
        carry_out(control.stop())
        assert control.read_state().status == "stopped"
        by_shell(control.start())
        assert eventually(lambda: pings(port))
    finally:
        carry_out(control.kill())


def test_what_the_guardian_does_needs_no_terminal_and_asks_nothing(host: SshHost) -> None:
    (host.folder / "authorized_keys").rename(host.folder / "nobody")
    close_machines()
    try:
        with pytest.raises(StepFailed, match=r"can't be reached: .*Permission denied.*Try it by hand: ssh "):
            run(Command(("true",), host=host.url))
    finally:
        (host.folder / "nobody").rename(host.folder / "authorized_keys")


def test_a_key_that_dies_during_a_run_is_named(host: SshHost) -> None:
    carried_out(Command(("true",), host=host.url))
    (host.folder / "authorized_keys").rename(host.folder / "nobody")
    try:
        with pytest.raises(StepFailed, match="Permission denied"):
            run(Command(("true",), host=host.url))
    finally:
        (host.folder / "nobody").rename(host.folder / "authorized_keys")
    carried_out(Command(("true",), host=host.url))


def test_a_host_that_goes_away_and_comes_back_can_be_used_again(host: SshHost) -> None:
    carried_out(Command(("true",), host=host.url))
    host.stop()
    try:
        with pytest.raises(StepFailed, match="Connection refused"):
            run(Command(("true",), host=host.url))
    finally:
        host.start()
    carried_out(Command(("true",), host=host.url))


def test_a_command_that_goes_on_there_when_its_connection_has_ended_is_undone_again(
    host: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "Guardian", NoGuardian)
    victim = tmp_path / "victim"
    victim.touch()
    late = f"kill -9 $PPID; sleep 3; rm -f {victim}; touch {victim}.hit"
    do = (Command(("sh", "-c", late), host=host.url, timeout_s=6.0),)
    told = Told(tmp_path, drill(victim), replace(without(victim), do=do))
    told.run.plan = replace(told.run.plan, target=replace(told.run.plan.target, allow=("127.0.0.1",)))
    told.end()
    assert told.outcome == ("inconclusive", 30)
    assert eventually(lambda: victim.with_name("victim.hit").exists(), 20)
    assert victim.exists() and "may still take effect" in told.out.getvalue()


def test_an_unknown_host_key_is_not_taken(host: SshHost) -> None:
    known = host.folder / "known_hosts"
    before = known.read_text()
    known.write_text("")
    close_machines()
    try:
        with pytest.raises(StepFailed, match="Host key verification failed"):
            run(Command(("true",), host=host.url))
    finally:
        known.write_text(before)


def test_a_refused_host_is_a_refusal_when_planning(supervised: Supervised) -> None:
    target = supervised.target(host=f"ssh://127.0.0.1:{free_port()}")
    with pytest.raises(Refused, match=r"Not started: redis can't be looked up: .*Connection refused"):
        Stop("redis").plan(target)


def test_a_secret_is_not_shown_in_the_process_list_there(host: SshHost) -> None:
    with pytest.raises(BadTarget, match="would show in the process list"):
        run(Command(("true",), host=host.url, env={"PGPASSWORD": "env:PGPASSWORD"}))
