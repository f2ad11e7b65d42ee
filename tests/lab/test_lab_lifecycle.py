"""Bringing a lab up and down, and what is done about everything that stands in the way."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.lab.lab_driver import ROOT, LabDriver, alive, eventually
from tests.requirements import require


@pytest.fixture
def lab(own_state: Path) -> Iterator[LabDriver]:
    driver = LabDriver(own_state)
    yield driver
    driver.command("down")
    assert driver.processes() == []


def ports_of(lab: LabDriver) -> list[int]:
    return [int(service["address"].rpartition(":")[2]) for service in lab.target["services"].values()]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_up_returns_when_the_api_is_ready_and_says_what_runs_where(lab: LabDriver) -> None:
    result = lab.command("up", "trader")
    assert result.returncode == 0, result.stderr
    assert lab.get("/ready").status_code == 200
    for service in ("redis", "postgres", "api"):
        assert f"{service} " in result.stdout
        assert lab.target["services"][service]["address"] in result.stdout
    assert str(lab.folder / "target.toml") in result.stdout


def test_down_leaves_no_process_no_file_and_no_port(lab: LabDriver) -> None:
    require("ptrace")
    lab.up()
    ports, processes, database = ports_of(lab), lab.processes(), Path(lab.sql("SHOW data_directory")[0][0])
    assert database.parent.is_relative_to(lab.folder) or database.parent.is_relative_to("/var/tmp")
    assert {process.pid for process in processes} >= {lab.pid(name) for name in lab.target["services"]}
    assert lab.command("down", "trader").returncode == 0
    assert not alive(processes)
    assert not any(map(listens, ports))
    assert [path for path in lab.state.rglob("*") if path.is_file()] == [lab.state / "labs.lock"]
    assert not database.parents[1].exists()


def test_down_without_a_lab_says_so_and_is_no_error(lab: LabDriver) -> None:
    result = lab.command("down")
    assert (result.returncode, result.stdout) == (0, "no lab was up\n")


def test_lab_outlives_the_session_that_started_it(lab: LabDriver) -> None:
    command = [sys.executable, "-m", "blackstart_lab", "up", "trader"]
    starter = subprocess.Popen(command, env=lab.environment, start_new_session=True, stdout=subprocess.DEVNULL)
    assert starter.wait(120) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(starter.pid, signal.SIGHUP)  # nothing of the lab is left in the starter's group
    supervisor = psutil.Process(int((lab.folder / "supervisord.pid").read_text()))
    assert os.getsid(supervisor.pid) == supervisor.pid


def test_second_up_is_refused_and_the_first_lab_goes_on(lab: LabDriver) -> None:
    lab.up()
    instance = lab.get("/leadership").json()["instance_id"]
    result = lab.command("up", "trader")
    assert result.returncode == 40
    assert result.stderr.startswith("Not started: lab trader is already up")
    assert lab.get("/leadership").json()["instance_id"] == instance


def test_two_labs_in_two_states_live_side_by_side(lab: LabDriver, tmp_path: Path) -> None:
    lab.up()
    other = LabDriver(tmp_path / "other")
    try:
        other.up()
        assert not set(ports_of(lab)) & set(ports_of(other))
        other.command("down")
        assert lab.get("/ready").status_code == 200
    finally:
        other.command("down")


def test_taken_port_is_refused_and_leaves_nothing(lab: LabDriver) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = lab.command("up", "trader", "--port", str(port))
    assert result.returncode == 40
    assert result.stderr.startswith(f"Not started: port {port} of 127.0.0.1 is in use")
    assert not lab.folder.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("up", "tradr"), 'no lab "tradr". Did you mean "trader"?'),
        (("up", "trader", "--mutant", "ready-lie"), 'no mutant "ready-lie" of the trader. Did you mean "ready-lies"?'),
        (("up", "trader", "--instances", "0"), "--instances 0 is out of range"),
        (("up", "trader", "--instances", "10"), "--instances 10 is out of range"),
        (("up", "trader", "--orders-per-s", "0"), "--orders-per-s 0 is out of range"),
        (("up", "trader", "--port", "70000"), "--port 70000 is not a port"),
        (("up", "trader", "--ops-key-env", "NO_SUCH_KEY"), "that environment variable is not set"),
        (("logs", "trader"), "lab trader is not up"),
        (("down", "tradr"), 'no lab "tradr"'),
    ],
)
def test_wrong_words_are_refused_by_name(lab: LabDriver, words: tuple[str, ...], says: str) -> None:
    result = lab.command(*words)
    assert result.returncode == 40
    assert result.stderr.startswith("Not started: ")
    assert says in result.stderr
    assert not lab.folder.exists()


def test_without_redis_server_the_wheels_takes_its_place(lab: LabDriver) -> None:
    """An empty PATH hides the machine's own redis-server."""
    result = lab.command("up", "trader", PATH="/nonexistent")
    assert result.returncode == 0, result.stderr
    assert "/valkey-server" in result.stdout


def test_lab_that_is_not_ready_in_time_shows_the_log_and_leaves_nothing(lab: LabDriver) -> None:
    result = lab.command("up", "trader", "--within-s", "0.01")
    assert result.returncode == 40
    assert "was not ready within 0.01 s" in result.stderr
    assert not lab.folder.exists()
    assert lab.processes() == []


def test_killed_supervisor_with_children_left_is_put_right_by_the_next_up(lab: LabDriver) -> None:
    lab.up()
    left = lab.processes()
    supervisor = psutil.Process(int((lab.folder / "supervisord.pid").read_text()))
    supervisor.kill()
    eventually(lambda: not alive([supervisor]), within_s=20)
    assert "trader: half-dead" in lab.command("status").stdout
    result = lab.command("up", "trader")
    assert result.returncode == 0, result.stderr
    assert "cleared away what an earlier lab trader had left behind" in result.stdout
    assert not alive(left)
    assert lab.get("/ready").status_code == 200


def test_frozen_orphans_are_ended_by_down(lab: LabDriver) -> None:
    """The hardest leftovers: PostgreSQL's backends, frozen, their parent and the supervisor killed."""
    lab.up()
    frozen = [*lab.freeze("postgres"), *lab.freeze("redis")]
    os.kill(int((lab.folder / "supervisord.pid").read_text()), signal.SIGKILL)
    frozen[0].kill()
    assert lab.command("down").returncode == 0
    assert not alive(frozen)
    assert not lab.folder.exists()


def test_stale_target_file_is_not_taken_for_a_running_lab(lab: LabDriver) -> None:
    lab.folder.mkdir(parents=True)
    (lab.folder / "target.toml").write_text('name = "trader"\n')
    assert "trader: half-dead" in lab.command("status").stdout
    lab.up()
    assert lab.get("/ready").status_code == 200


def test_lab_whose_folder_was_deleted_is_put_right(lab: LabDriver) -> None:
    lab.up()
    left = lab.processes()
    shutil.rmtree(lab.folder)
    lab.up()
    assert not alive(left)


def test_status_and_logs_show_the_services(lab: LabDriver) -> None:
    lab.up()
    lab.supervisor("stop", "redis")
    status = lab.command("status").stdout
    assert "trader: up" in status
    assert "  redis: STOPPED" in status
    assert "  api: RUNNING" in status
    assert "postgres: " in lab.command("logs", "trader", "postgres").stdout
    assert 'no log of "nosuch"' in lab.command("logs", "trader", "nosuch").stderr


def test_crashed_service_is_revived_as_under_a_restart_policy(lab: LabDriver) -> None:
    lab.up()
    for service in ("redis", "postgres", "api"):
        pid = lab.pid(service)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda service=service, pid=pid: lab.pid(service) not in (0, pid), within_s=30)
    eventually(lambda: lab.status("/ready") == 200, within_s=30)
    eventually(lambda: lab.order("after").status_code == 201, within_s=20)


def test_ordinary_user_can_run_the_lab(home_of_nobody: Path) -> None:
    """As root: the same lab as `nobody`, who can read neither root's home nor this state folder."""
    home = home_of_nobody
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{home / 'lib'}:{home / 'packages'}",
        "LD_LIBRARY_PATH": str(home / "lib"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def as_nobody(*words: str) -> subprocess.CompletedProcess[str]:
        command = [str(home / "bin" / "python"), "-m", "blackstart_lab", *words]
        return subprocess.run(
            command, env=environment, user="nobody", cwd="/", capture_output=True, text=True, timeout=120, check=False
        )

    result = as_nobody("up", "trader")
    try:
        assert result.returncode == 0, result.stderr
        assert "trader: up" in as_nobody("status").stdout
    finally:
        assert as_nobody("down").returncode == 0


def linked(source: str, to: str) -> None:
    """The same file once more where that can be, as it takes no room and no time; else a copy."""
    try:
        os.link(source, to)
    except OSError:
        shutil.copy2(source, to)


@pytest.fixture
def home_of_nobody() -> Iterator[Path]:
    """A folder of nobody's with the lab's code and an interpreter: the one that runs may lie in root's home."""
    require("root")
    home = Path("/var/tmp") / f"lab-test-{os.getpid()}"
    home.mkdir(mode=0o755)
    base = Path(sys.base_prefix)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (home / "bin").mkdir()
    shutil.copy(base / "bin" / version, home / "bin" / "python")
    shutil.copytree(
        base / "lib" / version, home / "lib" / version, ignore=shutil.ignore_patterns("site-packages", "test", "*.pyc")
    )
    for library in (base / "lib").glob("libpython*"):  # an interpreter built with a shared library
        shutil.copy(library, home / "lib")
    shutil.copytree(Path(psutil.__file__).parents[1], home / "packages", copy_function=linked)
    shutil.copytree(ROOT / "lib" / "blackstart_lab", home / "lib" / "blackstart_lab")
    shutil.chown(home, "nobody")
    yield home
    shutil.rmtree(home)
