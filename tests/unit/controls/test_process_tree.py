"""Process trees: the records of what was frozen, and the scripts where there is no /proc, as on macOS."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from blackstart.controls import process_tree
from blackstart.controls.steps.local import carry_out, run
from blackstart.model.step import Command
from blackstart.safety.processes import identity
from tests.requirements import require
from tests.services import eventually


def test_a_record_is_in_the_state_folder_or_in_the_home_of_the_far_side() -> None:
    here, there = (
        process_tree.record("process:local:x y/z", None),
        process_tree.record("process:local:x y/z", "ssh://db1"),
    )
    assert here.startswith(os.environ["BLACKSTART_STATE"]) and "/frozen/process_local_x_y_z-" in here
    assert there.startswith(".blackstart/frozen/process_local_x_y_z-")


def test_records_of_different_services_are_different_even_where_their_names_look_alike() -> None:
    assert process_tree.record("a/b", None) != process_tree.record("a b", None)


def test_looking_at_ourselves_and_at_nobody() -> None:
    us = process_tree.look(os.getpid())
    assert us is not None and us.alive and us.ppid == os.getppid() and us.state in "RS"
    assert process_tree.look(2**22 + 5) is None


@pytest.fixture
def tree() -> Iterator[psutil.Process]:
    """A shell with a child that has left its group and has a child of its own."""
    words = ["sh", "-c", "setsid sh -c 'sleep 60; true' & sleep 60 & wait"]
    with subprocess.Popen(words, start_new_session=True) as root:
        process = psutil.Process(root.pid)
        while len(process.children(recursive=True)) < 3:
            assert root.poll() is None
        yield process
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in [*process.children(recursive=True), process]:
                one.kill()


def without_proc(step: Command) -> Command:
    """The step as it runs where there is no /proc."""
    require("ps")
    argv = list(step.argv)
    argv[2] = argv[2].replace("/proc/self/stat", "/nowhere")
    return replace(step, argv=tuple(argv))


def as_it_is(step: Command) -> Command:
    return step


@pytest.mark.parametrize("system", [as_it_is, without_proc])
def test_freeze_thaw_and_kill_take_the_whole_tree(tree: psutil.Process, system, tmp_path: Path) -> None:
    find = ("echo", str(tree.pid))
    family = [tree, *tree.children(recursive=True)]
    carry_out(system(process_tree.freeze("svc", find, None)))
    assert [one.status() for one in family] == [psutil.STATUS_STOPPED] * 4
    record = Path(process_tree.record("svc", None))
    assert len(record.read_text().splitlines()) == 4
    assert record.stat().st_mode & 0o077 == 0
    carry_out(system(process_tree.thaw("svc", find, None)))
    assert psutil.STATUS_STOPPED not in [one.status() for one in family]
    assert not record.exists()
    carry_out(system(process_tree.thaw("svc", find, None)))
    carry_out(system(process_tree.kill("svc", find, None)))
    tree.wait(5)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive


@pytest.mark.parametrize("system", [as_it_is, without_proc])
def test_a_kill_ends_when_what_it_killed_has_ended(system) -> None:
    # What gives so much memory back is still seen dying when the signal has been sent: a start would find it running.
    holds = "held = bytearray(600_000_000); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", holds], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline()
        started = psutil.Process(process.pid)
        carry_out(system(process_tree.kill("svc", ("echo", str(process.pid)), None)))
        assert started.status() == psutil.STATUS_ZOMBIE


def test_a_start_mark_of_ps_is_the_same_in_every_time_zone(
    tree: psutil.Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("ps")
    monkeypatch.setattr(process_tree, "_HAS_PROC", False)
    looks = 'look "$1"; tree "$1" | sed "s/^[0-9]*://; s/:[A-Z]$//"'
    script = process_tree.script(looks).replace("/proc/self/stat", "/nowhere")
    seen = set()
    for zone in ("UTC", "Asia/Tokyo", "<x>-9"):  # the last needs no time zones to be installed
        monkeypatch.setenv("TZ", zone)
        said = carry_out(Command(("sh", "-c", script, "look", str(tree.pid)))).stdout
        us = process_tree.look(tree.pid)
        assert us is not None and us.start in said
        seen.add((identity._started_by_ps(tree.pid), us.start, said))
    assert len(seen) == 1, seen


def test_a_record_of_processes_that_are_others_by_now_signals_nobody(tree: psutil.Process) -> None:
    tree.suspend()
    assert eventually(lambda: tree.status() == psutil.STATUS_STOPPED)
    record = Path(process_tree.record("svc", None))
    record.parent.mkdir(parents=True)
    record.write_text(f"{tree.pid}:1\n")
    carry_out(process_tree.thaw("svc", ("false",), None))
    assert tree.status() == psutil.STATUS_STOPPED
    tree.resume()


def test_nothing_is_frozen_where_it_can_not_be_recorded(tree: psutil.Process) -> None:
    Path(process_tree.record("svc", None)).parent.parent.joinpath("frozen").write_text("a file in the way")
    outcome = run(process_tree.freeze("svc", ("echo", str(tree.pid)), None))
    assert not outcome.ok
    assert tree.status() != psutil.STATUS_STOPPED


@pytest.mark.parametrize("system", [as_it_is, without_proc])
@pytest.mark.parametrize("disk", ["full", "away"])
def test_a_tree_is_killed_although_nothing_can_be_recorded(tree: psutil.Process, system, disk: str) -> None:
    record = Path(process_tree.record("svc", None))
    if disk == "full":
        record.parent.mkdir(parents=True)
        record.symlink_to("/dev/full")
    else:
        record.parent.parent.joinpath("frozen").write_text("a file in the way")
    family = [tree, *tree.children(recursive=True)]
    carry_out(system(process_tree.kill("svc", ("echo", str(tree.pid)), None)))
    tree.wait(5)
    _, alive = psutil.wait_procs(family, timeout=5)
    assert not alive


@pytest.mark.parametrize("found", ["", "0", "1", "x", "12 13"])
def test_a_root_that_is_no_process_of_a_service_is_refused(found: str) -> None:
    outcome = run(process_tree.freeze("svc", ("echo", found), None))
    assert outcome.code == 66 and "no process runs" in outcome.stderr
