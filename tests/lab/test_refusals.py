"""Every way not to start, from the command to the exit code: 40, one clear line at the end, and nothing touched."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.lab.drills import ROOT, Drill, command, drill, environment, ledger
from tests.lab.lab_driver import LabDriver, eventually
from tests.requirements import require

LIVE = "CONFIRM LIVE TRADING"


def asked(port: int) -> redis.Redis:
    """A client that has nothing to do with us, and asks once."""
    return redis.Redis(port=port, socket_timeout=2, retry=Retry(NoBackoff(), 0), decode_responses=True)


@dataclass(frozen=True)
class Seen:
    """What an independent look shows of the lab: which Redis it is, for how long, and every supervised process."""

    run_id: str
    up_s: int
    processes: dict[str, tuple[int, float]]


def look(lab: LabDriver) -> Seen:
    with asked(redis_port(lab)) as client:
        told = client.info("server")
    pids = {service: lab.pid(service) for service in ("redis", "postgres", "api")}
    processes = {service: (pid, psutil.Process(pid).create_time()) for service, pid in pids.items()}
    return Seen(told["run_id"], told["uptime_in_seconds"], processes)


def redis_port(lab: LabDriver) -> int:
    return int(str(lab.target["services"]["redis"]["address"]).rpartition(":")[2])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


@pytest.fixture(scope="module")
def other_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis that belongs to nobody's trader."""
    require("redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    server = subprocess.Popen(words, cwd=tmp_path_factory.mktemp("redis"), stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: answers(port), 20)
        yield port
    finally:
        server.terminate()
        server.wait(10)


def answers(port: int) -> bool:
    try:
        with asked(port) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture(autouse=True)
def untouched(lab: LabDriver) -> Iterator[None]:
    """Whatever is refused: the same servers go on, and nobody is told to mend anything."""
    before, began_s = look(lab), time.monotonic()
    yield
    after, took_s = look(lab), time.monotonic() - began_s
    assert after.run_id == before.run_id
    assert after.up_s >= before.up_s + int(took_s) - 1
    assert after.processes == before.processes
    assert lab.metric("trader_is_leader{") == 1
    assert ledger(lab.state) == []


def refused(done: Drill, *words: str) -> str:
    """The one line that says why: the last of the output, and the only one of its kind."""
    assert done.code == 40, done.output
    lines = done.output.strip().splitlines()
    assert lines[-1].startswith("Not started: "), done.output
    assert sum("Not started:" in line for line in lines) == 1, done.output
    assert "Traceback" not in done.output
    for word in words:
        assert word in lines[-1], f"{word!r} is not said: {lines[-1]}"
    return lines[-1]


def no_evidence(reports: Path) -> None:
    assert not reports.exists() or not list(reports.iterdir())


def variant(lab: LabDriver, file: Path, *changes: tuple[str, str]) -> str:
    """The lab's target with some words of it changed."""
    text = (lab.folder / "target.toml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)
    return str(file)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_unreachable_api_is_refused(lab: LabDriver, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    target = variant(lab, tmp_path / "gone.toml", (str(lab.target["api"]), nowhere))
    done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", TARGET=target)
    refused(done, nowhere, "unreachable", "Connection refused", "--target")
    no_evidence(tmp_path / "reports")


def test_an_api_that_never_answers_is_refused_within_its_time_limit(lab: LabDriver, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        target = variant(lab, tmp_path / "deaf.toml", (str(lab.target["api"]), url))
        done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", within_s=30, TARGET=target)
    refused(done, url, "timed")
    no_evidence(tmp_path / "reports")


@pytest.mark.parametrize("task", ["chaos.leader-lock", "chaos.postgres-blip", "chaos.rate-limit-spike"])
def test_a_live_target_is_refused_by_every_drill(lab: LabDriver, tmp_path: Path, task: str) -> None:
    assert lab.post("/mode", {"mode": "LIVE", "confirmation": LIVE}).status_code == 200
    try:
        done = drill(task, lab.state, tmp_path / "reports")
    finally:
        assert lab.post("/mode", {"mode": "PAPER"}).status_code == 200
    refused(done, "mode is LIVE", 'allow = ["live"]')
    no_evidence(tmp_path / "reports")


def test_another_redis_at_the_address_is_refused(lab: LabDriver, tmp_path: Path, other_redis: int) -> None:
    # The control stops the lab's Redis, the address shows a stranger: whatever is meant, it is not one system.
    own = str(redis_port(lab))
    target = variant(
        lab,
        tmp_path / "stranger.toml",
        (f'address = "127.0.0.1:{own}"', f'address = "127.0.0.1:{other_redis}"'),
        (f"redis://127.0.0.1:{own}/0", f"redis://127.0.0.1:{other_redis}/0"),
    )
    with asked(other_redis) as client:
        before = client.info("server")["run_id"]
        done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", TARGET=target)
        assert client.info("server")["run_id"] == before
    refused(done, "no proof that redis is the one that trader uses", "--assume-link")
    assert_evidence_says_refused(done)


def test_another_redis_under_the_control_is_refused(lab: LabDriver, tmp_path: Path, other_redis: int) -> None:
    config = f"{lab.folder}/supervisord.conf"
    start = f'["redis-server", "--port", "{other_redis}", "--bind", "127.0.0.1", "--save", ""]'
    line = next(" ".join(p.cmdline()) for p in psutil.process_iter(["cmdline"]) if serves(p, other_redis))
    target = variant(
        lab,
        tmp_path / "wrong-control.toml",
        (f'{{ supervisor = "redis", config = "{config}" }}', f'{{ process = "{line}", start = {start} }}'),
    )
    with asked(other_redis) as client:
        before = client.info("server")["run_id"]
        done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", TARGET=target)
        assert client.info("server")["run_id"] == before
    refused(done, "no proof that redis is the one that trader uses")
    assert_evidence_says_refused(done)


def serves(process: psutil.Process, port: int) -> bool:
    words = process.info["cmdline"] or [""]
    return "redis-server" in words[0] and any(str(port) in word for word in words)


def assert_evidence_says_refused(done: Drill) -> None:
    """Where readings had been taken, they are kept, and say of themselves that nothing came of them."""
    assert [event["message"] for event in done.record.of("refused")], done.output
    assert not done.record.of("do", "intent")
    assert done.judged().verdict == "refused"
    assert not list(done.reports.glob("*.log")) or done.log[-1] != "test_result,PASS"


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("HEARTBEAT_MAX", "abc"),
        ("HEARTBEAT_MAX", "-1"),
        ("HEARTBEAT_MAX", "nan"),
        ("WAIT_READY_TIMEOUT", "soon"),
        ("PLAN_COUNT", "1e3"),
        ("API", "localhost:8000"),
        ("NONINTERACTIVE", "maybe"),
        ("REDIS_URL", "http://localhost"),
        ("TARGET", "gatway"),
        ("TARGET", "/nowhere/at/all.toml"),
    ],
)
def test_a_bad_value_is_refused_by_name(lab: LabDriver, tmp_path: Path, flag: str, value: str) -> None:
    done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", **{flag: value})
    refused(done, value, *([] if flag == "TARGET" else [flag]))
    no_evidence(tmp_path / "reports")


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
        timeout=60,
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
        timeout=60,
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
    done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", within_s=30, NONINTERACTIVE=noninteractive)
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
        first.wait(30)
        assert lab.post("/resume", {"reason": "a test"}).status_code == 200
