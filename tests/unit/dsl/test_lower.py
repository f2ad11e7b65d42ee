"""Scenarios become ordinary experiments: loads, faults and checks that exist, and nothing of them is left out."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.dsl import expected, injected
from blackstart.dsl.lower import lowered, scenarios
from blackstart.dsl.parse import parse
from blackstart.dsl.problems import BadSpec
from blackstart.dsl.slug import slug
from blackstart.dsl.vocabulary import CALLED_EXPECTATIONS, EXPECTATIONS, INJECTIONS
from blackstart.faults.blackhole import Blackhole
from blackstart.faults.clock_skew import ClockSkew
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.cut import Cut
from blackstart.faults.latency import Latency
from blackstart.faults.lose_statements import LoseStatements
from blackstart.faults.memory_stress import MemoryStress
from blackstart.faults.reset import Reset
from blackstart.loads import Burst, OpenLoop, Sequence
from blackstart.model.experiment import Experiment
from blackstart.model.target import Service, Target
from blackstart.suites import systems

SPEC = systems.folder("checkout") / "spec.isl"
AWAITED = ["sessions_caught_up", "charges_caught_up", "charges_and_sessions_agree"]
TABLES: dict[str, Any] = {
    "behaviors": {
        "Open": {
            "route": "/open",
            "key_header": "Idempotency-Key",
            "client_header": "X-Client",
            "body": {"who": "{key}"},
            "other_body": {"who": "else"},
            "result_from": "json:id",
            "code_from": "json:error.code",
        }
    },
    "components": {"Repository": "postgres", "Gateway": "payments"},
    "records": {
        "sessions": "select key, id from sessions where key like {prefix}",
        "charges": "select key, id from charges where key like {prefix}",
    },
}
TARGET = Target(
    "shop",
    api="http://localhost:80",
    proxy="http://localhost:8474",
    services={
        "postgres": Service("postgres", "localhost:1", dsn="postgresql://u@localhost:5432/x", proxy_name="postgres"),
        "payments": Service("payments", "localhost:2", dsn="http://localhost:2", proxy_name="payments"),
        "api": Service("api", "localhost:80", dsn="http://localhost:80", proxy_name="api"),
    },
    facts={"answer_timeout_s": 4.0, "limit_window": "sliding"},
    routes=TABLES,
)


def made(*members: str, target: Target = TARGET, behavior: str = "Open") -> Experiment:
    text = f'chaos {behavior} {{\n  scenario "it" {{\n    {chr(10).join(members)}\n  }}\n}}\n'
    document = parse(text, "spec.isl")
    ((block, scenario),) = scenarios(document)
    return lowered(document, block, scenario, target)


def checks(experiment: Experiment) -> dict[str, Any]:
    return {check.name: dict(check.params) for check in experiment.checks}


def test_duplicates_are_a_burst_of_one_key_that_must_be_proved_to_overlap() -> None:
    twice = [
        made("inject: concurrent_requests(count: 10)", 'with: idempotency_key("a b")', "expect: exactly_one_created")
        for _ in range(2)
    ]
    loads = [one.traffic.load for one in twice if one.traffic]
    assert all(isinstance(load, Burst) and load.same_key and load.n == 10 for load in loads)
    # The key of a run before is known already: each run has its own, which begins as it is written.
    assert loads[0].key_prefix != loads[1].key_prefix and loads[0].key_prefix.startswith("a-b-")
    (overlap,) = [check for check in twice[0].checks if check.premise]
    assert (overlap.check, overlap.params["n"]) == ("overlap", 10)
    assert checks(twice[0])["exactly_one_created"]["source"] == "sessions"


def test_a_storm_is_of_one_client_and_never_sets_the_limit() -> None:
    one = made(
        "inject: rate_limit_storm(requests: 100, window: 1s, limit: 10)", "expect: graceful_degradation",
        "expect: no_data_corruption",
    )  # fmt: skip
    assert one.traffic and isinstance(one.traffic.load, OpenLoop) and not one.faults and not one.prepare
    (operation,) = one.traffic.load.operations
    assert operation.headers["X-Client"] == one.traffic.load.key_prefix and "{key}" in operation.headers.values()
    asked = checks(one)["graceful_degradation"]
    assert (asked["most"], asked["window_s"], asked["sliding"]) == (10, 1.0, True)
    assert checks(one)["no_data_corruption"]["sources"] == ("sessions", "charges")
    assert [awaited.name for awaited in one.drained] == AWAITED


def test_windows_are_fixed_where_the_target_does_not_say_otherwise() -> None:
    plain = replace(TARGET, facts={})
    one = made("inject: rate_limit_storm(requests: 9, window: 1s, limit: 1)", "expect: graceful_degradation",
               target=plain)  # fmt: skip
    assert checks(one)["graceful_degradation"]["sliding"] is False


def test_a_conflict_is_one_key_with_two_contents() -> None:
    one = made('with: idempotency_key("k")', "expect: IDEMPOTENCY_CONFLICT when parameters differ")
    assert one.traffic and isinstance(one.traffic.load, Sequence)
    bodies = [operation.body for operation in one.traffic.load.operations]
    assert bodies[0] == bodies[2] != bodies[1]
    assert checks(one)["idempotency_conflict"]["code"] == "IDEMPOTENCY_CONFLICT"


@pytest.mark.parametrize(
    ("asked", "fault", "p99"),
    [
        ('p99: 500ms, distribution: "normal"', Latency("api", 316, 79, distribution="normal", each="answer"), 500),
        ('p99: 500ms, distribution: "fixed"', Latency("api", 500), 500),
        ('p99: 500ms, distribution: "uniform"', Latency("api", 336, 168, each="answer"), 500),
        (
            'p99: 500ms, distribution: "exponential"',
            Latency("api", 0, 109, distribution="exponential", each="answer"),
            500,
        ),
        ("delay: 2s, jitter: 100ms, target: Gateway", Latency("payments", 2000, 100, each="answer"), 2098),
    ],
)  # fmt: skip
def test_a_delay_is_the_one_that_is_asked_for_and_that_is_measured(asked: str, fault: Latency, p99: float) -> None:
    one = made(f"inject: latency({asked})", "expect: response_within(timeout: 5s)", "expect: no_timeout_errors")
    assert one.faults == (fault,)
    (met,) = [check for check in one.checks if check.premise]
    assert met.check == "delays_met" and met.params["quantiles_ms"]["p99"] == pytest.approx(p99, abs=1)
    assert one.traffic and one.traffic.load.operations[0].timeout_s > 5  # a later answer would be seen
    assert one.hold_min_s > 5


def test_answers_are_lost_after_the_request_was_taken() -> None:
    one = made("inject: network_failure(probability: 0.8, recovers_after: 2s)", "expect: eventually_succeeds",
               "expect: no_duplicate_sessions", "retries: 3")  # fmt: skip
    (fault,) = one.faults
    assert isinstance(fault, Reset) and fault.share == 0.8 and fault.after_ms > 0 and fault.stream == "downstream"
    assert one.traffic
    retry = one.traffic.load.retry
    assert retry.times == 3 and sum(retry.wait_s(n) for n in (1, 2, 3)) > one.hold_min_s  # the last comes after it
    assert one.settle_s > sum(retry.wait_s(n) for n in (1, 2, 3)) and retry.acknowledged_every
    assert checks(one)["eventually_succeeds"]["attempts"] == 4


@pytest.mark.parametrize("retries", [1, 5, 10, 20, 1000])
def test_however_many_retries_there_are_they_outlast_the_fault_and_are_no_flood(retries: int) -> None:
    one = made("inject: network_failure(probability: 0.8, recovers_after: 2s)", "expect: eventually_succeeds",
               f"retries: {retries}")  # fmt: skip
    assert one.traffic
    waits_s = [one.traffic.load.retry.wait_s(times) for times in range(1, retries + 1)]
    assert min(waits_s) >= 0.1 and sum(waits_s) > 4.99
    assert sum(waits_s) < max(3 * 5.0, 2 * 0.1 * retries) and one.settle_s > sum(waits_s)


def test_what_no_load_can_do_is_refused_in_its_place() -> None:
    with pytest.raises(BadSpec, match=r"spec\.isl:2:3: .* at most 3600|spec\.isl:2:3: .* 0 and 3600"):
        made("inject: network_partition(target: Gateway, duration: 2h)", "retries: 1\nexpect: eventually_succeeds")


@pytest.mark.parametrize("written", ["500ms", "2s", "40s"])
def test_a_fault_lasts_as_long_as_it_is_written(written: str) -> None:
    for injection in ("service_unavailable(target: Gateway", "database_failure(mode: TIMEOUT"):
        one = made(f"inject: {injection}, duration: {written})", "expect: graceful_degradation")
        assert one.hold_min_s == {"500ms": 0.5, "2s": 2.0, "40s": 40.0}[written]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (("inject: service_unavailable(target: Gateway, duration: 1s)", "expect: response_within(timeout: 30s)"),
         r"lasts 1 s as written, and only after 32 s could an answer be seen that takes 30 s or more: write 32s"),
        (("inject: database_failure(probability: 5%, duration: 1s)", "expect: no_data_corruption"),
         r"lasts 1 s as written, and only after 36 s is it sure that so small a probability has hit a request"),
        (("inject: network_failure(probability: 10%, recovers_after: 2s)", "expect: no_data_corruption"),
         r"lasts 2 s as written, and only after 18 s"),
        (("inject: database_failure(probability: 0.1%)", "expect: no_data_corruption"),
         r"only after 1842 s of the fault is it sure .* and 300 s is the longest"),
        (("inject: network_failure(probability: 0.000000000000001%)", "expect: no_data_corruption"),
         "300 s is the longest"),
        (("inject: rate_limit_storm(requests: 10, window: 1s, limit: 10)", "expect: graceful_degradation"),
         r"10 requests can't show a limit of 10"),
        (("inject: rate_limit_storm(requests: 100, window: 60s, limit: 10)", "expect: graceful_degradation",
          "timeout: 25s"),
         r"its time limit of 25 s is too short: .* about 66 s"),
        (("inject: service_unavailable(target: Gateway, duration: 1s)", "inject: database_failure(duration: 2s)",
          "expect: graceful_degradation"), "that last differently long"),
    ],
    ids=range(8),
)  # fmt: skip
def test_what_a_written_time_can_not_show_is_refused_with_the_time_that_can(
    members: tuple[str, ...], told: str
) -> None:
    with pytest.raises(BadSpec, match=told):
        made(*members)


def test_a_long_storm_has_time_for_all_of_it() -> None:
    one = made("inject: rate_limit_storm(requests: 700, window: 10m, limit: 10)", "expect: graceful_degradation")
    assert one.total_max_s > 600 and one.hold_max_s > 600


@pytest.mark.parametrize("claim", ["result.latency < 10s", "response_within(timeout: 30s)"])
def test_retries_outlast_the_fault_that_is_made_longer_for_a_claim(claim: str) -> None:
    one = made("inject: database_failure(target: Repository, mode: UNAVAILABLE)", "retries: 3",
               "expect: successful_retry_after_recovery", f"expect: {claim}")  # fmt: skip
    assert one.traffic
    waits_s = sum(map(one.traffic.load.retry.wait_s, (1, 2, 3)))
    assert one.hold_min_s >= 12 and waits_s >= one.hold_min_s + 2.99 and one.settle_s > waits_s


def test_a_database_fails_as_it_is_written() -> None:
    of = {
        "target: Repository, mode: UNAVAILABLE": Cut("postgres"),
        "mode: TIMEOUT": Blackhole("postgres"),
        "probability: 0.3, mode: TIMEOUT": Blackhole("postgres", 0.3),
        "probability: 0.3": Reset("postgres", share=0.3),
        "operation: INSERT, mode: UNAVAILABLE": LoseStatements("postgres", "insert"),
        'operation: "select", mode: TIMEOUT, probability: 0.3': LoseStatements("postgres", "select", 0.3, "silent"),
    }
    for asked, fault in of.items():
        one = made(f"inject: database_failure({asked})", "expect: error_returned(SERVICE_UNAVAILABLE)")
        assert one.faults == (fault,)
        assert one.hold_min_s > 4.0  # the target's own patience: only then has it shown what it does
    # By chance no request is hit in one run of 10,000 at most.
    rare = made("inject: database_failure(probability: 0.01)", "expect: eventual_consistency")
    assert rare.traffic and rare.hold_min_s * rare.traffic.load.stages[0].rate_per_s > 900


def test_what_a_service_runs_on_is_pressed_as_it_is_written() -> None:
    of: dict[str, tuple[object, float]] = {
        "cpu_pressure(target: api, load: 80%, duration: 9s)": (CpuStress("api", 0.8), 9.0),
        "memory_pressure(target: Repository, usage: 0.9)": (MemoryStress("postgres", share=0.9), 4.0),
        "clock_skew(target: api, offset: -5m)": (ClockSkew("api", -300), 4.0),
        "clock_skew(target: api, offset: 1h)": (ClockSkew("api", 3600), 4.0),
    }
    for asked, (fault, held_s) in of.items():
        one = made(f"inject: {asked}", "expect: eventually_succeeds", "retries: 1")
        assert one.faults == (fault,) and one.hold_min_s >= held_s
        assert from_data(to_data(one)) == one


def test_what_is_written_of_answers_is_a_check() -> None:
    one = made("inject { database_failure(target: Repository) }", "when { result = Open(input) }",
               "then { result is error result.error.code == DOWN result.latency < 10s }")  # fmt: skip
    claims = [check.params["claim"] for check in one.checks if check.check == "claim_holds"]
    assert claims == [("is", "result", "error"), ("==", "error.code", "DOWN"), ("<", "latency", 10.0)]
    later = made("inject { database_failure(target: Repository) }", "then { eventually within 5s: result is success }")
    assert next(one for one in later.checks if one.check == "claim_holds").params["within_s"] == 5.0


def test_a_latency_that_is_claimed_can_be_seen_to_be_longer() -> None:
    for claim in ("result.latency < 20s", "result is error or not (result.latency >= 20s and result.latency > 1s)"):
        one = made("inject { latency(delay: 1s) }", f"then {{ {claim} }}")
        assert one.traffic and one.traffic.load.operations[0].timeout_s > 20 and one.hold_min_s > 20
    eventual = made("inject { latency(delay: 1s) }", "then { eventually within 5s: result.latency < 20s }")
    assert eventual.hold_min_s < 20


def test_nothing_is_doubled_among_what_could_have_been() -> None:
    for does, again in (
        ("concurrent_requests(count: 2)", "at_once"),
        ("network_failure(probability: 0.5)", "in_force"),
    ):
        assert checks(made(f"inject: {does}", "expect: no_duplicate_charges"))["no_duplicate_charges"]["again"] == again


def test_what_is_eventually_so_is_looked_for_until_its_time_is_over() -> None:
    failing = "inject: database_failure(target: Repository)"
    for more in ((), ("retries: 3",)):
        one = made(failing, "expect { eventually within 60s: result is success }", *more)
        assert one.traffic and one.traffic.flows == "throughout"
        # A request that is sent right before the time is over is waited for, too.
        assert one.settle_s >= 60.0 + one.traffic.load.operations[0].timeout_s
        assert one.total_max_s > 2 * (one.hold_min_s + one.settle_s)
    with pytest.raises(BadSpec, match="too short"):
        made(failing, "expect { eventually within 60s: result is success }", "timeout: 60s")


def of_behavior(**keys: object) -> Target:
    return replace(TARGET, routes={**TABLES, "behaviors": {"Open": {**TABLES["behaviors"]["Open"], **keys}}})


def test_statuses_and_codes_are_those_that_the_target_names_and_else_tell_nothing() -> None:
    burst = ("inject: concurrent_requests(count: 2)", "expect: exactly_one_created")
    order = checks(made(*burst))["answers_have_one_order"]
    assert order["created"] == order["same"] and order["conflict_code"] == "IDEMPOTENCY_CONFLICT"
    order = checks(made(*burst, target=of_behavior(created=201, same=200, conflict_code="KEY_USED")))
    named = order["answers_have_one_order"]
    assert (named["created"], named["same"], named["conflict_code"]) == (201, 200, "KEY_USED")
    one = checks(made('with: idempotency_key("k")', "expect: OTHER_BODY when parameters differ"))
    assert one["answers_have_one_order"]["conflict_code"] == "OTHER_BODY"
    storm = ("inject: rate_limit_storm(requests: 9, window: 1s, limit: 1)", "expect: graceful_degradation")
    assert checks(made(*storm, target=of_behavior(limited_code="SLOW")))["graceful_degradation"]["code"] == "SLOW"
    slow = ("inject: latency(delay: 1s)", "expect: no_timeout_errors")
    assert checks(made(*slow, target=of_behavior(timeout_code="LATE")))["no_timeout_errors"]["codes"] == ("LATE",)
    with pytest.raises(BadTarget, match='"created" must be a status'):
        made(*burst, target=of_behavior(created="201"))


CLIENTS_WAY = (
    "network_failure(probability: 0.5)", "network_partition(target: api)", "service_unavailable(target: api)",
    "service_unavailable(target: api, probability: 0.5)",
)  # fmt: skip


@pytest.mark.parametrize("injection", CLIENTS_WAY)
def test_what_is_lost_on_the_clients_own_way_is_charged_to_nobody(injection: str) -> None:
    for claim in ("no_timeout_errors", "error_returned(DOWN)"):
        with pytest.raises(BadSpec, match="the clients' own way is broken"):
            made(f"inject: {injection}", f"expect: {claim}")
    claims = ("graceful_degradation", "response_within(timeout: 5s)", "latency_within(5s)", "result.latency < 5s")
    for claim in claims:
        if "probability" not in injection and claim != "graceful_degradation":
            # Nobody is answered while it is in force: that could only be inconclusive.
            with pytest.raises(BadSpec, match="there are none: the clients are cut off.* Expect .*eventually_succeeds"):
                made(f"inject: {injection}", f"expect {{ {claim} }}")
            continue
        one = made(f"inject: {injection}", f"expect {{ {claim} }}")
        assert [check.params["lossy"] for check in one.checks if check.criterion and not check.premise] == [True], claim
    one = made("inject: network_partition(target: Gateway)", "expect: no_timeout_errors",
               "expect: graceful_degradation", "expect: response_within(timeout: 5s)")  # fmt: skip
    assert "lossy" not in checks(one)["graceful_degradation"]


def test_what_follows_once_the_clients_are_no_longer_cut_off_is_expected() -> None:
    one = made("inject: network_partition(target: api)", "expect: eventually_succeeds", "retries: 3",
               "expect { eventually within 10s: result is success }")  # fmt: skip
    assert {"eventually_succeeds", "eventually within 10s: result is success"} <= checks(one).keys()


BURST, RUSH = "concurrent_requests(count: 2)", "rate_limit_storm(requests: 9, window: 1s, limit: 1)"
EVENTUALLY = "eventually within 5s: result is success"
COULD_ONLY_BE_INCONCLUSIVE = [
    *((f"inject: {load}", claim, "nothing is broken here")
      for load in (BURST, RUSH)
      for claim in ("eventually_succeeds", "successful_retry_after_recovery", "error_returned(DOWN)", EVENTUALLY)),
    ('with: idempotency_key("k")', EVENTUALLY, "nothing is broken here"),
    *((f"inject: {RUSH}", claim, "each request of a storm has a key of its own")
      for claim in ("exactly_one_created", "no_duplicate_charges", "all_return_same_session")),
    ("inject: network_failure(probability: 0.5)", "eventually_succeeds", "add retries"),
]  # fmt: skip


@pytest.mark.parametrize(("does", "claim", "why"), COULD_ONLY_BE_INCONCLUSIVE)
def test_what_could_only_be_inconclusive_is_refused_in_its_place(does: str, claim: str, why: str) -> None:
    retries = "" if why == "add retries" else "retries: 3"
    with pytest.raises(BadSpec, match=why) as refused:
        made(does, f"expect {{ {claim} }}", retries)
    assert refused.value.lines()[0].startswith("spec.isl:4:")


def test_of_a_request_whose_time_was_over_nobody_knows_whether_it_was_carried_out() -> None:
    for does in (f"inject: {BURST}", f"inject: {RUSH}", "inject: network_failure(probability: 0.5)"):
        one = made(does, "expect: no_data_corruption")
        assert one.traffic
        statuses = one.traffic.load.operation if BURST in does else one.traffic.load.operations[0]
        told = {status: statuses.statuses().outcome(status) for status in (201, 408, 409, 429, 503)}
        assert told == {201: "ok", 408: "info", 409: "fail", 429: "fail", 503: "info"}


def test_time_outs_are_told_without_a_fault_too() -> None:
    for does in (f"inject: {BURST}", 'with: idempotency_key("k")'):
        assert "phase" not in checks(made(does, "expect: no_timeout_errors"))["no_timeout_errors"]


REFUSED = {
    "offset_s must be at least 5 s": "inject: clock_skew(target: api, offset: 500ms)",
    "latency_ms must be above 0": "inject: latency(delay: 0.2ms)",
    "payments speaks http": "inject: database_failure(target: Gateway, operation: insert)",
    "beside another injection": "inject: concurrent_requests(count: 2)\ninject: network_failure(probability: 0.5)",
    "two injections on one way": "inject: network_failure(probability: 0.5)\ninject: latency(delay: 1s)",
    "too short": "inject: network_failure(probability: 0.5)\ntimeout: 5s",
    "only result = Open": "when { result = Other(input) }",
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_can_t_be_done_is_refused_with_its_place_and_never_left_out(why: str) -> None:
    with pytest.raises(BadSpec) as refused:
        made(REFUSED[why], "retries: 3", "expect: eventually_succeeds")
    told, line, caret = refused.value.lines()
    assert re.match(r"spec\.isl:\d+:\d+: ", told) and why in told
    # The place is shown as that of a mistake in the language is: its line, and a caret below what is refused.
    name = re.match(r"\w+", line[caret.index("^") :])
    assert name and name[0] in (REFUSED[why] if name[0] != "scenario" else "scenario"), (line, caret)


def test_of_two_expectations_with_one_name_neither_is_left_out_and_what_is_said_twice_is_judged_once() -> None:
    one = made("inject: database_failure(target: Repository)", "expect: response_within(timeout: 1ms)",
               "expect: response_within(timeout: 50s)", "expect: response_within(50s)",
               "expect: error_returned(DOWN)", "expect: error_returned(AWAY)", "expect: no_data_corruption",
               "expect: eventual_consistency")  # fmt: skip
    asked = checks(one)
    assert len(asked) == len(one.checks)
    assert [asked[name]["limits_ms"]["max"] for name in ("response_within", "response_within_2")] == [1.0, 50_000.0]
    assert [asked[name]["code"] for name in ("error_returned", "error_returned_2")] == ["DOWN", "AWAY"]
    assert "response_within_3" not in asked
    assert [awaited.name for awaited in one.drained] == AWAITED


def test_what_is_written_behind_a_claim_is_said_where_it_does_not_hold() -> None:
    one = made("inject: database_failure(target: Repository)", 'expect { result.latency < 10s "stays responsive" }',
               'expect: no_data_corruption "nothing is lost"')  # fmt: skip
    hints = {each.name: each.hint for each in (*one.checks, *one.drained)}
    assert hints["result.latency < 10s"] == "stays responsive"
    assert hints["no_data_corruption"] == hints[AWAITED[-1]] == "nothing is lost"


def test_what_the_target_lacks_is_named() -> None:
    for lacks, why in (({"behaviors": {}}, r"write \[behaviors\.Open\]"), ({"records": {}}, r"write a query")):
        with pytest.raises(BadTarget, match=why):
            made("inject: concurrent_requests(count: 2)", "expect: exactly_one_created",
                 target=replace(TARGET, routes={**TABLES, **lacks}))  # fmt: skip
    with pytest.raises(BadTarget, match="which service"):
        made("inject: network_partition(target: Ledger)", "expect: no_timeout_errors")
    with pytest.raises(BadTarget, match="Did you mean"):
        made("inject: concurrent_requests(count: 2)", "expect: exactly_one_created", behavior="Opens")


def test_one_record_alone_is_given_its_time_too() -> None:
    alone = {**TABLES, "records": {"sessions": TABLES["records"]["sessions"]}}
    target = replace(TARGET, routes=alone, facts={**TARGET.facts, "catch_up_s": 7.0})
    (awaited,) = made("inject: concurrent_requests(count: 2)", "expect: no_data_corruption", target=target).drained
    assert (awaited.name, awaited.within_s) == ("sessions_caught_up", 7.0)


def test_a_time_limit_is_that_of_the_run() -> None:
    one = made("inject: network_failure(probability: 0.5)", "expect: no_data_corruption", "timeout: 90s")
    assert one.total_max_s == 90.0
    awaited = ("inject: concurrent_requests(count: 2)", "expect: no_data_corruption")
    with pytest.raises(BadSpec, match="records that are awaited take about 36 s"):
        made(*awaited, "timeout: 30s")  # they may be 30 s late
    assert made(*awaited, "timeout: 40s").total_max_s == 40.0


def test_every_word_of_the_language_has_a_meaning_or_is_refused_by_name() -> None:
    assert {*injected._KNOWN} == {*INJECTIONS}
    assert {*expected._PLAIN} == {*EXPECTATIONS} and {*expected._CALLED} == {*CALLED_EXPECTATIONS}


def test_the_shipped_scenarios_can_be_recorded_and_are_listed_as_they_are_parsed() -> None:
    document = parse(SPEC.read_text(encoding="utf-8"), str(SPEC))
    routes = {**TABLES, "behaviors": {"CreateCheckoutSession": TABLES["behaviors"]["Open"]}}
    routes["components"] = {"CheckoutRepository": "postgres"}
    named = []
    for block, scenario in scenarios(document):
        one = lowered(document, block, scenario, replace(TARGET, routes=routes))
        assert from_data(to_data(one)) == one
        named.append(slug(scenario.name))
    assert tuple(named) == systems.of("checkout").order
    assert Path(SPEC).parent.name == "checkout"
