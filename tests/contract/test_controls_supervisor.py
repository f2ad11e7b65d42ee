"""The supervisor control against a real supervisord that runs a real Redis."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from blackstart import controls
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget, StepFailed
from blackstart.controls.steps.local import carry_out as carried_out
from blackstart.model.control import Control, State
from blackstart.model.target import Service
from tests.services import Supervised, by_shell, carry_out, connects, eventually, pings, supervised_redis


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


@pytest.fixture
def control(lab: Supervised) -> Iterator[Control]:
    found = controls.of(lab.service()).resolve()
    yield found
    carry_out(found.resume())
    carry_out(found.start())
    assert eventually(lambda: pings(lab.port))


def test_a_running_program_shows_its_pid_and_that_it_is_revived(lab: Supervised, control: Control) -> None:
    state = control.read_state()
    assert (state.status, state.pid, state.revives) == ("running", lab.pid(), True)
    assert state.instance.partition(":")[2]


def test_stop_ends_it_and_start_brings_it_back_and_accepts_that_it_runs(lab: Supervised, control: Control) -> None:
    carry_out(control.stop())
    seen, now = control.read_state(), datetime.now(UTC)
    assert seen.status == "stopped"
    assert timedelta(seconds=-1) <= now - datetime.fromisoformat(seen.ended) < timedelta(seconds=60)
    assert not connects(lab.port)
    carry_out(control.start())
    carry_out(control.start())
    assert eventually(lambda: pings(lab.port))


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_kill_ends_in_stopped_although_supervisord_would_revive_it(lab: Supervised, control: Control, way) -> None:
    old = lab.pid()
    way(control.kill())
    assert control.read_state().status == "stopped"
    assert "SIGKILL" in (lab.folder / "supervisord.log").read_text().rpartition("stopped: redis")[2]
    assert not eventually(lambda: connects(lab.port), 1.5)
    carry_out(control.start())
    assert eventually(lambda: pings(lab.port)) and lab.pid() != old


def test_crash_is_revived_with_another_pid(lab: Supervised, control: Control) -> None:
    before = control.read_state()
    carry_out(control.crash(before, "KILL"))
    assert eventually(
        lambda: control.read_state().status == "running" and control.read_state().instance != before.instance
    )
    assert eventually(lambda: pings(lab.port))


def test_crash_of_a_process_that_was_replaced_meanwhile_is_refused(lab: Supervised, control: Control) -> None:
    before = control.read_state()
    lab.ctl("restart", "redis")
    assert eventually(lambda: pings(lab.port))
    with pytest.raises(StepFailed, match="somebody restarted it meanwhile"):
        carry_out(control.crash(before, "KILL"))
    assert pings(lab.port)


@pytest.mark.parametrize("way", [carry_out, by_shell])
def test_pause_leaves_the_port_open_and_nobody_answering_until_resume(lab: Supervised, control: Control, way) -> None:
    before = control.read_state()
    way(control.pause())
    assert control.read_state().status == "paused"
    assert connects(lab.port) and not pings(lab.port)
    way(control.resume())
    assert eventually(lambda: pings(lab.port))
    assert control.read_state() == before


def test_resume_and_start_on_a_healthy_program_change_nothing(lab: Supervised, control: Control) -> None:
    before = control.read_state()
    carry_out(control.resume())
    carry_out(control.start())
    carry_out(control.rights())
    assert control.read_state() == before


def test_heal_lines_start_it_without_our_environment(lab: Supervised, control: Control) -> None:
    carry_out(control.stop())
    by_shell(control.start())
    by_shell(control.start())
    assert eventually(lambda: pings(lab.port))


def test_a_resolved_control_survives_json(control: Control) -> None:
    assert from_data(to_data(control)) == control
    assert hash(control) == hash(from_data(to_data(control)))


def test_states_of_other_programs_are_told_apart(lab: Supervised) -> None:
    def state(name: str) -> State:
        table = {"supervisor": name, "config": str(lab.config)}
        return controls.of(Service(name, control=table)).resolve().read_state()

    assert state("once").revives is False
    assert state("broken").status == "stopped"
    lab.ctl("start", "broken")
    assert eventually(lambda: state("broken").status == "failed", 20)
    lab.ctl("stop", "broken")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"supervisor": "redi"}, 'Did you mean "redis"'),
        ({"supervisor": "redis", "config": "/nowhere/s.conf"}, "can't be read"),
        ({"supervisor": "redis", "confg": "x"}, 'Did you mean "config"'),
        ({"supervizor": "redis"}, 'Did you mean "supervisor"'),
        ({"supervisor": 3}, "must be text"),
    ],
)
def test_a_wrong_table_is_refused_by_name(lab: Supervised, table: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadTarget, match="Not started") as refusal:
        controls.of(Service("redis", control={"config": str(lab.config), **table})).resolve()
    assert complaint in str(refusal.value)


def test_the_log_tail_shows_what_redis_printed(control: Control) -> None:
    step = control.log_tail(20)
    assert step is not None
    assert "Ready to accept connections" in carried_out(step).stdout


def test_a_dead_supervisord_is_named(tmp_path) -> None:
    config = tmp_path / "s.conf"
    config.write_text(f"[supervisorctl]\nserverurl=unix://{tmp_path}/none.sock\n")
    with pytest.raises(StepFailed, match=r"does not answer.*Is it running"):
        controls.of(Service("redis", control={"supervisor": "redis", "config": str(config)})).resolve()
