"""The failure catalog: what runs tell together, and that it tells of nothing that they do not."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.base.codec import to_data
from blackstart.model.expect import eventually
from blackstart.model.verdict import Verdict
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.reports import blocks, catalog, catalog_text
from blackstart.reports.blocks import Code, Grid, Heading, Paragraph, Points
from blackstart.reports.catalog import Finding, Said, Seen

HELD, BROKE, UNSURE, REFUSED = Verdict.HELD, Verdict.BROKE, Verdict.INCONCLUSIVE, Verdict.REFUSED


def run(day: int, verdict: Verdict = HELD, **more: Any) -> Seen:
    """A run of that day, in which what broke is `comes_back`."""
    result = "broke" if verdict == BROKE else "held"
    came = Finding("recovery", "comes_back", result, "eventually ready is 200 within 9 s", "came true after 2.000 s")
    usual: dict[str, Any] = {
        "run": f"r{day}", "where": f"/reports/r{day}", "began": f"2026-11-{day:02d}T09:00:00.000Z", "verdict": verdict,
        "system": "trader", "experiment": "leader-lock", "hypothesis": "It comes back.", "method": "stop redis.",
        "again": "invoke chaos.leader-lock --target=lab", "findings": (came,), "restored": True,
        "recovered_s": 2.0 if verdict == HELD else None,
    }  # fmt: skip
    return Seen(**(usual | more))


def told(*runs: Seen, left_out: tuple[tuple[str, str], ...] = ()) -> str:
    found = catalog.failures(runs)
    refused = sum(one.verdict == REFUSED for one in runs)
    return blocks.markdown(list(catalog_text.blocks(found, catalog.settings(found), refused, left_out, "invoke")))


def section(text: str, heading: str) -> str:
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def said(text: str, day: int = 1) -> tuple[Said, ...]:
    return (Said(f"2026-11-{day:02d}T10:00:00.000Z", "anna@box", text),)


def test_a_failure_that_holds_leaves_nothing_open() -> None:
    text = told(run(1, recovered_s=2.0), run(2, recovered_s=4.0), run(3, recovered_s=3.0))
    assert "Nothing: every failure held when it was last tried" in section(text, "What stands open")
    assert "held in all 3 runs; first seen 2026-11-01 09:00, last seen 2026-11-03 09:00" in text
    assert "was there 3.00 s (median of 3, at worst 4.00 s) after the undo began" in text
    assert "`invoke chaos.leader-lock --target=lab`: stop redis." in text
    assert "no improvement was needed" in text and "nobody has noted" not in text


def test_a_failure_that_broke_is_open_and_asks_for_its_learning() -> None:
    text = told(run(1), run(2, BROKE, reason="comes_back: never came"))
    what = section(text, "What stands open")
    assert "broke on 2026-11-02 09:00: comes\\_back: never came. It last held on 2026-11-01 09:00." in what
    assert "`invoke report.note /reports/r2 --learning '…' --improvement '…'`" in what
    assert "**What broke**: `comes_back` in 1 of 2 runs, last: came true after 2.000 s" in text
    assert "it did not come, or was not seen, in 1" in text


def test_what_people_know_stands_in_it_with_who_and_when() -> None:
    broke = run(2, BROKE, learnings=said("the pager is late", 2), improvements=said("page at 30 s", 2))
    text = told(run(1), broke, run(3))
    assert "**Learned**: the pager is late (anna@&#8203;box, 2026-11-02 10:00)" in text
    assert "**Prevention**: page at 30 s (anna@&#8203;box, 2026-11-02 10:00)" in text
    assert ", undocumented" not in text
    answers = section(text, "Is this good chaos testing?")
    assert "of 1 run that broke, 1 has what was learned noted" in answers
    assert "of 1 failure that broke, 1 has an improvement noted; 1 of these held when last tried" in answers
    answers = section(told(run(1, BROKE)), "Is this good chaos testing?")
    assert "of 1 run that broke, none has what was learned noted" in answers
    assert "of 1 failure that broke, none has an improvement noted |" in " ".join(answers.split())


@pytest.mark.parametrize(
    ("runs", "again"),
    [
        ((run(1, BROKE), run(2, BROKE)), ""),  # it was never mended: that is no coming again
        ((run(1, BROKE), run(2), run(3)), ""),
        ((run(1, BROKE), run(2), run(3, BROKE)), "held meanwhile: 1"),
        ((run(1, BROKE, improvements=said("a retry")), run(2, BROKE)), "an improvement was noted meanwhile"),
        ((run(1, BROKE), run(2, UNSURE), run(3, BROKE)), ""),
    ],
)  # fmt: skip
def test_a_failure_comes_again_where_it_had_been_mended(runs: tuple[Seen, ...], again: str) -> None:
    (failure,) = catalog.failures(runs)
    first, last = (f"2026-11-{one.began[8:10]} 09:00" for one in (runs[0], runs[-1]))
    told_so = f"comes_back broke on {first} and again on {last}; {again}"
    assert failure.again() == ([told_so] if again else [])
    answers = section(told(*runs), "Is this good chaos testing?")
    assert ("none broke again" in answers) != bool(again)


def test_refused_runs_tell_of_no_failure_and_defects_of_labs_count_nowhere_else() -> None:
    text = told(run(1), run(2, REFUSED), run(3, BROKE, mutant="never-resumes", facts={"lock_ttl_s": 4}))
    assert "Made from 2 runs" in text and "refused before anything was touched: 1" in text
    row = section(text, "Defects that the drills catch")
    assert "never-resumes" in row and "1 of 1" in row and "comes\\_back" in row
    assert "Nothing: every failure held" in text and "Settings seen to work" not in text
    assert "no run broke" in section(text, "Is this good chaos testing?")


def test_a_defect_that_no_run_caught_is_not_called_caught() -> None:
    row = section(told(run(1, mutant="quiet")), "Defects that the drills catch")
    assert "0 of 1" in row and "nothing: this drill does not see it" in row


def test_settings_are_told_with_what_held_and_broke_with_them() -> None:
    text = told(
        run(1, facts={"lock_ttl_s": 30, "backoff_s": [1, 2]}),
        run(2, BROKE, facts={"lock_ttl_s": 2, "backoff_s": [1, 2]}),
        run(3, UNSURE, facts={"lock_ttl_s": 9}),
    )
    part = section(text, "Settings seen to work")
    assert "Held in 1 run of leader-lock, broke in none:\n\n- **Locks**: `lock_ttl_s = 30`" in part
    assert "Held in none, broke in 1 run of leader-lock:\n\n- **Locks**: `lock_ttl_s = 2`" in part
    both = "Held in 1 run of leader-lock, broke in 1 run of leader-lock"
    assert f"{both}:\n\n- **Retries**: `backoff_s = [1, 2]`" in part
    assert "lock_ttl_s = 9" not in part  # nothing is known of it


def test_settings_stand_by_the_pattern_that_their_names_tell() -> None:
    facts = {"breaker_open_s": 2, "tries": 3, "cache_ttl_s": 2, "db_timeout_s": 1, "limit_per_s": 10,
             "heartbeat_s": 1, "partitions": 4, "queue_bound": 300}  # fmt: skip
    part = section(told(run(1, facts=facts)), "Settings seen to work")
    assert [line for line in part.splitlines() if line.startswith("- ")] == [
        "- **Circuit breaker**: `breaker_open_s = 2`", "- **Retries**: `tries = 3`",
        "- **Fallback and queues**: `cache_ttl_s = 2, queue_bound = 300`", "- **Timeouts**: `db_timeout_s = 1`",
        "- **Limits**: `limit_per_s = 10`", "- **Monitoring and alerts**: `heartbeat_s = 1`",
        "- **Others**: `partitions = 4`",
    ]  # fmt: skip


def test_what_is_in_play_is_told_where_the_declaration_says_so() -> None:
    facts = {"breaker_open_s": 2, "queue_bound": 300}

    def of(name: str, result: str = "held", phase: str = "fault") -> Finding:
        return Finding(phase, name, result, "some", "seen")

    found = (of("breaker_opens"), of("fallback_answers"), of("queue_drains", phase="drain"), of("lock_taken", "broke"))
    assert (
        "**Prevention**: no improvement was needed; in play, by its hypothesis and expectations: "
        "breaker (`breaker_open_s = 2`), fallback\n" in told(run(1, facts=facts, findings=found))
    )
    assert "expectations: queue (`queue_bound = 300`)\n" in told(run(1, facts=facts, hypothesis="Events queue up."))
    assert "what bears it, its hypothesis and expectations do not say\n" in told(
        run(1, facts=facts, hypothesis="It blocks.")
    )


def test_what_was_not_measured_has_no_time() -> None:
    text = told(run(1, findings=(), recovered_s=None, felt="9 of 9 requests changed"))
    assert "nothing is awaited after it" in text and "nothing awaited" in section(text, "At a glance")
    assert "its clients notice (9 of 9 requests changed); none of the system's own signals is awaited" in text
    text = told(run(1, detected_by="ready is 503", detected_s=0.25))
    assert "ready is 503, 250 ms after the fault took effect" in text


def test_what_never_held_is_not_said_to_be_borne_and_a_recovery_that_never_came_was_awaited() -> None:
    text = told(run(1, UNSURE), run(2, UNSURE))
    assert "**Prevention**: not known: no run tells" in text and "was needed" not in text
    row = section(text, "At a glance")
    assert "not seen" in row and "nothing awaited" not in row


def test_what_is_left_out_is_named() -> None:
    torn = [(f"/reports/torn{n}", "it was killed") for n in range(5)]
    text = told(run(1), left_out=(torn[0], ("/reports/odd", "it is odd"), *torn[1:]))
    assert text.rpartition("## Runs that are not in it\n\n")[2].splitlines() == [
        "- **5 runs, it was killed**: `/reports/torn0`, `/reports/torn1`, `/reports/torn2`, and 2 more",
        "- **1 run, it is odd**: `/reports/odd`",
    ]


def test_large_numbers_are_written_as_people_write_them() -> None:
    text = told(run(1, BROKE, reason="150 sold of 1e+06, 75de781f-2ec6-496e-8506", restored=None,
                    detected_by="memory above 100000000.0", detected_s=0.63))  # fmt: skip
    assert "150 sold of 1,000,000, 75de781f-2ec6-496e-8506" in text
    assert "**Detection**: memory above 100,000,000, 630 ms after it began" in text


def test_nothing_that_was_filled_in_leaves_its_place() -> None:
    evil = "x | y `z` <script>alert(1)</script>\n# heading [a](b) @team"
    made = [Heading(2, evil), Paragraph((evil, Code(evil))), Points([(evil, (evil,))]), Grid(("head",), [(evil,)])]
    text = blocks.markdown(made)
    assert len([line for line in text.splitlines() if line.lstrip().startswith("#")]) == 1
    assert [line for line in text.splitlines() if "<script>" in line] == [text.splitlines()[2]]  # as code, it is text
    page = blocks.page("t", made)
    assert "<script>" not in page and "&lt;script&gt;" in page and "default-src 'none'" in page


# ---------------------------------------------------------------- one run, from its documents


def document(**more: Any) -> dict[str, Any]:
    """As `results/chaos.json` has it: the fault in force from 1 s, 503 at 1.4 s, the undo at 4 s, 200 at 5.5 s."""

    def of(phase: str, name: str, expected: str, result: str = "held") -> dict[str, Any]:
        return {"type": phase, "name": name, "expected": expected, "result": result, "message": f"{name} seen"}

    def at(ms: int, kind: str, **data: Any) -> dict[str, Any]:
        return {"type": kind, "timestamp": ms, "data": data}

    scenario = {
        "name": "leader-lock", "hypothesis": "It  comes\nback.", "error": None,
        "injections": [{"activated": True, "deactivated": True,
                        "stats": {"what": "stop redis", "inForceFromMs": 1000, "inForceToMs": 4100}}],
        "assertions": [
            of("fault", "ready_503", "eventually ready is 503 within 3 s"),
            of("recovery", "ready_200", "eventually ready is 200 within 9 s", more.get("came", "held")),
            of("check", "felt", "some"), of("always", "healthy", "always health is healthy"),
        ],
        "timeline": {"events": [
            at(1400, "assertion_result", name="ready_503", phase="fault"),
            at(4000, "cleanup", what="stop redis"), at(4200, "cleanup", what="stop redis", ok=True),
            at(5500, "assertion_result", name="ready_200", phase="recovery"),
            at(9000, "assertion_result", name="healthy", phase="always"),
        ]},
    }  # fmt: skip
    return {"verdict": "held", "scenarios": [scenario]}


HEAD = {
    "run": "leader_lock_1", "began": "2026-11-20T14:30:00.000Z",
    "again": "invoke chaos.leader-lock --noninteractive --reports=/x --target=lab",
    "target": {"name": "trader", "mutant": "", "facts": {"lock_ttl_s": 4}},
    "experiment": {"checks": [{"check": "fault_observed", "name": "felt"}]},
}  # fmt: skip
NOTES = {"learning": [{"utc": "2026-11-20T15:00:00.000Z", "by": "anna", "text": "late"}], "improvement": []}


def test_times_count_from_the_effect_and_from_the_beginning_of_the_undo() -> None:
    seen = catalog.seen("/reports/1", HEAD, document(), "stop redis.", NOTES)
    assert (seen.detected_by, seen.detected_s, seen.recovered_s) == ("ready is 503", 0.4, 1.5)
    assert (seen.verdict, seen.restored, seen.hypothesis) == (HELD, True, "It comes back.")
    assert seen.again == "invoke chaos.leader-lock --target=lab" and seen.felt == "felt seen"
    assert seen.learnings == (Said("2026-11-20T15:00:00.000Z", "anna", "late"),) and seen.facts == {"lock_ttl_s": 4}


def test_a_recovery_that_did_not_all_come_has_no_time() -> None:
    assert catalog.seen("/r", HEAD, document(came="broke"), "", NOTES).recovered_s is None
    bare = document()
    bare["scenarios"][0]["injections"][0] |= {
        "activated": False,
        "deactivated": False,
        "stats": {"inForceFromMs": None},
    }
    seen = catalog.seen("/r", HEAD, bare, "", NOTES)
    assert (seen.detected_s, seen.restored) == (None, None)


def test_what_the_load_is_answered_is_what_clients_notice_and_no_signal_of_the_system() -> None:
    """The answers come first (0.1 s), the system's own state later."""
    made = document()
    (scenario,) = made["scenarios"]
    scenario["assertions"].append({**scenario["assertions"][0], "name": "falls_back",
                                   "expected": "eventually fallback is pending within 6 s"})  # fmt: skip
    scenario["timeline"]["events"].append(
        {"type": "assertion_result", "timestamp": 1100, "data": {"name": "falls_back", "phase": "fault"}}
    )
    awaited = eventually(LoadOutcome(name="fallback").is_("pending"), within_s=6.0, name="falls_back")
    declared = {"checks": [], "during": [to_data(awaited)]}
    seen = catalog.seen("/r", {**HEAD, "experiment": declared}, made, "", NOTES)
    assert (seen.detected_by, seen.detected_s, seen.felt) == ("ready is 503", 0.4, "fallback is pending after 100 ms")


def test_where_nothing_is_broken_times_count_from_its_beginning_and_its_end() -> None:
    made = document()
    (scenario,) = made["scenarios"]
    scenario["injections"] = []
    scenario["timeline"]["events"] = [
        one for one in scenario["timeline"]["events"] if one["type"] == "assertion_result"
    ]
    for one, message in zip(
        scenario["assertions"], ("0.632 s after the fault", "2.457 s after the undo"), strict=False
    ):
        one["message"] = f"came true {message}"
    seen = catalog.seen("/r", HEAD, made, "", NOTES)
    assert (seen.detected_by, seen.detected_s, seen.recovered_s) == ("ready is 503", 0.632, 2.457)
    text = told(seen)
    assert "**Detection**: ready is 503, 632 ms after it began" in text
    assert "was there 2.46 s after it was over" in text and "2.46 s (2.46 s)" in section(text, "At a glance")


def test_where_only_a_backlog_is_awaited_that_is_told() -> None:
    made = document()
    made["scenarios"][0]["assertions"] = [
        {"type": "drain", "name": "drains", "expected": "eventually lag is 0 within 9 s", "result": "held",
         "message": "came true 1.250 s after the load's end"},
    ]  # fmt: skip
    made["scenarios"][0]["injections"] = []
    text = told(catalog.seen("/r", HEAD, made, "", NOTES))
    assert "nothing is awaited but that what was left is worked off: 1.25 s after the load's end" in text


@pytest.mark.parametrize("broken", [{}, {"verdict": "held"}, {"verdict": "held", "scenarios": []}])
def test_a_document_of_another_form_is_no_run(broken: dict[str, Any]) -> None:
    with pytest.raises((KeyError, IndexError)):
        catalog.seen("/r", HEAD, broken, "", NOTES)
