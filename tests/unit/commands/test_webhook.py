"""A webhook is told what broke, once it answers; where it does not, one line says so and shows nothing of its URL."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import webhook
from blackstart.commands.run import _tell_webhook, flag_words
from blackstart.evidence.folder import Folder
from blackstart.model import flags
from blackstart.model.flags import Flags, secrets_of_run
from blackstart.model.target import Target
from blackstart.reports import result_json
from blackstart.reports.story import RunView
from blackstart.verdict.from_folder import Result
from tests.unit.reports.conftest import DRILLS, runs, stories
from tests.webhook import SECRET, Hook

__all__ = ["runs", "stories"]
JOB = "https://gitlab.example/shop/-/jobs/7"


@pytest.fixture
def hooks() -> Iterator[Any]:
    """Makes one that runs until the test ends."""
    with contextlib.ExitStack() as made:
        yield lambda *statuses: made.enter_context(Hook(*statuses))


@pytest.mark.parametrize("name", ["broke", "not-restored"])
def test_it_is_told_in_the_words_of_slack_and_in_ours(stories: dict[str, RunView], hooks: Any, name: str) -> None:
    hook, view = hooks(200), stories[name]
    run = Redactor().scrub(result_json.of_run(view, 20))
    assert webhook.tell(hook.url, result_json.message(run, "ci-7", JOB)) == ""
    (got,) = hook.got
    assert got["path"] == f"/services/{SECRET}"
    first, cause, *more = got["text"].splitlines()
    assert first == f"{view.judgement.verdict.sign} leader-lock on trader: {view.judgement.verdict.shown}"
    assert cause and (any(line.startswith("STILL BROKEN: stop redis") for line in more) is (name == "not-restored"))
    assert "on ci-7" in more and f"job: {JOB}" in more
    assert (got["blackstart"]["where"], got["blackstart"]["job"]) == ("ci-7", JOB)
    assert got["blackstart"]["verdict"] == name and got["blackstart"]["schema"] == 1


@pytest.mark.parametrize(
    ("follows", "told"), [(0, "x"), (1, "x (1 expectation follows from it)"), (2, "x (2 expectations follow from it)")]
)
def test_what_follows_is_counted(stories: dict[str, RunView], follows: int, told: str) -> None:
    run = result_json.of_run(stories["broke"], 20) | {"cause": "x", "follows": follows}
    assert result_json.message(run, "ci-7", "")["text"].splitlines()[1] == told


GITHUB = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/shop", "GITHUB_RUN_ID": "12"}


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"CI_JOB_URL": JOB, "BUILD_URL": "x"}, JOB),
        ({"BUILD_URL": "https://jenkins/job/3/"}, "https://jenkins/job/3/"),
        (GITHUB, "https://github.com/me/shop/actions/runs/12"),
        ({"GITHUB_SERVER_URL": "https://github.com"}, ""),
        ({}, ""),
    ],
)
def test_the_job_is_told_by_its_page(environ: dict[str, str], told: str) -> None:
    assert webhook.job_url(environ) == told


def test_what_a_target_says_is_no_mention_and_no_link(stories: dict[str, RunView]) -> None:
    run = result_json.of_run(stories["broke"], 20) | {"cause": "<!channel> & <http://evil|ok>\n::error::x"}
    text = result_json.message(run, "ci-7", "")["text"]
    assert "<" not in text and ">" not in text and "&lt;!channel&gt; &amp; " in text
    assert len([line for line in text.splitlines() if "channel" in line or "error" in line]) == 1


def test_one_that_is_busy_is_told_again(hooks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "_AGAIN_AFTER_S", 0.01)
    hook = hooks(503, 429, 204)
    assert webhook.tell(hook.url, {"text": "x"}) == ""
    assert len(hook.got) == 3


@pytest.mark.parametrize("status", [302, 400, 404])
def test_one_that_refuses_is_asked_once_and_named_by_its_host_alone(hooks: Any, status: int) -> None:
    hook = hooks(status)
    told = webhook.tell(hook.url, {"text": "x"})
    assert told == f"the webhook at 127.0.0.1:{hook.server_port} was not told: it answers {status}"
    assert len(hook.got) == 1


def test_one_that_is_not_there_is_named_by_its_host_alone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    told = webhook.tell(f"http://127.0.0.1:{port}/{SECRET}", {"text": "x"}, within_s=5.5)
    assert told == f"the webhook at 127.0.0.1:{port} was not told: no connection"


def test_one_that_never_answers_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        told = webhook.tell(f"http://127.0.0.1:{port}/{SECRET}", {"text": "x"}, within_s=0.5)
    assert told == f"the webhook at 127.0.0.1:{port} may not have been told: it did not answer within 0.5 s"


@pytest.mark.parametrize("typed", [True, False])
def test_its_url_is_neither_shown_nor_kept(typed: bool) -> None:
    url = f"https://hooks.slack.com/services/{SECRET}"
    given = flags.read({"webhook": url} if typed else {}, {} if typed else {"BLACKSTART_WEBHOOK": url})
    assert given.webhook == url
    assert flag_words(given) == []
    redactor = Redactor()
    redactor.learn(*secrets_of_run(Target("trader", "trader"), given).values())
    assert SECRET not in str(redactor.scrub({"flags": {"webhook": given.webhook}}))


def test_a_url_that_is_none_is_refused_and_not_shown() -> None:
    with pytest.raises(flags.BadFlag) as refused:
        flags.read({"webhook": f"htps://hooks/{SECRET}"}, {})
    assert "--webhook" in str(refused.value) and SECRET not in str(refused.value)


def test_only_what_is_bad_is_told() -> None:
    assert [verdict.value for verdict in webhook.TOLD_OF] == ["broke", "not-restored"]
    assert set(DRILLS) > set(webhook.TOLD_OF)


def test_a_run_that_broke_tells_where_it_was_and_of_which_job(
    runs: dict[str, Path], stories: dict[str, RunView], hooks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_JOB_URL", JOB)
    hook, path = hooks(200), runs["broke"]
    result = Result(stories["broke"].judgement, Folder(path.name, path, clock.utc_now()), 20)
    _tell_webhook(result, Flags(webhook=hook.url), Redactor(), Console(True))
    (got,) = hook.got
    assert f"on {socket.gethostname()}" in got["text"].splitlines() and got["blackstart"]["job"] == JOB
