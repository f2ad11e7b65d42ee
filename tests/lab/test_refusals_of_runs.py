"""Every call and moment at which no drill starts: exit code 40, one clear line at the end, and nothing touched."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.drills import ROOT, Drill, command, drill, environment
from tests.lab.lab_driver import LabDriver, eventually
from tests.lab.refusing import assert_evidence_says_refused, no_evidence, refused

pytestmark = pytest.mark.usefixtures("untouched")


def test_a_port_in_use_is_refused_by_the_lab_and_leaves_nothing(lab: LabDriver, tmp_path: Path) -> None:
    port = str(lab.target["services"]["api"]["address"]).rpartition(":")[2]
    other = LabDriver(tmp_path / "other")
    done = subprocess.run(
        command("lab.up", "trader", "--port", port),
        cwd=ROOT,
        env=environment(other.state, tmp_path / "reports"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    refused(Drill(done.returncode, done.stdout + done.stderr, tmp_path), port, "--port")
    assert other.processes() == []


def test_a_read_only_reports_folder_is_refused(lab: LabDriver, tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    reports.chmod(0o555)
    words = read_only_shell(reports, command("chaos.leader-lock"))
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environment(lab.state, reports),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    reports.chmod(0o755)
    refused(Drill(done.returncode, done.stdout + done.stderr, reports), str(reports), "can't be made", "--reports")
    no_evidence(reports)


def read_only_shell(folder: Path, words: list[str]) -> list[str]:
    """For root every folder can be written, unless its file system can't: one in a mount space of its own."""
    if os.geteuid():
        return words
    if not shutil.which("unshare") or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("root can write everywhere, and no mount space of its own is allowed here")
    script = 'mount -t tmpfs -o ro none "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(folder), *words]


def test_a_file_for_a_reports_folder_is_refused(lab: LabDriver, tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("mine")
    done = drill("chaos.leader-lock", lab.state, tmp_path / "reports")
    refused(done, "is a file", "--reports")
    assert (tmp_path / "reports").read_text() == "mine"


@pytest.mark.parametrize("noninteractive", ["", "0"])
def test_no_terminal_and_nobody_said_so_is_refused_and_never_hangs(
    lab: LabDriver, tmp_path: Path, noninteractive: str
) -> None:
    done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", within_s=90, NONINTERACTIVE=noninteractive)
    refused(done, "no terminal", "NONINTERACTIVE=1")
    no_evidence(tmp_path / "reports")


def test_a_baseline_that_does_not_hold_is_refused_with_what_was_read(lab: LabDriver, tmp_path: Path) -> None:
    assert lab.post("/pause", {"reason": "a test"}).status_code == 200
    try:
        done = drill("chaos.leader-lock", lab.state, tmp_path / "reports")
    finally:
        assert lab.post("/resume", {"reason": "a test"}).status_code == 200
    refused(done, "the baseline does not hold", "paused is False was wanted within 15 s, paused was True")
    assert str(done.folder) in done.output
    assert "state:     trading is paused\nresume:    curl " in done.output
    assert_evidence_says_refused(done)


def test_a_second_run_on_the_same_service_is_refused_and_told_who_holds_it(lab: LabDriver, tmp_path: Path) -> None:
    assert lab.post("/pause", {"reason": "a test"}).status_code == 200  # so that the first waits in its baseline
    first = subprocess.Popen(
        command("chaos.leader-lock"),
        cwd=ROOT,
        env=environment(lab.state, tmp_path / "first"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        eventually(lambda: list((tmp_path / "first").glob("*/journal.jsonl")), 30)
        second = drill("chaos.leader-lock", lab.state, tmp_path / "second")
        refused(second, "is in use by run leader-lock", f"pid {first.pid}")
        no_evidence(tmp_path / "second")
    finally:
        first.terminate()
        first.wait(60)
        assert lab.post("/resume", {"reason": "a test"}).status_code == 200
