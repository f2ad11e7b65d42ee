"""systemd's commands and answers as data."""

import pytest

from blackstart.controls.steps.shell import describe, to_shell
from blackstart.controls.systemd import Systemd, parse_state
from blackstart.model.control import State

SYSTEM, USER = Systemd("redis.service"), Systemd("app.service", user=True, host="ssh://ops@db1")


def test_stop_start_pause_and_resume_are_systemctls_own() -> None:
    steps = [*SYSTEM.stop(), *SYSTEM.start(), *SYSTEM.pause(), *SYSTEM.resume()]
    assert [describe(step) for step in steps] == [
        "systemctl --no-ask-password --no-pager stop redis.service",
        "systemctl --no-ask-password --no-pager reset-failed redis.service",
        "systemctl --no-ask-password --no-pager start redis.service",
        "systemctl --no-ask-password --no-pager kill --signal=STOP redis.service",
        "systemctl --no-ask-password --no-pager kill --signal=CONT redis.service",
    ]


def test_a_users_unit_on_another_host_is_asked_of_the_users_manager_there() -> None:
    (step,) = USER.stop()
    assert describe(step) == "ssh://ops@db1: systemctl --user --no-ask-password --no-pager stop app.service"
    assert "ops@db1 'systemctl --user --no-ask-password --no-pager stop app.service'" in to_shell(step)
    assert (USER.identity(), USER.reach()) == ("systemd:ssh://ops@db1:user:app.service", "ssh://ops@db1")


def test_kill_is_followed_by_a_stop_so_that_nothing_revives_it() -> None:
    (step,) = SYSTEM.kill()
    assert '"$@" kill --signal=KILL "$unit" && "$@" stop "$unit"' in step.argv[2]


def test_crash_names_the_process_that_was_seen() -> None:
    (step,) = SYSTEM.crash(State("running", "42:7", 42), "SEGV")
    assert step.argv[3:7] == ("crash", "redis.service", "42", "SEGV")


def test_the_log_is_the_journals() -> None:
    step = USER.log_tail(20)
    assert step is not None
    assert step.argv[:6] == ("journalctl", "--user", "--unit", "app.service", "--lines", "20")


def shown(active: str, sub: str = "", pid: int = 0, restart: str = "no", load: str = "loaded", last: str = "") -> str:
    return (
        f"Restart={restart}\nMainPID={pid}\nId=redis.service\nLoadState={load}\nActiveState={active}\n"
        f"SubState={sub}\nResult=success\n{last}"
    )


@pytest.mark.parametrize(
    ("printed", "status", "process", "revives"),
    [
        (shown("active", "running", 42, "always", last="S 1 4711\n"), "running", "42:4711", True),
        (shown("active", "running", 42, "on-failure", last="T 1 4711\n"), "paused", "42:4711", True),
        (shown("inactive", "dead"), "stopped", "", False),
        (shown("failed", "failed", restart="on-success"), "failed", "", False),
        (shown("activating", "auto-restart", restart="always"), "starting", "", True),
        (shown("deactivating", "stop-sigterm", 42, last="S 1 4711\n"), "stopping", "42:4711", False),
        (shown("inactive", "dead", load="not-found"), "absent", "", False),
    ],
)
def test_the_state_is_read(printed: str, status: str, process: str, revives: bool) -> None:
    state = parse_state(printed)
    assert (state.status, state.instance, state.revives) == (status, process, revives)


def test_a_transient_unit_is_lost_when_it_ends() -> None:
    printed = shown("active", "running", 42, last="S 1 4711\n")
    assert "systemd-run" in parse_state(f"Transient=yes\n{printed}").lost
    assert not parse_state(f"Transient=no\n{printed}").lost and not parse_state(printed).lost


@pytest.mark.parametrize("action", ["FailureAction=reboot-force", "SuccessAction=poweroff"])
def test_a_unit_whose_end_ends_the_machine_is_lost(action: str) -> None:
    printed = shown("active", "running", 42, last="S 1 4711\n")
    assert action.partition("=")[2] in parse_state(f"{action}\n{printed}").lost
    assert not parse_state(f"FailureAction=none\nSuccessAction=none\n{printed}").lost


def test_what_is_accepted_by_its_words_is_asked_in_their_language() -> None:
    (resume,) = SYSTEM.resume()
    assert resume.accepts and "LC_ALL=C" in to_shell(resume)
