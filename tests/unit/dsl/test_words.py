"""A word, a parameter or a value that is not known is an error that says what would be right: nothing is dropped."""

from __future__ import annotations

import time

import pytest

from blackstart.dsl import vocabulary
from blackstart.dsl.parse import parse
from blackstart.dsl.problems import BadSpec
from blackstart.dsl.vocabulary import CALLED_EXPECTATIONS, EXPECTATIONS, INJECTIONS, Words
from tests.fuzz.blocks import LIMIT_S
from tests.unit.dsl.documents import CONCURRENT, mistakes, wrong

RIGHT = {
    "concurrent_requests": "count: 1000",
    "rate_limit_storm": "requests: 100, window: 1s, limit: 10",
    "latency": 'p99: 500ms, distribution: "normal", target: PaymentGateway',
    "network_latency": "target: CheckoutRepository, delay: 1 second",
    "network_failure": "probability: 80%, recovers_after: 2s",
    "network_partition": "target: CheckoutRepository, duration: 5s",
    "service_unavailable": 'target: "PaymentGateway", duration: 5s, probability: 1.0',
    "database_failure": 'target: Repository, mode: TIMEOUT, probability: 0.3, operation: "update", duration: 5s',
    "cpu_pressure": "target: CheckoutAPI, load: 90%, duration: 5s",
    "memory_pressure": "target: CheckoutAPI, usage: 0.9",
    "clock_skew": "target: CheckoutAPI, offset: -1h",
}


@pytest.mark.parametrize("name", INJECTIONS)
def test_every_injection_takes_each_of_its_parameters(name: str) -> None:
    text = f'chaos {{ scenario "s" {{ inject: {name}({RIGHT[name]}) expect: no_timeout_errors }} }}'
    (injection,) = parse(text).blocks[0].scenarios[0].injections
    missing = set(INJECTIONS[name].parameters) - {argument.name for argument in injection.arguments}
    assert missing == ({"delay", "jitter"} if name == "latency" else set())


@pytest.mark.parametrize("name", INJECTIONS)
def test_every_parameter_refuses_what_it_can_not_be(name: str) -> None:
    for given in RIGHT[name].split(", "):
        parameter = given.split(":")[0]
        bad = RIGHT[name].replace(given, f"{parameter}: [null]")
        told = wrong(f"inject: {name}({bad}) expect: no_timeout_errors")
        assert told == f"{name}: {parameter} must be {INJECTIONS[name].parameters[parameter].what}"
        doubled = f"{RIGHT[name]}, {given}"
        told = wrong(f"inject: {name}({doubled}) expect: no_timeout_errors")
        assert told == f'{name}: "{parameter}" is given twice; leave one of them out'


@pytest.mark.parametrize("name", EXPECTATIONS)
def test_every_expectation_is_known_alone_and_joined_with_nothing(name: str) -> None:
    parse(f'chaos {{ scenario "s" {{ with: idempotency_key("k") expect: {name} }} }}')
    for joined in (f"not {name}", f"result is error or {name}", f"eventually within 5s: {name}"):
        assert wrong(f"with: idempotency_key('k') expect: {joined}").startswith(f"{name} is no matter of one answer")


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("result != eror", 'result is error or success, as error, and never eror. Did you mean "error"?'),
        ("not (result is eror)", 'result is error or success, as error, and never eror. Did you mean "error"?'),
        ("result in [error, succes]",
         'result is error or success, as error, and never succes. Did you mean "success"?'),
        ("result < error", "result is compared by is, ==, != or in, not by <"),
        ("result.latency < 500", "result.latency is a time with its unit, as 500ms, and never 500."),
        ('result.latency < "5s"', 'result.latency is a time with its unit, as 500ms, and never "5s".'),
        ('result.status == "200"', 'result.status is a whole number from 100 to 599, as 503, and never "200".'),
        ("result.status == 20", "result.status is a whole number from 100 to 599, as 503, and never 20."),
        ("result.status in 200", "behind in stands a list, as in result.status in [503]"),
        ("result.status in []", "behind in stands a list, as in result.status in [503]"),
        ("result.error.code == 4", "result.error.code is a code, as RATE_LIMITED, and never 4."),
        ("result.error.code > A", "result.error.code is compared by is, ==, != or in, not by >"),
        ("result.colour == red", "result.colour is not available yet: nothing here tells it."
         " Known: error.code, latency, result, status."),
        ("other.status == 1", "other.status == 1 is no claim of an answer: compare a field of `result` with a value"),
        ("1 == 1", "1 == 1 is no claim of an answer: compare a field of `result` with a value"),
        ("result is error or (eventually within 5s: result is error)",
         "eventually begins an expectation: write it as one of its own"),
    ],
)  # fmt: skip
def test_a_claim_that_no_answer_could_meet_or_miss_is_a_mistake(claim: str, told: str) -> None:
    assert wrong(f"with: idempotency_key('k') expect: {claim}").rstrip(".") == told.rstrip(".")


TRUE, FALSE = "is true of every answer there can be", "is false of every answer there can be"


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("result.latency >= 0ms", TRUE), ("result.latency > 0ms", TRUE), ("result.latency < 0ms", FALSE),
        ("result.status >= 100", TRUE), ("result.status >= 200", TRUE), ("result.status <= 599", TRUE),
        ("result.status == 199", FALSE), ("result in [error, success]", TRUE),
        ("result is error or result is success", TRUE), ("result is success implies result is success", TRUE),
        ("result is success implies result.status < 300", TRUE), ("not (result.status >= 100)", TRUE),
        ("result.status == 200 and result.status == 503", FALSE), ("result is error and result is success", FALSE),
        ("result is success and result.status == 503", FALSE),
        ("result is success and result.error.code == A", FALSE),
        ("result.latency < 1s or result.latency >= 1s", TRUE), ("result.latency < 1s and result.latency > 2s", FALSE),
        ("result.error.code == A and result.error.code == B", FALSE),
        ("result.error.code != A or result.error.code != B", TRUE),
        ("result.latency < 1s and (result is error or result.status < 300)", TRUE),
        ("eventually within 5s: result.status < 600", None), ("eventually within 5s: result.latency >= 0ms", TRUE),
    ],
)  # fmt: skip
def test_a_claim_that_says_nothing_of_any_answer_is_a_mistake_with_what_answers_there_are(
    claim: str, told: str | None
) -> None:
    found = wrong(f"with: idempotency_key('k') expect: {claim}")
    assert (told or "a whole number from 100 to 599") in found
    assert told is None or found.endswith("claim what one answer can have and another not, as result.status < 500")


def test_the_part_that_says_nothing_is_told_in_its_place() -> None:
    text = 'chaos { scenario "s" { with: idempotency_key("k")\nexpect: result is error or\n  result.latency >= 0ms } }'
    assert mistakes(text)[0].startswith("3:3: result.latency >= ")


def test_a_claim_of_more_values_than_can_be_looked_through_is_refused_at_once() -> None:
    limits = " or ".join(f"result.latency < {number}s" for number in range(1, 90))
    codes = ", ".join(f"C{number}" for number in range(2000))
    began_s = time.process_time()
    told = wrong(f"with: idempotency_key('k') expect: ({limits}) or result.error.code in [{codes}] or result is error")
    assert told == "names too many values to be looked through: split it"
    assert time.process_time() - began_s < LIMIT_S


@pytest.mark.parametrize(
    "claim",
    ["result != error", "result.status in [200, 201]", "result.status >= 201", "result.status == 599",
     "result is error implies result.status >= 400", "result is success implies result.latency < 1s",
     "result.error.code != A", "result.error.code in [A, B]", "result.latency != 1s", "not (result.status == 503)",
     "result is success or result.status == 503 and result.latency < 500ms", "result.latency > 1ms",
     "result.status == 503 implies result.error.code == A", "500 > result.status", "5s > result.latency",
     "result.error.code in [A, 'b']", "result is error implies not (result.status == 500)"],
)  # fmt: skip
def test_a_claim_that_an_answer_can_meet_is_right(claim: str) -> None:
    parse(f'chaos {{ scenario "s" {{ with: idempotency_key("k") expect: {claim} }} }}')


@pytest.mark.parametrize("step", ["result = B(items: [], count: 99)", "result = B()", "B(input)", "other = B(input)"])
def test_what_a_call_would_be_given_besides_its_input_is_refused(step: str) -> None:
    told = wrong(f"with: idempotency_key('k') when {{ {step} }} {OK}")
    assert told == "only result = BEHAVIOR(input) is available here yet: the load is the behavior's own"


@pytest.mark.parametrize("call", ["error_returned(SERVICE_UNAVAILABLE)", "response_within(timeout: 5s)",
                                  "response_within(5s)", "latency_within(500ms)"])  # fmt: skip
def test_every_expectation_with_an_argument_is_known(call: str) -> None:
    assert call.partition("(")[0] in CALLED_EXPECTATIONS
    parse(f'chaos {{ scenario "s" {{ with: idempotency_key("k") expect: {call} }} }}')


OK = "expect: no_timeout_errors"


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (f"inject: concurent_requests(count: 2) {OK}",
         'unknown injection "concurent_requests". Did you mean "concurrent_requests"?'),
        (f"inject: concurrent_requests {OK}", 'concurrent_requests needs "count": a whole number from 2 to 20000'),
        (f"inject: concurrent_requests(10) {OK}", "concurrent_requests: a parameter needs its name, one of count"),
        (f"inject: concurrent_requests(count: 1) {OK}",
         "concurrent_requests: count must be a whole number from 2 to 20000"),
        (f"inject: concurrent_requests(count: 2.5) {OK}",
         "concurrent_requests: count must be a whole number from 2 to 20000"),
        (f"inject: concurrent_requests(count: 2s) {OK}",
         "concurrent_requests: count must be a whole number from 2 to 20000"),
        (f"inject: rate_limit_storm(requests: 100000, window: 1ms, limit: 1) {OK}",
         "rate_limit_storm: 100000000 requests a second are more than 20000: allow more window"),
        (f"with: idempotency_key('k') with: idempotency_key('l') {OK}",
         "the requests have one key only: leave one of the idempotency_key out"),
        ("inject: concurrent_requests(count: 2) expect: A when parameters differ",
         "a conflict is two requests of its own, beside no injection: give it a scenario"),
        (f"inject: latency(p99: 1s, delay: 1s) {OK}", "latency needs one of p99 or delay, and only one"),
        (f"inject: latency(p99: 500) {OK}",
         "latency: p99 must be a time with its unit, above 0 and up to 1d, as 500ms, 2 seconds or 1.5h"),
        (f"inject: latency(p99: 2 weeks) {OK}",
         'unknown unit "weeks". Known: d, days, h, hours, m, milliseconds, minutes, ms, s, seconds.'),
        (f"inject: latency(p99: 1 Hour) {OK}", 'unknown unit "Hour". Did you mean "hours"?'),
        (f"inject: cpu_pressure(target: A, load: 80 %) {OK}",
         'unknown unit "%". A share is written without a space, as 80%.'),
        (f"inject: latency(p99: 500mz) {OK}", 'unknown unit "mz". Did you mean "m"?'),
        (f'inject: latency(p99: 1s, distribution: "norml") {OK}',
         "latency: distribution must be one of fixed, uniform, normal, exponential"),
        (
            f"with: idempotency_key('k') expect: CONFLICT when parameters differ {OK}",
            "nothing else can be told of the three requests of a conflict: expect it elsewhere",
        ),
        (f"inject: latency(p99: 1s, jitter: 1s) {OK}", 'latency: "jitter" is for "delay" only'),
        (
            f'inject: latency(delay: 1s, jitter: 1s, distribution: "fixed") {OK}',
            'latency: "jitter" says nothing beside distribution: "fixed"; leave one of them out',
        ),
        (f"inject: network_failure(probability: 101%) {OK}",
         "network_failure: probability must be above 0 and up to 1, or up to 100%"),
        (f"inject: network_failure(probability: 0) {OK}",
         "network_failure: probability must be above 0 and up to 1, or up to 100%"),
        (f"inject: database_failure(mode: UNAVAILABEL) {OK}",
         "database_failure: mode must be one of UNAVAILABLE, TIMEOUT"),
        (f"inject: database_failure(operation: save) {OK}",
         "database_failure: operation must be one of select, insert, update, delete, commit"),
        (f"inject: clock_skew(target: A, offset: 0s) {OK}",
         "clock_skew: offset must be a time with its unit, above 0 and up to 1d, as 500ms, 2 seconds or 1.5h; "
         "it may be negative"),
        ("with: idempotency_key('k') expect: exactly_one_creatd",
         'unknown expectation "exactly_one_creatd". Did you mean "exactly_one_created"?'),
        ("with: idempotency_key('k') expect: exactly_one_created()",
         "exactly_one_created takes no argument; write it without parentheses"),
        ("with: idempotency_key('k') expect: response_within",
         "response_within takes one argument: a time with its unit, above 0 and up to 1d, as 500ms, 2 seconds or 1.5h"),
        ("with: idempotency_key('k') expect: response_within(timeot: 5s)",
         'response_within has no parameter "timeot". Did you mean "timeout"?'),
        ("with: idempotency_key('k') expect: error_returned('x')",
         "error_returned takes an error's code in capitals, as SERVICE_UNAVAILABLE"),
        ("with: idempotency_key('k') expect: conflict when parameters differ",
         "before when parameters differ stands an error's code in capitals"),
        ("with: idempotency_key('k') expect: Session.exists(result.id)",
         "is no condition; compare it with something, as in result is error"),
        ("with: idempotency_key('k') expect: true",
         "is no condition; compare it with something, as in result is error"),
        ("with: idempotency_key('k') expect: 1 == 1 and result is error",
         "1 == 1 is no claim of an answer: compare a field of `result` with a value"),
        (f"with: idempotncy_key('k') {OK}", 'unknown use "idempotncy_key". Did you mean "idempotency_key"?'),
        (f"with: idempotency_key(1) {OK}", 'idempotency_key takes a string that is not empty, as "a-key"'),
        (f"with: idempotency_key {OK}", 'expected a call, as in with: idempotency_key("a-key")'),
        (f"with: idempotency_key('k') retries: 1.5 {OK}", "retries must be a whole number from 0 to 1000"),
        (f"with: idempotency_key('k') retries: 1 with {{ retries: 1 }} {OK}",
         '"retries" is given twice; leave one of them out'),
        (f"with: idempotency_key('k') timeout: 30 {OK}",
         "timeout must be a time above 0 with its unit, as 500ms, 30s or 1.5h"),
        (f"with: idempotency_key('k') with {{ retrys: 1 }} {OK}", 'unknown setting "retrys". Did you mean "retries"?'),
        (f"with: idempotency_key('k') when {{ result }} {OK}", "a step of when is a call, or name = value"),
        ("with: idempotency_key('k')", 'scenario "s" expects nothing, so nothing could fail: add expect'),
        (OK, 'scenario "s" does nothing: add inject, with: or when'),
        (f"with: idempotency_key('a\\q') {OK}",
         "\\q means nothing in a string; there are \\n \\t \\r \\\\ \\\" \\' \\/ \\uXXXX"),
        (f"with: idempotency_key('b\\ud800') {OK}",
         "\\uD800 to \\uDFFF are halves of a sign: write both, or the sign itself"),
        (f"with: idempotency_key('k') retries: {'9' * 19} {OK}", "a number has at most 18 signs"),
    ],
)  # fmt: skip
def test_a_mistake_says_what_would_be_right(members: str, told: str) -> None:
    assert wrong(members) == told


def test_a_name_stands_for_one_scenario() -> None:
    assert mistakes(f"{CONCURRENT}\n{CONCURRENT}") == [
        '11:3: scenario "concurrent duplicate requests" is there already, in line 2; give each a name of its own'
    ]


def test_two_names_that_are_typed_alike_are_refused_and_so_is_one_that_can_t_be_typed() -> None:
    other = CONCURRENT.replace("concurrent duplicate", "Concurrent-duplicate")
    assert mistakes(f"{CONCURRENT}\n{other}") == [
        '11:3: "Concurrent-duplicate requests" and "concurrent duplicate requests" in line 2 are both typed '
        "concurrent-duplicate-requests; give one another name"
    ]
    for name in ("日本", " ", "-"):
        alone = CONCURRENT.replace("concurrent duplicate requests", name)
        assert mistakes(alone) == ["2:3: a scenario needs a name with a letter of a to z, or a digit: it is typed"]


def test_all_mistakes_in_words_are_told_at_once_in_order_each_with_its_line_and_a_caret() -> None:
    text = 'chaos {\n  scenario "s" {\n\tinject: laency(p99: 1s)\n    expect: no_timeout_error }\n}'
    with pytest.raises(BadSpec) as refused:
        parse(text, "shop.isl")
    assert refused.value.lines() == [
        'shop.isl:3:10: unknown injection "laency". Did you mean "latency"?',
        "   inject: laency(p99: 1s)",
        "           ^",
        'shop.isl:4:13: unknown expectation "no_timeout_error". Did you mean "no_timeout_errors"?',
        "      expect: no_timeout_error }",
        "              ^",
    ]
    assert str(refused.value).startswith('Not started: shop.isl:3:10: unknown injection "laency".')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('chaos { scenario "s" { expct: x } }',
         '1:24: unexpected "expct"; expected "expect", "inject", "retries", "then", "timeout", "when", "with", "}". '
         'Did you mean "expect"?'),
        ("chaos { senario 's' { } }",
         '1:9: unexpected "senario"; expected "chaos", "retries", "scenario", "timeout", "with", "}". '
         'Did you mean "scenario"?'),
        ("chaos {", "1:1: this chaos block is never closed"),
        ("/* chaos { }", "1:1: this comment is never closed"),
        ("chaos { scenario 's { } }", "1:18: this string is not closed on its line"),
        ("chaos { scenario 's' { given { } } }",
         '1:24: unexpected "given"; expected "expect", "inject", "retries", "then", "timeout", "when", "with", "}".'),
        ("chaos { scenario 's' { inject: é } }", '1:32: unexpected "é"; expected a name.'),
    ],
)  # fmt: skip
def test_a_mistake_in_form_says_what_was_expected(text: str, told: str) -> None:
    assert mistakes(text) == [told]


WHOLE = """domain Shop {
  behavior Open {
    output { success: Session }
    chaos {
      scenario "it" {
        inject: concurrent_requests(count: 2)
        with: idempotency_key("k")
        when { result = Open(input) }
        expect: exactly_one_created
        then { result is success }
        retries: 3
        timeout: 30s
      }
    }
  }
}
"""


@pytest.mark.parametrize(
    ("word", "typed"),
    [("scenario", "senario"), ("inject", "injct"), ("with", "wiht"), ("when", "wehn"), ("expect", "expct"),
     ("then", "tehn"), ("retries", "retrys"), ("timeout", "timout")],
)  # fmt: skip
def test_a_misspelt_member_of_a_whole_specification_is_asked_about_with_a_caret(word: str, typed: str) -> None:
    with pytest.raises(BadSpec) as refused:
        parse(WHOLE.replace(f" {word}", f" {typed}", 1), "shop.isl")
    told, line, caret = refused.value.lines()
    assert f'unexpected "{typed}"' in told and told.endswith(f'Did you mean "{word}"?')
    assert line[caret.index("^") :].startswith(typed)


def test_a_long_line_is_cut_around_the_mistake() -> None:
    with pytest.raises(BadSpec) as refused:
        parse(f'chaos {{ scenario "s" {{ {" " * 5000} laency }} }}')
    _, line, caret = refused.value.lines()
    assert len(line) < 200 and line[caret.index("^") :].startswith("laency")


def test_the_caret_stands_below_the_mistake_whatever_is_before_it() -> None:
    with pytest.raises(BadSpec) as refused:
        parse('chaos { scenario "日本e\u0301 a" { laency } }')
    _, line, caret = refused.value.lines()
    assert caret.index("^") == line.index("laency") + 2 - 1  # two signs of two columns, and one of none


def test_a_word_of_any_length_is_not_quoted_whole() -> None:
    with pytest.raises(BadSpec) as refused:
        parse(f'chaos {{ scenario "s" {{ inject: {"a" * 5000}() {OK} }} }}')
    assert all(len(line) < 600 for line in (*refused.value.lines(), str(refused.value)))


def test_words_of_ones_own_are_known_where_they_are_given() -> None:
    own = {**INJECTIONS, "disk_full": Words({"target": vocabulary.name(required=True)})}
    text = 'chaos { scenario "s" { inject: disk_full(target: A) expect: no_timeout_errors } }'
    assert parse(text, "", own).blocks and mistakes(text)
