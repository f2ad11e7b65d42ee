"""What every refusal has to show: its exit code, its one line, its evidence, and a lab that nobody touched."""

from dataclasses import dataclass
from pathlib import Path

import psutil
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.lab.drills import Drill
from tests.lab.lab_driver import LabDriver


def asked(port: int) -> redis.Redis:
    """A client that has nothing to do with us, and asks once."""
    return redis.Redis(
        host="127.0.0.1", port=port, socket_timeout=2, retry=Retry(NoBackoff(), 0), decode_responses=True
    )


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


def assert_evidence_says_refused(done: Drill) -> None:
    """Where readings had been taken, they are kept, and say of themselves that nothing came of them."""
    assert [event["message"] for event in done.record.of("refused")], done.output
    assert not done.record.of("do", "intent")
    assert done.judged().verdict == "refused"
    assert not list(done.reports.glob("*.log")) or done.log[-1] != "test_result,PASS"
