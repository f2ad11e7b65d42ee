"""How things stand after a run: one cause, and only one that the record shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from blackstart.base.codec import to_data
from blackstart.controls.docker import Docker
from blackstart.evidence import history
from blackstart.evidence.journal import Record
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.probes.control_state import ControlState
from blackstart.reports import csv_log, github, html, junit, result_json, standing, summary, table
from blackstart.reports.standing import Standing
from blackstart.reports.story import RunView
from blackstart.suites import systems
from blackstart.verdict import bystanders
from tests.unit.reports.drills import CHANGE, Drill, Seen, judged, told
from tests.unit.reports.pages import Page

REFUSED: Seen = ("unreachable", None, "connection refused")
OF_API = ("ready", "health", "leader", "scan_heartbeat", "paused")


@dataclass
class ApiDies(Drill):
    """The API's process is gone between these times."""

    gone_s: tuple[float, float] = (3.0, 99.0)

    def seen(self, at_s: float) -> dict[str, Seen]:
        seen = super().seen(at_s)
        dead = self.gone_s[0] <= at_s < self.gone_s[1]
        return {name: REFUSED if dead and name in OF_API else what for name, what in seen.items()}


def stands(drill: Drill, path: Path) -> Standing:
    return standing.of(viewed(told(drill, path)))


def viewed(path: Path, *more: dict[str, object]) -> RunView:
    record, judgement = judged(path)
    record = Record((*record.events, *({"n": 0, "at": 1010.0, **event} for event in more)))
    return RunView(record, judgement, path, known=systems.of)


def with_a_death(view: RunView, ended: str) -> tuple[Standing, Finding]:
    """The same run, in which postgres, which it did not touch, is found dead; and the finding that says so."""
    was, now = (
        {"status": "running", "instance": "7:1", "detail": ""},
        {"status": "stopped", "instance": "", "detail": ""},
    )
    looks = [{"n": 0, "at": 1010.0, "event": "services", "when": "before", "services": {"postgres": was}},
             {"n": 0, "at": 1010.0, "event": "services", "when": "after",
              "services": {"postgres": {**now, "ended": ended, "start": "docker start shop-postgres"}}}]  # fmt: skip
    record = Record((*view.record.events, *looks))
    (dead,) = bystanders.findings(record)
    judgement = replace(view.judgement, findings=(*view.judgement.findings, dead))
    return standing.of(RunView(record, judgement, view.where, known=systems.of)), dead


def test_what_an_outage_has_broken_follows_from_it(tmp_path: Path) -> None:
    found = stands(ApiDies(end_s=9.5), tmp_path)
    assert found.verdict == Verdict.BROKE
    assert found.headline == "API unreachable from 14:30:03Z to the end; 6 expectations follow from it"
    assert found.besides == ()


def test_an_outage_beside_what_is_not_restored_is_told_whole(tmp_path: Path) -> None:
    view = viewed(told(ApiDies(end_s=9.5), tmp_path))
    outage = standing.of(view)
    judgement = replace(view.judgement, verdict=Verdict.NOT_RESTORED)
    found = standing.of(RunView(view.record, judgement, view.where, known=systems.of))
    assert found.besides[0] == f"{outage.cause} ({outage.follows} expectations of it)"


def test_a_service_that_died_beside_the_drill_comes_before_what_follows_from_it(tmp_path: Path) -> None:
    view = viewed(told(ApiDies(end_s=9.5), tmp_path))
    found, dead = with_a_death(view, "2026-11-20T14:30:02.900000000Z")
    assert found.cause == f"{dead.message}; API unreachable from 14:30:03Z to the end"
    assert found.follows == 6 and dead.name not in found.besides and not found.explains(dead)


@pytest.mark.parametrize("ended", ["2026-11-20T14:30:08Z", "", "0001-01-01"])
def test_a_service_that_died_later_or_nobody_knows_when_has_a_line_of_its_own(tmp_path: Path, ended: str) -> None:
    for name, drill, cause in (
        ("outage", ApiDies(end_s=9.5), "API unreachable from 14:30:03Z to the end"),
        ("single", Drill(health=lambda at_s: ("value", "ill" if at_s > 6 else "healthy")), "health_healthy: violated"),
    ):
        found, dead = with_a_death(viewed(told(drill, tmp_path / name)), ended)
        assert found.cause.startswith(cause) and dead.name not in found.besides
        assert [label for label, text in found.rows() if dead.message in text] == ["DOWN"]
        start = "find out why that is down, then start it; with: docker start shop-postgres"
        assert [text for label, text in found.rows() if label.endswith("first")][:1] == [start]


def test_a_death_comes_before_what_is_only_counted_at_the_end(tmp_path: Path) -> None:
    view = viewed(told(Drill(), tmp_path))
    lost = Finding("no_lost_order", "check", Verdict.BROKE, "2 were lost", "", "")
    judgement = replace(view.judgement, verdict=Verdict.BROKE, findings=(*view.judgement.findings, lost))
    found, dead = with_a_death(RunView(view.record, judgement, view.where, known=systems.of), "")
    assert (found.cause, found.besides) == (dead.message, ("no_lost_order",))


def test_of_reads_at_one_time_the_first_sent_may_be_told_last(tmp_path: Path) -> None:
    view = viewed(told(ApiDies(end_s=9.5), tmp_path))
    early = [
        {**event, "sent": event["sent"] - 0.004} if event["event"] == "read" and event["r"][0][0] == "health" else event
        for event in view.record.events
    ]
    found = standing.of(RunView(Record(tuple(early)), view.judgement, tmp_path, known=systems.of))
    assert (found.follows, found.besides) == (6, ())


def test_an_outage_that_ended_says_when(tmp_path: Path) -> None:
    found = stands(ApiDies(end_s=12.0, gone_s=(3.0, 11.0)), tmp_path)
    assert found.cause == "API unreachable from 14:30:03Z to 14:30:11Z"


def test_an_outage_explains_nothing_that_was_broken_before_it(tmp_path: Path) -> None:
    found = stands(ApiDies(end_s=12.0, leads_again=False, gone_s=(9.5, 99.0)), tmp_path)
    assert found.follows == 0
    assert found.cause.startswith("ready_200_again: did not come true within 4 s")
    assert sorted(found.besides) == ["health_healthy", "heartbeat_fresh", "leader_1_again"]


def test_one_expectation_alone_is_told_as_it_is(tmp_path: Path) -> None:
    ill = Drill(health=lambda at_s: ("timed_out", None, "no answer within 2 s") if at_s > 6 else ("value", "healthy"))
    found = stands(ill, tmp_path)
    assert (found.headline, found.besides) == (
        "health_healthy: violated: health was timed out (no answer within 2 s)", ()
    )  # fmt: skip


def test_of_one_address_that_times_out_not_the_whole_api_is_told(tmp_path: Path) -> None:
    class Slow(Drill):
        def seen(self, at_s: float) -> dict[str, Seen]:
            slow: Seen = ("timed_out", None, "no answer within 2 s")
            return super().seen(at_s) | ({"leader": slow, "scan_heartbeat": slow} if at_s > 4 else {})

    found = stands(Slow(end_s=9.5), tmp_path)
    assert found.headline == (
        "GET http://127.0.0.1:8000/state timed out from 14:30:04Z to the end; 2 expectations follow from it"
    )


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("held", ""),
        ("inconclusive", "the fault was not proved to bite"),
        ("refused", "the baseline does not hold"),
        ("not-restored", "stop redis: no proof that it was undone"),
    ],
)
def test_each_verdict_has_its_cause(stories: dict[str, RunView], name: str, cause: str) -> None:
    found = standing.of(stories[name])
    assert found.cause.startswith(cause) and bool(found.cause) == bool(cause)
    assert "\n" not in found.headline


def test_what_is_not_restored_is_told_with_what_undoes_it(stories: dict[str, RunView]) -> None:
    found = standing.of(stories["not-restored"])
    heal = stories["not-restored"].where / "HEAL.sh"
    assert found.still_broken == (f"stop redis, undone by: supervisorctl start redis; or: sh {heal}",)
    assert found.next.endswith("chaos.heal")


AOF = "7:M 29 Nov 2026 12:16:14.629 # Bad file format reading the append only file appendonly.aof.1.incr.aof"
BIND = (
    "7:M 29 Nov 2026 12:16:14.629 # Warning: Could not create server TCP listening socket *:6379: bind: Address in use"
)
CHDIR = "supervisor: couldn't chdir to /tmp/redis: ENOENT"
LISTEN, UP = (
    "7:M 29 Nov # Failed listening on port 6379 (tcp), aborting.",
    "7:M 29 Nov * Ready to accept connections tcp",
)
OVERCOMMIT = (
    "7:M 29 Nov # WARNING Memory overcommit must be enabled! Without it a background save may fail, see failures"
)
OURS = "7:M 29 Nov * User requested shutdown..."


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([OURS, OVERCOMMIT, AOF], AOF),
        ([OVERCOMMIT, BIND, LISTEN], BIND),
        ([BIND, LISTEN, "7:C # Redis is starting", BIND, LISTEN], BIND),
        ([CHDIR, "supervisor: child process was not spawned"] * 4, CHDIR),
        ([OURS, OVERCOMMIT], ""),  # nothing is named: the symptom stays
        ([AOF, OVERCOMMIT, UP], ""),  # it came up since
        ([UP, AOF], AOF),
        ([], ""),
    ],
)
def test_why_a_service_was_not_restored_is_quoted_from_its_own_log(
    tmp_path: Path, lines: list[str], named: str
) -> None:
    path = told(Drill(gone_ok=False), tmp_path)
    tails = [
        {"event": "log tail", "service": name, "lines": said} for name, said in (("redis", lines), ("api", [CHDIR]))
    ]
    found = standing.of(viewed(path, *tails))
    symptom = standing.of(viewed(path)).cause
    said = f"stop redis: no proof that it was undone; the log of redis says: {named}"
    assert found.cause == (said if named else symptom)


def test_a_service_that_is_down_after_an_undo_of_another_kind_is_told_with_what_starts_it(tmp_path: Path) -> None:
    control = Docker(container="redis", name="redis", engine="docker", host="ssh://ops@db1")
    seen = ControlState("redis", control)
    frozen = replace(CHANGE, what="pause redis", undo=control.resume(), gone=(seen.is_("running"),))
    view = viewed(told(Drill(gone_ok=False), tmp_path))
    plan = {**view.record.first("plan"), "changes": [to_data(frozen)]}  # type: ignore[dict-item]
    read = {"n": 0, "at": 1010.0, "event": "read", "endpoint": "x", "tick": 1, "sent": 1009.0, "answered": 1009.0}
    read["r"] = [["redis_status", "value", "stopped", "exit code 1"]]
    events = [plan if event["event"] == "plan" else event for event in view.record.events]
    found = standing.of(RunView(Record((*events, read)), view.judgement, view.where))
    (line,) = found.still_broken
    assert "undone by: ssh ops@db1 'docker unpause redis'; redis is stopped" in line
    assert "started by: ssh ops@db1 'docker start redis'; or: sh " in line


def test_what_the_guardian_has_mended_since_is_not_still_broken(stories: dict[str, RunView]) -> None:
    story = stories["not-restored"]
    (entry,) = {event["change"] for event in story.record.events if event["event"] == "do"}
    mended = Record(({"n": 0, "at": 0.0, "event": "gone", "change": entry, "ok": True},))
    found = standing.of(RunView(story.record, story.judgement, story.where, mended))
    assert found.still_broken == () and "guardian" in found.cause


def test_a_state_that_nobody_reads_is_not_told_of(stories: dict[str, RunView]) -> None:
    found = standing.of(stories["held"])
    assert (found.trading, found.state, found.abort, found.resume) == ("", "", "", "")


@pytest.mark.parametrize(
    ("event", "state", "says"),
    [
        ({"ok": True, "state": "paused", "resume": "curl -X POST x"}, "paused", "trading is paused, by PAUSE_ON_FAIL"),
        ({"ok": False, "state": "running"}, "running", "trading is NOT PAUSED"),
        ({"ok": False, "state": "unseen", "seen": "paused unreachable"}, "unseen", "NOBODY HAS SEEN whether trading"),
        ({"ok": True, "hurried": False}, "paused", "trading is paused"),  # as older records have it
        ({"ok": False, "hurried": True}, "unseen", "NOBODY HAS SEEN"),
        ({"ok": False, "hurried": False}, "running", "NOT PAUSED"),
    ],
)
def test_how_trading_stands_is_what_the_abort_saw(
    runs: dict[str, Path], event: dict[str, object], state: str, says: str
) -> None:
    asked = {"event": "abort", "settled": True}
    found = standing.of(viewed(runs["broke"], asked, {"event": "abort verified", "of": "trading", **event}))
    assert (found.state, found.abort) == (state, state)
    assert says in found.trading
    if "resume" in event:
        assert found.resume == event["resume"]
    else:  # the system's own, where it is paused
        assert ("/resume" in found.resume) == (state == "paused")


def test_a_pause_whose_other_steps_failed_is_no_success(runs: dict[str, Path]) -> None:
    paused = {"event": "abort verified", "of": "trading", "ok": True, "state": "paused", "resume": "curl -X POST x"}
    flatten, mode = (
        {"event": "abort step", "step": f"POST {path}", "at_once": False} for path in ("/flatten", "/mode")
    )
    found = standing.of(viewed(runs["broke"], {"event": "abort"}, {**flatten, "failed": "500"}, mode, paused))
    assert (found.state, found.abort, found.resume) == ("paused", "failed", "")
    assert found.trading.startswith("PAUSE_ON_FAIL FAILED: not done is POST /flatten. ") and found.first == ()
    assert found.trading.endswith("stayed paused")
    copied = {**flatten, "failed": "500", "by_hand": "curl -X POST http://127.0.0.1/flatten"}
    found = standing.of(viewed(runs["broke"], {"event": "abort"}, copied, mode, paused))
    assert ("by hand", copied["by_hand"]) in list(found.rows()) and standing.is_typed("1. by hand")
    assert found.trading.startswith("PAUSE_ON_FAIL FAILED: not done is POST /flatten (by hand: see below). ")
    found = standing.of(viewed(runs["broke"], {"event": "abort"}, {**flatten, "skipped": True}, mode, paused))
    assert (found.abort, found.resume) == ("paused", "curl -X POST x")
    assert found.trading.endswith("the API has no such route: POST /flatten")


def test_what_must_be_mended_before_anything_is_resumed_stands_first_and_is_numbered(
    stories: dict[str, RunView],
) -> None:
    view, curl = stories["not-restored"], "curl -X POST http://h/resume"
    paused = {"n": 0, "at": 1010.0, "event": "abort verified", "of": "trading", "ok": True, "state": "paused"}
    dead = Finding(bystanders.NAME, "check", Verdict.BROKE, "postgres was running before, and is stopped", "", "")
    judgement = replace(view.judgement, findings=(*view.judgement.findings, dead))
    record = Record((*view.record.events, {**paused, "resume": curl}))
    story = RunView(record, judgement, view.where, known=systems.of)
    found = standing.of(story)
    mend = "find out why that is down, then start it"
    numbered = [row for row in found.rows() if row[0][0].isdigit()]
    assert numbered == [("1. mend", found.next), ("2. first", mend), ("3. resume", curl)]
    assert result_json.of_run(story, 50)["mend_first"] == [found.next, mend]
    sent = result_json.message({**result_json.of_run(story, 50)}, "here", "")["text"].splitlines()
    assert f"DOWN: {dead.message}" in sent
    assert sent[-3:] == [f"first: {mend}", f"heal: {found.next}", f"resume, once that is done: {curl}"]


def test_an_api_that_nobody_has_seen_is_to_answer_before_it_is_resumed(runs: dict[str, Path]) -> None:
    silent = {"ok": False, "state": "unseen", "of": "trading", "resume": "curl x"}
    found = standing.of(viewed(runs["broke"], {"event": "abort"}, {"event": "abort verified", **silent}))
    assert found.first == ("see that the API answers: http://127.0.0.1:8000",)
    assert [label for label, _ in found.rows() if label[0].isdigit()] == ["1. first", "2. resume"]


def test_a_freeze_that_ended_the_run_is_waited_for_before_it_is_run_again(runs: dict[str, Path]) -> None:
    aborted = {"event": "aborted", "message": "frozen by /f, set by jo: rollout"}
    found = replace(standing.of(viewed(runs["inconclusive"], {**aborted, "frozen": "jo, /f"})), next="invoke x")
    assert list(found.rows())[-3:] == [
        ("first", "wait until the freeze is lifted, or ask who set it (jo, /f): until then a drill is refused"),
        ("evidence", found.evidence),
        ("run again", found.next),
    ]
    story = viewed(runs["inconclusive"], {**aborted, "frozen": "jo, /f"})
    told = result_json.of_run(story, 30)
    assert told["lifted"] == found.lifted
    assert f"first: {found.lifted}" in result_json.message(told, "here", "")["text"]
    assert standing.is_typed("run again") and not standing.is_typed("first")
    other = standing.of(viewed(runs["inconclusive"], {**aborted, "message": "cpu > 0.9 (abort condition)"}))
    other = replace(other, next="invoke x")
    assert list(other.rows())[-1][0] == "run again" and other.lifted == ""


def test_an_abort_that_failed_has_been_seen_by_nobody(runs: dict[str, Path]) -> None:
    found = standing.of(viewed(runs["broke"], {"event": "abort"}, {"event": "abort failed", "message": "no"}))
    assert (found.state, found.abort) == ("unseen", "failed")


@pytest.mark.parametrize(
    ("kind", "value", "age_s", "state"),
    [("value", False, 0, "running"), ("value", True, 0, "paused"), ("value", True, 60, "unseen"),
     ("unreachable", None, 0, "unseen")],
)  # fmt: skip
def test_without_an_abort_the_last_reading_says_how_trading_stands(
    runs: dict[str, Path], kind: str, value: object, age_s: float, state: str
) -> None:
    at_s = viewed(runs["held"]).to_s - age_s
    read = {"event": "read", "endpoint": "GET /state", "tick": 1, "sent": at_s, "answered": at_s}
    found = standing.of(viewed(runs["held"], {**read, "r": [["paused", kind, value, ""]]}))
    assert (found.state, found.abort) == (state, "not asked for")
    assert ("http://127.0.0.1:8000/resume" in found.resume) == (state == "paused")


@pytest.mark.parametrize(("leader", "resumes"), [(1, True), (0, False)])
def test_what_has_paused_itself_is_not_to_be_resumed_by_hand_before_it_has_come_to_rest(
    runs: dict[str, Path], leader: int, resumes: bool
) -> None:
    at_s = viewed(runs["held"]).to_s - 1
    read = {"event": "read", "endpoint": "GET /state", "tick": 1, "sent": at_s, "answered": at_s}
    readings = [["paused", "value", True, ""], ["leader", "value", leader, ""]]
    found = standing.of(viewed(runs["held"], {**read, "r": readings}))
    assert bool(found.resume) == resumes
    if not resumes:
        assert "trading had paused itself, leader was 0, not 1; it resumes by itself once that is so" in found.trading


def test_what_was_left_out_by_choice_is_told(stories: dict[str, RunView]) -> None:
    story = stories["held"]
    last = replace(story.judgement.findings[-1], left_out="orders", name="no_lost_order")
    told_of = replace(story.judgement, findings=(*story.judgement.findings, last))
    found = standing.of(RunView(story.record, told_of, story.where))
    assert ("left out", "no_lost_order (--without orders), by choice") in list(found.rows())


def test_names_beyond_the_third_are_counted(stories: dict[str, RunView]) -> None:
    many = replace(standing.of(stories["broke"]), besides=("a", "b", "c", "d", "e"))
    assert many.broke_besides == "a, b, c and 2 more"


def test_every_report_begins_with_the_same(tmp_path: Path) -> None:
    view = viewed(told(ApiDies(end_s=9.5), tmp_path))
    line = "API unreachable from 14:30:03Z to the end; 6 expectations follow from it"
    log = csv_log.rows(view.record, view.judgement, standing.of(view))
    assert ("cause", line) in log and log[-1] == ("test_result", "FAIL")
    made = Page(html.page(view))
    assert line in made.text("header") and "ready_503, leader_0, health_healthy" in made.text("p")
    assert made.text("article").count("one_leader") == 1 and "ready_503" not in made.text("article")
    assert line in github.summary(view).partition("\n\n|")[0] and line in github.log_lines(view)[0]
    assert not any(name in "".join(github.log_lines(view)[1:]) for name in ("ready_503", "health_healthy"))
    assert line in junit.xml(view).partition("<testcase")[2].partition("</testcase>")[0]
    assert line in summary.text(view, history.none()).partition("**Hypothesis**")[0]
    assert line in table.text(view).rpartition("✘ broke")[2]


def test_the_log_says_what_came_of_the_abort_and_how_trading_stands(runs: dict[str, Path]) -> None:
    view = viewed(runs["broke"], {"event": "abort"}, {"event": "abort verified", "ok": True, "state": "paused"})
    log = dict(csv_log.rows(view.record, view.judgement, standing.of(view)))
    assert (log["abort"], log["trading"]) == ("paused", "paused")
