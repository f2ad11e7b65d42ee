"""The page of the original documents, followed to the letter: a fresh clone, and a trader of another stack in
containers that are called as it calls them. What only its operator knows is written where `chaos.init` leaves it so."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
import requests

from tests import leftovers
from tests.docs.test_original_commands import IN_CI, RUN_ALL, results
from tests.environment import ROOT
from tests.lab.other_trader_driver import DB_TIMEOUT_S, ORDER_ROUTE, PLAN_ROUTE, OtherTrader, brought_up
from tests.requirements import require

# The environment is made from the registry, and a lock has its real times: 30 s to live, backoff of up to 30 s.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(2400)]

# Word for word, of "Test Scripts" and "Configuration Flags".
USAGE = """
# Interactive (with prompts)
bash scripts/chaos_test_leader_lock.sh

# Non-interactive (auto-proceed)
NONINTERACTIVE=1 bash scripts/chaos_test_leader_lock.sh

# With auto-abort on failure
NONINTERACTIVE=1 PAUSE_ON_FAIL=1 bash scripts/chaos_test_leader_lock.sh
"""
POSTGRES = "bash scripts/chaos_test_postgres.sh"
RATE_LIMIT = "bash scripts/chaos_test_rate_limit.sh"
FLAGS = (
    "API=http://localhost:8000 REDIS_CONTAINER=redis HEARTBEAT_MAX=5 WAIT_READY_TIMEOUT=90 NONINTERACTIVE=1 "
    "bash scripts/chaos_test_leader_lock.sh"
)
LOCK, BLIP, SPIKE = (
    ("leader_lock", "leader-lock"),
    ("postgres_blip", "postgres-blip"),
    ("rate_limit_spike", "rate-limit-spike"),
)
_PROMPTS = [r"\[y/N\] ?", "(?:A note for the evidence|What was learned)[^\r\n]*?: ?", pexpect.EOF]
# How a registry may have to be reached: what a user's machine would say in its own settings.
_REGISTRY = re.compile(r"(PIP|UV)_|(https?|no)_proxy$|SSL_CERT", re.IGNORECASE)


@dataclass
class Clone:
    """A clone and a home that nobody has used."""

    folder: Path
    env: dict[str, str]

    def run(self, block: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """As a step of a pipeline: one bash that ends at the first failure, without a terminal."""
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", block], cwd=self.folder,
            env={**self.env, **more}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=1500, check=False,
        )  # fmt: skip

    def typed(self, block: str) -> tuple[int, str, int]:
        """At a terminal where yes is said, and nothing is noted: exit code, output, and how often it asked."""
        env = {**self.env, "TERM": "xterm"}
        child = pexpect.spawn(
            "bash", ["-e", "-c", block], cwd=str(self.folder), env=env, encoding="utf-8", timeout=300,
            dimensions=(40, 100),
        )  # fmt: skip
        said, asked = "", 0
        while (found := child.expect(_PROMPTS)) < 2:
            said += child.before + str(child.after)
            asked += found == 0
            child.sendline("y" if found == 0 else "")
        child.close()
        return child.exitstatus, said + child.before, asked


@pytest.fixture(scope="module")
def trader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherTrader]:
    require("docker", "go")
    with brought_up(tmp_path_factory.mktemp("other")) as up:
        yield up


@pytest.fixture(scope="module")
def clone(trader: OtherTrader, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """What is committed, and `chaos.init` in it; what that leaves open is written as it says, where it says."""
    folder, home = tmp_path_factory.mktemp("fresh") / "clone", tmp_path_factory.mktemp("home")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True, timeout=120)
    kept = {name: value for name, value in os.environ.items() if _REGISTRY.match(name) or name == leftovers.MARK}
    made = Clone(folder, {**kept, "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"})
    before = trader.started()
    done = made.run("./scripts/run chaos.init", NONINTERACTIVE="1")
    assert done.returncode == 0, done.stdout
    for service in ("redis", "postgres"):
        assert re.search(f"{service}: container {service}, .*: proved to be its own", done.stdout), done.stdout
    assert "left open in targets/trader.toml: orders, plans, db_timeout_s." in done.stdout
    last = done.stdout.splitlines()[-1].split()
    assert last[-3:] == ["chaos.leader-lock", "--target", "trader"] and Path(last[0]) == folder / "scripts" / "run"
    for block, word in ((POSTGRES, "orders"), (RATE_LIMIT, "plans")):
        refused = made.run(block, NONINTERACTIVE="1")
        assert refused.returncode == 40, refused.stdout
        assert "Write the lines below into targets/trader.toml" in refused.stdout and f"\n[{word}]\n" in refused.stdout
    assert trader.started() == before and not list((folder / "reports/chaos").glob("*.log"))
    complete(folder / "targets/trader.toml")
    return made


def complete(file: Path) -> None:
    """Its comments made lines, with what this trader's operator knows."""
    said = {'route = "/orders"': f'route = "{ORDER_ROUTE}"', 'route = "/plans"': f'route = "{PLAN_ROUTE}"'}
    said |= {"db_timeout_s = 2.0": f"db_timeout_s = {DB_TIMEOUT_S}", "[orders]": "[orders]", "[plans]": "[plans]"}
    text = file.read_text()
    for example, line in said.items():
        assert text.count(f"# {example}") == 1, text
        text = text.replace(f"# {example}", line)
    file.write_text(text)


@pytest.fixture(autouse=True)
def _nothing_is_left(trader: OtherTrader, clone: Clone) -> Iterator[None]:
    """The app was never restarted, all run, nothing waits to be mended, and the clone has the file and nothing else."""
    api, before = trader.names["api"], trader.started()
    yield
    after = trader.started()
    assert after[api] == before[api] and all(state.endswith(" running") for state in after.values())
    healed = clone.run("./scripts/run chaos.heal", NONINTERACTIVE="1")
    assert (healed.returncode, healed.stdout.strip()) == (0, "nothing is broken that nobody looks after")
    stands = subprocess.run(["git", "status", "--short"], cwd=clone.folder, capture_output=True, text=True, check=True)
    assert stands.stdout == "?? targets/\n"
    for path in (clone.folder / "reports/chaos").glob("[!.]*"):
        path.rename(clone.folder.parent / path.name)  # so that each test finds its own alone


def held(clone: Clone, output: str, *drills: tuple[str, str]) -> None:
    """Each of these, in this order, by its log and by its last lines."""
    reports = clone.folder / "reports/chaos"
    assert results(reports) == [(log, "test_result,PASS") for log, _ in drills], output
    rest = re.sub(r"\x1b\[[0-9;]*m", "", output).replace("\r", "")
    for _, name in drills:
        verdict = f"{name} on trader: held"
        for line in (verdict, "result:    ", "state:     at ", "evidence:  ", "run again: "):
            _, found, rest = rest.partition(f"\n{line}")
            assert found, (line, output)


@pytest.mark.parametrize(
    ("block", "asks", "drills"),
    [
        (USAGE, 1, (LOCK, LOCK, LOCK)),
        (POSTGRES, 1, (BLIP,)),
        (RATE_LIMIT, 1, (SPIKE,)),
        (RUN_ALL, 3, (LOCK, BLIP, SPIKE, LOCK)),
    ],
    ids=["usage", "postgres", "rate-limit", "all"],
)
def test_what_an_operator_types_holds(clone: Clone, block: str, asks: int, drills: tuple[tuple[str, str], ...]) -> None:
    require("terminal")
    code, said, asked = clone.typed(block)
    assert (code, asked) == (0, asks), said
    held(clone, said, *drills)


@pytest.mark.parametrize(("block", "drills"), [(IN_CI, (LOCK, BLIP)), (FLAGS, (LOCK,))], ids=["pipeline", "flags"])
def test_what_runs_unattended_holds(clone: Clone, block: str, drills: tuple[tuple[str, str], ...]) -> None:
    done = clone.run(block)
    assert done.returncode == 0, done.stdout
    held(clone, done.stdout, *drills)
    assert done.stdout.splitlines()[-1].startswith("run again: ")


def test_too_short_a_wait_fails_and_pauses_until_it_is_resumed_as_the_last_lines_say(
    trader: OtherTrader, clone: Clone
) -> None:
    failing = "NONINTERACTIVE=1 PAUSE_ON_FAIL=1 WAIT_READY_TIMEOUT=1 bash scripts/chaos_test_leader_lock.sh"
    done = clone.run(failing)
    assert done.returncode == 20, done.stdout
    assert results(clone.folder / "reports/chaos") == [("leader_lock", "test_result,FAIL")]
    state, resume = (re.search(rf"^{word}: +(.*)$", done.stdout, re.MULTILINE) for word in ("state", "resume"))
    assert state and "paused" in state[1] and resume, done.stdout
    shown = f"{trader.api}/state"
    assert requests.get(shown, timeout=5).json()["paused"] is True
    subprocess.run(resume[1], shell=True, check=True, timeout=30, capture_output=True)
    assert requests.get(shown, timeout=5).json()["paused"] is False
