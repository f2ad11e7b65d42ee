"""Every target on which no drill starts: exit code 40, one clear line at the end, and nothing touched."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from tests.lab.drills import drill
from tests.lab.lab_driver import LabDriver, eventually
from tests.lab.refusing import asked, assert_evidence_says_refused, no_evidence, redis_port, refused
from tests.services import free_port, redis_server

pytestmark = pytest.mark.usefixtures("untouched")

LIVE = "CONFIRM LIVE TRADING"


@pytest.fixture(scope="module")
def other_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis that belongs to nobody's trader."""
    port = free_port()
    words = [redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
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


def variant(lab: LabDriver, file: Path, *changes: tuple[str, str]) -> str:
    """The lab's target with some words of it changed."""
    text = (lab.folder / "target.toml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)
    return str(file)


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
        done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", within_s=90, TARGET=target)
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
    start = f'["{redis_server()}", "--port", "{other_redis}", "--bind", "127.0.0.1", "--save", ""]'
    line = next(" ".join(p.cmdline()) for p in psutil.process_iter(["cmdline"]) if serves(p, other_redis))
    target = variant(
        lab,
        tmp_path / "wrong-control.toml",
        (f'supervisor = "redis"\nconfig = "{config}"', f'process = "{line}"\nstart = {start}'),
    )
    with asked(other_redis) as client:
        before = client.info("server")["run_id"]
        done = drill("chaos.leader-lock", lab.state, tmp_path / "reports", TARGET=target)
        assert client.info("server")["run_id"] == before
    refused(done, "no proof that redis is the one that trader uses")
    assert_evidence_says_refused(done)


def serves(process: psutil.Process, port: int) -> bool:
    words = process.info["cmdline"] or [""]
    return redis_server() in words[0] and any(str(port) in word for word in words)


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
    # Of a URL that can't be read, no more than its scheme: a secret may stand anywhere in it.
    refused(done, "http://..." if flag == "REDIS_URL" else value, *([] if flag == "TARGET" else [flag]))
    no_evidence(tmp_path / "reports")
