"""What users copy for their CI server: its lines, as they stand there, in a repository that is not Blackstart's."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import textwrap
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.answering_api import answering
from tests.environment import ROOT, require_own_environment
from tests.lab.drills import environment, ledger
from tests.lab.lab_driver import LabDriver
from tests.requirements import require
from tests.webhook import SECRET, Hook

WORKFLOW, ACTION, GITLAB, JENKINS = (
    ROOT / name
    for name in (
        ".github/workflows/chaos-tests.yml", "deploy/ci/action/action.yml", "deploy/ci/gitlab-ci.yml",
        "deploy/ci/Jenkinsfile",
    )
)  # fmt: skip
# `docker compose` as the machine of the job has it: the system that it starts is the test's own.
COMPOSE = """#!/bin/sh
echo "$*" >>"$0.told"
case $2 in
up) env >"$0.env" ;;
logs) echo "app-1  | no connection to the database" ;; esac
"""
HEAL = re.compile(r"scripts/run\"? chaos\.heal")
# What may stand behind the mending: it reads, and keeps.
READS = re.compile(
    r"\s*(mkdir -p reports/|docker compose logs |\[ ! -e |find reports/chaos .* -exec cp |exit \"\$code\"|#|$)"
)
BASH, SH = ("bash", "--noprofile", "--norc", "-eo", "pipefail"), ("sh", "-xe")


@dataclass(frozen=True)
class Lines:
    """What one server runs: getting Blackstart, the system's start, the drills, what is done whatever happened."""

    shell: tuple[str, ...]
    fetch: str
    start: tuple[str, ...]
    drills: str
    always: tuple[str, ...]


def steps(path: Path) -> list[dict[str, Any]]:
    """The steps of GitHub's workflow, or of the action."""
    told = yaml.safe_load(path.read_text())
    found = told["runs"]["steps"] if "runs" in told else told["jobs"]["chaos"]["steps"]
    assert isinstance(found, list)
    return found


def runs(path: Path) -> list[str]:
    return [step["run"] for step in steps(path) if "run" in step]


def given(path: Path, block: str, said: Mapping[str, str]) -> dict[str, str]:
    """The environment that GitHub gives to a step of that file: its expressions, with what is said of them, are
    evaluated; each that nobody says anything of is "", and in the environment all the same."""
    told = yaml.safe_load(path.read_text())
    defaults = {f"inputs.{name}": str(one["default"]) for name, one in told.get("inputs", {}).items()}
    said = defaults | dict(said)

    def value(expression: re.Match[str]) -> str:
        terms = [term.strip() for term in expression[1].split("||")]
        return next(filter(None, (term[1:-1] if term[0] == "'" else said.get(term, "") for term in terms)), "")

    tables = [told["jobs"]["chaos"]["env"]] if "jobs" in told else []
    tables += [step.get("env", {}) for step in steps(path) if step.get("run") == block]
    every = {name: text for table in tables for name, text in table.items()}
    return {name: re.sub(r"\$\{\{ (.*?) \}\}", value, text) for name, text in every.items()}


def workflow() -> Lines:
    guard, start, wait, drills, *always = runs(WORKFLOW)
    return Lines(BASH, guard, (start, wait), drills, tuple(always))


def action() -> Lines:
    drills, *always = runs(ACTION)
    return Lines(BASH, "", (), drills, tuple(always))


def gitlab() -> Lines:
    job = yaml.safe_load(GITLAB.read_text())["chaos-tests"]
    *fetch, start = job["before_script"]
    return Lines(BASH, "\n".join(fetch), (start,), "\n".join(job["script"]), ("\n".join(job["after_script"]),))


def jenkins() -> Lines:
    """Each step is `sh` with three quotes, in which nothing has to be escaped for Groovy."""
    found = re.findall(r"sh '''\n(.*?)\n *'''", JENKINS.read_text(), re.DOTALL)
    blocks = [textwrap.dedent(block) for block in found]
    assert not any("\\" in block for block in blocks)
    fetch, start, drills, *always = blocks
    return Lines(SH, fetch, (start,), drills, tuple(always))


SERVERS = {"workflow": workflow, "action": action, "gitlab": gitlab, "jenkins": jenkins}


@dataclass
class Repository:
    """A user's repository, and the state of the machine that its jobs run on."""

    path: Path
    lines: Lines
    env: dict[str, str]
    file: Path
    said: Mapping[str, str] = field(default_factory=dict)

    def run(self, block: str, **more: str) -> subprocess.CompletedProcess[str]:
        step = given(self.file, block, self.said) if self.file in (WORKFLOW, ACTION) else {}
        return subprocess.run(
            [*self.lines.shell, "-c", block], cwd=self.path, env={**self.env, **more, **step}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=1500, check=False,
        )  # fmt: skip

    def start(self, **more: str) -> subprocess.CompletedProcess[str]:
        """Up to where the drills begin, or to the step that fails."""
        for block in self.lines.start:
            done = self.run(block, **more)
            if done.returncode:
                break
        return done

    def fetched(self) -> None:
        """Blackstart is there, by the server's own lines, but for GitHub's, whose actions fetch it."""
        if self.lines.fetch:
            done = self.run(self.lines.fetch)
            assert done.returncode == 0, done.stderr
        if not (self.path / "blackstart").exists():
            (self.path / "blackstart").symlink_to(ROOT)
            return
        # It borrows this checkout's environment, and its state of the lock file, instead of making one of its own.
        (self.path / "blackstart" / ".venv").symlink_to(ROOT / ".venv")
        shutil.copy(ROOT / "requirements.lock", self.path / "blackstart")

    def always(self) -> str:
        said = ""
        for block in self.lines.always:
            done = self.run(block)
            said += done.stdout + done.stderr
            assert done.returncode == 0, said
        return said

    @property
    def engine_was_asked(self) -> list[str]:
        return (self.path / "tmp" / "docker.told").read_text().splitlines()

    @property
    def evidence(self) -> list[Path]:
        return sorted(path.parent for path in (self.path / "reports" / "chaos").glob("*/journal.jsonl"))


def repository(server: str, state: Path, path: Path, **more: str) -> Repository:
    """`more` is what the user's variables, secrets or inputs say; what GitHub has none for, the machine says."""
    path.mkdir(exist_ok=True)
    (path / "tmp").mkdir()
    (path / "tmp" / "docker").write_text(COMPOSE)
    (path / "tmp" / "docker").chmod(0o755)
    env = environment(state, path)
    env["PATH"] = f"{path / 'tmp'}:{env['PATH']}"
    del env["REPORTS"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    more = {"BLACKSTART_REPOSITORY": str(ROOT), "BLACKSTART_REF": head.strip()} | more
    env |= {
        "PYTHONPATH": str(ROOT / "lib"),
        "GITHUB_ACTION_PATH": str(ACTION.parent), "GITHUB_OUTPUT": str(path / "tmp" / "output"),
        "GITHUB_STEP_SUMMARY": str(path / "tmp" / "summary"), "RUNNER_TEMP": str(path / "tmp"),
    }  # fmt: skip
    file = _file(server)
    if server not in ("workflow", "action"):
        return Repository(path, SERVERS[server](), env | more, file)
    env["GITHUB_ACTIONS"] = "true"
    said = {called: text for name, text in more.items() for called in names(name)}
    known = set(re.findall(r"(?:vars|secrets|inputs)\.[\w-]+", file.read_text()))
    env |= {name: text for name, text in more.items() if known.isdisjoint(names(name))}
    return Repository(path, SERVERS[server](), env, file, said)


def names(variable: str) -> tuple[str, ...]:
    """What says it in GitHub's files."""
    word = variable.removeprefix("BLACKSTART_").removeprefix("CHAOS_").lower().replace("_", "-")
    return f"vars.{variable}", f"secrets.{variable}", f"inputs.{word}"


@pytest.mark.parametrize("server", SERVERS)
def test_what_comes_after_the_mending_only_reads(server: str) -> None:
    lines = SERVERS[server]()
    text = "\n".join([lines.drills, *lines.always])
    *_, last = re.split(HEAL, text)
    assert "chaos.heal" in text and "chaos.suite --keep-going" in _file(server).read_text()
    assert [line for line in last.partition("\n")[2].splitlines() if not READS.match(line)] == []


def _file(server: str) -> Path:
    return {"workflow": WORKFLOW, "action": ACTION, "gitlab": GITLAB, "jenkins": JENKINS}[server]


@pytest.mark.parametrize("path", [WORKFLOW, ACTION], ids=lambda path: path.name)
def test_github_runs_what_it_was_told_to_and_mends_whatever_happened(path: Path) -> None:
    for step in steps(path):
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"])
        if "run" in step:  # an expression there would be a part of the script, whatever it holds
            assert "${{" not in step["run"]
    *_, heal, logs, kept = steps(path)
    assert "chaos.heal" in heal["run"] and "docker compose logs" in logs["run"] and "upload-artifact" in kept["uses"]
    fetched = " && hashFiles('blackstart/scripts/run') != ''" if path == WORKFLOW else ""  # the action is there itself
    assert heal["if"] == f"always(){fetched}"
    assert {step["if"] for step in (logs, kept)} == {"always()"}


@pytest.mark.parametrize("path", [WORKFLOW, ACTION], ids=lambda path: path.name)
def test_what_a_target_file_takes_from_the_environment_is_there_for_the_drills_and_for_the_mending(path: Path) -> None:
    (drills,) = (step for step in steps(path) if "$DRILLS" in step.get("run", ""))
    (heal,) = (step for step in steps(path) if "chaos.heal" in step.get("run", ""))
    for step in (drills, heal, *(step for step in steps(path) if "chaos.wait" in step.get("run", ""))):
        assert {"GIVEN_DATABASE_URL", "GIVEN_REDIS_URL"} <= set(step["env"])
        secret = re.compile(r"\$\{\{ (secrets\.DATABASE_URL|inputs\.database-url) \}\}")
        assert secret.fullmatch(step["env"]["GIVEN_DATABASE_URL"])


# What each may say on GitHub, and a machine have by itself.
SAID = {
    "BLACKSTART_FREEZE": "/frozen", "PAUSE_ON_FAIL": "1", "BLACKSTART_WEBHOOK": "http://127.0.0.1:1/hook",
    "DATABASE_URL": "postgresql://db/app", "REDIS_URL": "redis://store:6379/0", "TARGET": "mine.toml",
}  # fmt: skip


@pytest.mark.parametrize("server", ["workflow", "action"])
@pytest.mark.parametrize("by_github", [False, True], ids=["the machine says it", "GitHub says it"])
def test_what_the_machine_says_holds_where_github_says_nothing(tmp_path: Path, server: str, by_github: bool) -> None:
    job = repository(server, tmp_path / "state", tmp_path / "repository")
    scripts = job.path / "blackstart" / "scripts"
    scripts.mkdir(parents=True)
    (scripts / "run").write_text('#!/bin/sh\nenv -0 >"$0.env"\n')
    (scripts / "run").chmod(0o755)
    job.env |= dict.fromkeys(SAID, "of the machine") if by_github else SAID
    job.env["GITHUB_ACTION_PATH"] = str(scripts.parent / "deploy" / "ci" / "action")
    (scripts.parent / "deploy" / "ci" / "action").mkdir(parents=True)
    said = SAID | {f"CHAOS_{name}": text for name, text in SAID.items()}
    job.said = {called: text for name, text in said.items() for called in names(name)} if by_github else {}
    done = job.run(job.lines.drills)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = dict(line.split("=", 1) for line in (scripts / "run.env").read_text().split("\0") if line)
    assert {name: seen.get(name) for name in SAID} == SAID
    assert [name for name in seen if name.startswith("GIVEN_")] == []  # a secret is there once, where it is looked for


@pytest.mark.parametrize("server", SERVERS)
def test_a_freeze_that_the_machine_names_stops_the_drills(tmp_path: Path, server: str) -> None:
    job = repository(server, tmp_path / "state", tmp_path / "repository", CHAOS_DRILLS="chaos.leader-lock")
    job.fetched()
    (tmp_path / "frozen").write_text("the quarter closes")
    job.env["BLACKSTART_FREEZE"] = str(tmp_path / "frozen")
    done = job.run(job.lines.drills)
    assert done.returncode == 40, done.stdout + done.stderr
    assert "the quarter closes" in done.stdout + done.stderr


def test_gitlab_keeps_the_logs_where_the_mending_fails_too() -> None:
    """Its `after_script` ends at the first line that fails."""
    *lines, _ = yaml.safe_load(GITLAB.read_text())["chaos-tests"]["after_script"]
    assert [line for line in lines if "chaos.heal" in line] == ["./blackstart/scripts/run chaos.heal || true"]


@pytest.mark.parametrize("server", SERVERS)
def test_the_logs_that_are_kept_are_those_of_the_systems_own_containers(tmp_path: Path, server: str) -> None:
    """The machine may be shared: another's containers are nothing for this job's evidence."""
    job = repository(server, tmp_path / "state", tmp_path / "repository")
    *_, after = re.split(HEAL, "\n".join(job.lines.always))
    assert job.run(after.partition("\n")[2]).returncode == 0
    assert job.engine_was_asked == ["compose logs --no-color --timestamps"]
    assert (job.path / "reports/chaos/containers.log").read_text() == "app-1  | no connection to the database\n"


def project(server: str, job: str) -> str:
    """What COMPOSE_PROJECT_NAME comes to for a job of that name, as its server makes it."""
    if server == "workflow":  # a number, whatever the repository is called
        told = yaml.safe_load(WORKFLOW.read_text())["jobs"]["chaos"]["env"]["COMPOSE_PROJECT_NAME"]
        return told.replace("${{ github.repository_id }}", str(zlib.crc32(job.encode())))
    if server == "gitlab":  # its server makes the slug: lower case, and - for all but letters and digits
        told = yaml.safe_load(GITLAB.read_text())["chaos-tests"]["variables"]["COMPOSE_PROJECT_NAME"]
        return told.replace("$CI_PROJECT_PATH_SLUG", re.sub("[^a-z0-9]", "-", job.lower())[:63].strip("-"))
    made = re.search(r"COMPOSE_PROJECT_NAME = \"(.*)\"", JENKINS.read_text())
    assert made
    call = re.fullmatch(r"(.*)\$\{env\.JOB_NAME\.toLowerCase\(\)\.replaceAll\('(.*)', '(.*)'\)\}", made[1])
    assert call
    return call[1] + re.sub(call[2], call[3], job.lower())


@pytest.mark.parametrize("server", ["workflow", "gitlab", "jenkins"])
def test_jobs_that_share_a_machine_share_no_containers(server: str) -> None:
    made = {project(server, job) for job in ("Shop/main", "_Shop/feature%2FÄpfel 2", "Team.X/Shop")}
    assert len(made) == 3
    assert [one for one in made if not re.fullmatch("[a-z0-9][a-z0-9_-]*", one)] == []  # what compose takes


def test_the_workflow_may_read_alone_and_its_runs_wait_for_each_other() -> None:
    told = yaml.safe_load(WORKFLOW.read_text())
    assert told["permissions"] == {"contents": "read"}
    assert told["concurrency"] == {"group": "chaos-tests", "cancel-in-progress": False}
    fetch = next(step["with"] for step in steps(WORKFLOW) if step.get("with", {}).get("path") == "blackstart")
    assert fetch["ref"] == "${{ vars.BLACKSTART_REF }}"


@pytest.mark.parametrize("server", ["workflow", "gitlab", "jenkins"])
@pytest.mark.parametrize("name", ["BLACKSTART_REPOSITORY", "BLACKSTART_REF"])
def test_a_variable_that_is_not_set_is_named_before_anything_is_fetched(tmp_path: Path, server: str, name: str) -> None:
    job = repository(server, tmp_path / "state", tmp_path / "repository", **{name: ""})
    done = job.run(job.lines.fetch)
    assert done.returncode != 0
    assert re.search(rf"{name}\b.*not set", done.stdout + done.stderr)
    assert not (job.path / "blackstart").exists()


def test_the_workflow_takes_no_branch_for_a_commit(tmp_path: Path) -> None:
    job = repository("workflow", tmp_path / "state", tmp_path / "repository")
    assert job.run(job.lines.fetch).returncode == 0
    job = repository("workflow", tmp_path / "state", tmp_path / "another", BLACKSTART_REF="main")
    done = job.run(job.lines.fetch)
    assert done.returncode == 40 and done.stdout.startswith("::error title=chaos-tests::Not started: BLACKSTART_REF")


@pytest.mark.parametrize("server", ["gitlab", "jenkins"])
def test_blackstart_is_fetched_as_it_was_pinned_and_again_by_the_next_job(tmp_path: Path, server: str) -> None:
    job = repository(server, tmp_path / "state", tmp_path / "repository")
    for _ in range(2):
        done = job.run(job.lines.fetch)
        assert done.returncode == 0, done.stderr
    told = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=job.path / "blackstart", capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == job.env["BLACKSTART_REF"]


@pytest.mark.parametrize("server", ["workflow", "gitlab", "jenkins"])
def test_the_drills_wait_for_a_system_that_is_slow_to_be_ready(tmp_path: Path, server: str) -> None:
    with warming_up(answers_before=3) as api:
        job = at(api, server, tmp_path)
        done = job.start()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ready: {api}/ready answers 200" in done.stdout and "no connection" not in done.stdout


@pytest.mark.parametrize("server", ["workflow", "gitlab", "jenkins"])
def test_of_several_target_files_a_variable_says_which(tmp_path: Path, server: str) -> None:
    with warming_up(answers_before=0) as api:
        job = at(api, server, tmp_path, **{"CHAOS_TARGET" if server == "workflow" else "TARGET": "mine"})
        (job.path / "targets" / "other.toml").write_text(
            'name = "other"\nkind = "trader"\napi = "http://127.0.0.1:1"\n'
        )
        done = job.start()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ready: {api}/ready answers 200" in done.stdout


@pytest.mark.parametrize("server", ["workflow", "gitlab", "jenkins"])
def test_the_system_is_built_of_what_was_checked_out(tmp_path: Path, server: str) -> None:
    """A machine that has the last job's image would drill that one."""
    job = repository(server, tmp_path / "state", tmp_path / "repository")
    job.run(job.lines.start[0])
    assert job.engine_was_asked[0] == "compose up --detach --wait --build"


def test_jenkins_keeps_what_this_build_has_left_and_leaves_the_earlier_ones_where_they_are(tmp_path: Path) -> None:
    """Its workspace lives on: what is still to be healed, and what `chaos.due` looks at, is there."""
    job = repository("jenkins", tmp_path / "state", tmp_path / "repository")
    chaos, kept = job.path / "reports" / "chaos", re.findall(r"'(reports/[^']*)'", JENKINS.read_text())
    for number in ("1", "2"):
        assert job.run(job.lines.fetch).returncode == 0
        (chaos / number).mkdir(parents=True)
        (chaos / number / "junit.xml").touch()
        (chaos / number / "HEAL.sh").touch()
        assert job.run(job.lines.always[-1]).returncode == 0
        found = {path for pattern in kept for path in job.path.glob(pattern.replace("**", "**/*")) if path.is_file()}
        named = sorted(f"{path.parent.name}/{path.name}" for path in found)
        assert named == [f"{number}/HEAL.sh", f"{number}/junit.xml", "build/containers.log"]
    assert (chaos / "1" / "HEAL.sh").exists()


def test_the_system_is_started_without_the_secrets_of_the_drills(tmp_path: Path) -> None:
    """`docker compose up` would take them for what its file says as ${DATABASE_URL}, over its .env."""
    job = repository("workflow", tmp_path / "state", tmp_path / "repository", DATABASE_URL="secret", REDIS_URL="secret")
    assert job.run(job.lines.start[0]).returncode == 0
    assert "secret" not in (job.path / "tmp" / "docker.env").read_text()


@pytest.mark.parametrize("server", ["workflow", "gitlab", "jenkins"])
def test_a_system_that_is_never_ready_ends_the_job_with_its_logs(tmp_path: Path, server: str) -> None:
    with warming_up(answers_before=1000) as api:
        job = at(api, server, tmp_path)
        done = job.start(WAIT_READY_TIMEOUT="1")
    assert done.returncode == 40, done.stdout + done.stderr
    why = f"Not started: {api}/ready did not answer 200 within 1.00 s: it answers 503"
    assert why in " ".join(done.stderr.split()) and "app-1  | no connection to the database" in done.stdout
    if "GITHUB_ACTIONS" in job.env:
        assert "did not answer 200" in "".join(annotations(done.stderr))


@contextlib.contextmanager
def warming_up(answers_before: int) -> Iterator[str]:
    """The API of a system that says so often that it is not ready, and then that it is."""
    left = iter([503] * answers_before)

    with answering(lambda path: next(left, 200) if path == "/ready" else 404) as api:
        yield api


def at(api: str, server: str, folder: Path, **more: str) -> Repository:
    """With a target file of that API's, and Blackstart there."""
    job = repository(server, folder / "state", folder / "repository", **{"TARGET": "", **more})
    (job.path / "targets").mkdir()
    (job.path / "targets" / "mine.toml").write_text(f'name = "mine"\nkind = "trader"\napi = "{api}"\n')
    job.fetched()
    return job


def test_a_job_is_green_where_the_drill_holds(lab: LabDriver, tmp_path: Path) -> None:
    job = repository("workflow", lab.state, tmp_path / "repository", CHAOS_DRILLS="chaos.rate-limit-spike --json")
    job.fetched()
    done = job.run(job.lines.drills)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    (kept,) = job.evidence
    assert (told["verdict"], told["exit_code"], told["cause"]) == ("held", 0, "")
    assert (told["evidence"], told["run"], told["restored"]) == (str(kept), kept.name, None)
    assert "::error" not in done.stdout
    assert "nothing is broken" in job.always()


def test_a_job_is_red_where_it_broke_says_why_and_tells_the_webhook(lab: LabDriver, tmp_path: Path) -> None:
    with Hook(200) as hook:
        job = repository(
            "action", lab.state, tmp_path / "repository", CHAOS_DRILLS="chaos.leader-lock", WAIT_READY_TIMEOUT="0.05",
            BLACKSTART_WEBHOOK=hook.url,
        )  # fmt: skip
        done = job.run(job.lines.drills)
    said = done.stdout + done.stderr
    assert done.returncode == 20, said
    told = outputs(job)
    assert told["exit-code"] == "20"
    result = json.loads(told["result"])
    assert (result["verdict"], result["exit_code"], result["restored"]) == ("broke", 20, True)
    (error, *_) = annotations(done.stdout)
    assert error.startswith("::error title=broke%3A leader-lock on trader::") and result["cause"] in error
    assert any("(recovery)" in line for line in annotations(done.stdout))  # an expectation, by its name
    (got,) = hook.got
    assert got["blackstart"]["run"] == result["run"] and result["cause"] in got["text"]
    assert SECRET not in said
    spread = [path for folder in (job.path, lab.state) for path in folder.rglob("*") if path.is_file()]
    assert [path for path in spread if SECRET.encode() in path.read_bytes()] == []
    assert "nothing is broken" in job.always()
    assert ledger(lab.state) == []


def outputs(job: Repository) -> dict[str, str]:
    lines = Path(job.env["GITHUB_OUTPUT"]).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def annotations(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("::error ")]


def test_a_target_file_of_chaos_init_makes_the_workflow_green_on_a_healthy_app(lab: LabDriver, tmp_path: Path) -> None:
    job = started(lab, tmp_path)
    done = job.run(job.lines.drills)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "leader-lock on mine: held" in done.stdout and annotations(done.stdout) == []
    assert "nothing is broken" in job.always()


def test_a_target_file_of_chaos_init_makes_the_workflow_red_on_a_mutant_and_names_the_cause(tmp_path: Path) -> None:
    require_own_environment()
    sick = LabDriver(tmp_path / "state").up("--mutant", "keeps-trading")
    try:
        job = started(sick, tmp_path)
        done = job.run(job.lines.drills)
        assert done.returncode == 20, done.stdout + done.stderr
        (error, *_) = annotations(done.stdout)
        assert error.startswith("::error title=broke%3A leader-lock on mine::") and "paused" in error
        assert "nothing is broken" in job.always()
    finally:
        sick.command("down")


def started(app: LabDriver, folder: Path) -> Repository:
    """A repository with nothing but what `chaos.init` wrote of what runs here, up to where the drills begin. The secret
    is there as its last lines ask for it."""
    require("ptrace")
    dsn = app.target["services"]["postgres"]["dsn"]
    more = {"CHAOS_DRILLS": "chaos.leader-lock", "TARGET": "", "DATABASE_URL": dsn}
    job = repository("workflow", app.state, folder / "repository", **more)
    assert job.run(job.lines.fetch).returncode == 0
    job.fetched()
    made = job.run(f"./blackstart/scripts/run chaos.init --name mine --api {app.target['api']}", DATABASE_URL=dsn)
    assert made.returncode == 0, made.stdout + made.stderr
    for service in ("redis", "postgres"):
        found = rf" {service}: program {service} of supervisord .*: proved to be its own"
        assert re.search(found, made.stdout), made.stdout
    assert "CI must set: DATABASE_URL" in made.stdout.splitlines()
    (job.path / "tmp" / "init.out").write_text(made.stdout)
    assert [each.name for each in (job.path / "targets").iterdir()] == ["mine.toml"]
    done = job.start()
    assert done.returncode == 0, done.stdout + done.stderr
    return job


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("server", SERVERS)
def test_the_whole_suite_is_green_on_a_healthy_system(lab: LabDriver, tmp_path: Path, server: str) -> None:
    job = repository(server, lab.state, tmp_path / "repository")
    job.fetched()
    done = job.run(job.lines.drills)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^chaos\.suite: held, ", done.stdout, re.MULTILINE)
    assert len(job.evidence) > 3
    assert "nothing is broken" in job.always()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_drills_that_chaos_init_names_for_ci_are_green_on_its_target_file(lab: LabDriver, tmp_path: Path) -> None:
    job = started(lab, tmp_path)
    told = (job.path / "tmp" / "init.out").read_text()
    (drills,) = re.findall(r"^  CHAOS_DRILLS=(.*)$", told, re.MULTILINE)
    job.said = {**job.said, "vars.CHAOS_DRILLS": drills}
    done = job.run(job.lines.drills)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^chaos\.suite: held, ", done.stdout, re.MULTILINE)
    assert annotations(done.stdout + done.stderr) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("server", SERVERS)
def test_a_mutant_makes_each_of_them_red(tmp_path: Path, server: str) -> None:
    require_own_environment()
    sick = LabDriver(tmp_path / "state").up("--mutant", "keeps-trading")
    try:
        job = repository(server, sick.state, tmp_path / "repository", CHAOS_DRILLS="chaos.leader-lock")
        job.fetched()
        done = job.run(job.lines.drills)
        assert done.returncode == 20, done.stdout + done.stderr
        assert "leader-lock on trader: broke" in done.stdout
        if "GITHUB_ACTIONS" in job.env:
            assert "paused" in "".join(annotations(done.stdout))
        assert "nothing is broken" in job.always()
        assert (job.evidence[0] / "junit.xml").exists()
    finally:
        sick.command("down")
