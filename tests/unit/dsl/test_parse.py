"""What a chaos block says becomes a tree: every form of the language, in whole specifications."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from blackstart.dsl import parse as module
from blackstart.dsl.claims import as_text
from blackstart.dsl.parse import parse, read
from blackstart.dsl.problems import BadSpec
from blackstart.dsl.tree import (
    Argument,
    Assignment,
    Attribute,
    Binary,
    Call,
    Duration,
    Eventually,
    Expectation,
    Injection,
    ListOf,
    MapOf,
    Name,
    Null,
    Number,
    Percent,
    Place,
    Text,
    Truth,
    Unary,
    WhenParametersDiffer,
)
from tests.unit.dsl.documents import CONCURRENT, CONFLICT, SPIKE, STORM, checkout, claim, mistakes, scenario

RESULT = Name("result")


def test_all_scenarios_of_a_whole_specification_are_found_and_nothing_else() -> None:
    inside, named = checkout().blocks
    assert [found.name for found in inside.scenarios] == [
        "concurrent duplicate requests", "retry after network failure", "rate limit storm",
        "database failure with recovery", "latency spike", "partial failure", "idempotency conflict",
    ]  # fmt: skip
    assert [found.name for found in named.scenarios] == ["db down", "slow payments"]
    assert inside.behavior == named.behavior == "CreateCheckoutSession"
    assert (inside.place, inside.scenarios[0].place) == (Place(32, 5), Place(33, 7))


@pytest.mark.parametrize("alone", [CONCURRENT, CONFLICT, STORM, SPIKE])
def test_a_block_of_the_document_alone_says_what_it_says_in_the_specification(alone: str) -> None:
    (found,) = parse(alone).blocks[0].scenarios
    (there,) = (same for same in checkout().blocks[0].scenarios if same.name == found.name)
    assert replace(found, retries=None) == replace(there, retries=None)


def test_the_blocks_form() -> None:
    down = checkout().blocks[1].scenarios[0]
    assert down.injections == (
        Injection(
            "database_failure",
            (Argument("target", Name("CheckoutRepository")), Argument("mode", Name("UNAVAILABLE"))),
        ),
    )
    assert down.when == (Assignment("result", Call(Name("CreateCheckoutSession"), (Argument(None, Name("input")),))),)
    assert down.expectations == (Expectation(Binary("is", RESULT, Name("error"))),)


def test_the_inline_form_and_its_settings() -> None:
    slow = checkout().blocks[1].scenarios[1]
    assert [slow.injections[0].value(name) for name in ("target", "delay", "jitter", "p99")] == [
        "PaymentGateway", 2.0, 0.1, None,
    ]  # fmt: skip
    assert slow.expectations == (
        Expectation(Binary("<", Attribute(RESULT, "latency"), Duration(10.0)), "stays responsive"),
    )
    assert (slow.retries, slow.timeout_s) == (3, 30.0)


def test_settings_on_a_line_of_their_own_are_the_scenarios() -> None:
    made = scenario("inject latency on A with { delay: 1s }\n with { retries: 2 }\n expect: no_timeout_errors")
    assert made.retries == 2 and made.injections[0].value("delay") == 1.0
    assert mistakes(
        'chaos { scenario "s" { inject latency on A\n with { delay: 1s } expect: no_timeout_errors } }'
    ) == ['2:9: unknown setting "delay". Known: retries, timeout.']


def test_limits_of_a_block_hold_where_a_scenario_says_nothing() -> None:
    (block,) = parse('chaos { timeout: 30s retries: 3 scenario "s" { with: idempotency_key("k") '
                     "retries: 0 expect: eventually_succeeds } }").blocks  # fmt: skip
    assert (block.retries, block.timeout_s) == (3, 30.0)
    assert (block.scenarios[0].retries, block.scenarios[0].timeout_s) == (0, None)


def test_members_come_in_any_order_and_repeat() -> None:
    made = scenario(
        "expect: no_timeout_errors retries: 1 expect { no_data_corruption eventually_succeeds }"
        " inject: concurrent_requests(count: 2) then { result is success }"
        " inject { clock_skew(target: A, offset: -5s), latency on B with { delay: 1s } }"
    )
    assert [injection.name for injection in made.injections] == ["concurrent_requests", "clock_skew", "latency"]
    assert made.injections[1].value("offset") == -5.0
    assert len(made.expectations) == 4


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("500ms", 0.5), ("5s", 5), ("1.5h", 5400), ("2d", 172800), ("2 seconds", 2), ("5.seconds", 5), ("1 minute", 60),
     ("3 hours", 10800), ("1m", 60), ("20 milliseconds", 0.02), ("0.1s", 0.1), ("1sec", 1), ("2mins", 120)],
)  # fmt: skip
def test_times_with_their_units(written: str, seconds: float) -> None:
    assert claim(f"result.latency < {written}") == Binary("<", Attribute(RESULT, "latency"), Duration(seconds))


@pytest.mark.parametrize(
    ("written", "value"),
    [("10", Number(10)), ("0.8", Number(0.8)), ("99%", Percent(0.99)), ("99.9%", Percent(0.999)),
     ("true", Truth(True)), ("false", Truth(False)), ("null", Null()), ('"a\\"b\\n\\u00e9"', Text('a"b\né')),
     ("'it is \"x\"'", Text('it is "x"')),
     ("OPEN", Name("OPEN")), ("[1, 2,]", ListOf((Number(1), Number(2)))), ("[]", ListOf(())),
     ("{ a: 1, timeout: 2s b: 'x' }", MapOf((("a", Number(1)), ("timeout", Duration(2)), ("b", Text("x"))))),
     ("-1", Unary("-", Number(1))), ("a.b.c", Attribute(Attribute(Name("a"), "b"), "c")),
     ("f(1, x: 2)", Call(Name("f"), (Argument(None, Number(1)), Argument("x", Number(2))))),
     ("a.exists(b.id)", Call(Attribute(Name("a"), "exists"), (Argument(None, Attribute(Name("b"), "id")),)))],
)  # fmt: skip
def test_values(written: str, value: object) -> None:
    assert claim(f"result == {written}") == Binary("==", RESULT, value)


def test_operators_bind_as_everywhere() -> None:
    a, b, c, d = (Binary("==", RESULT, Number(number)) for number in range(4))
    text = "result == 0 implies result == 1 or not result == 2 and result == 3"
    assert claim(text) == Binary("implies", a, Binary("or", b, Binary("and", Unary("not", c), d)))
    assert claim(f"({text})") == claim(text)
    assert claim("!(result in [1 + 2 * 3 - 4 / 5])") == Unary("not", Binary("in", RESULT, ListOf((
        Binary("-", Binary("+", Number(1), Binary("*", Number(2), Number(3))), Binary("/", Number(4), Number(5))),
    ))))  # fmt: skip
    assert claim("eventually within 5s: result.error.code == X") == Eventually(
        5.0, Binary("==", Attribute(Attribute(RESULT, "error"), "code"), Name("X"))
    )
    assert claim("CONFLICT when parameters differ") == WhenParametersDiffer("CONFLICT")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("(result is success or result.status == 503) and result.latency < 500ms", ""),
        ("not (result is error and result.latency < 1.5h)", "not (result is error and result.latency < 5400s)"),
        ("(not (result is error)) and result is error", "not result is error and result is error"),
        ("(result is error implies result is error) implies result.latency > 0.0005s",
         "(result is error implies result is error) implies result.latency > 0.5ms"),
        ("result is error implies (result is error implies result is error)",
         "result is error implies result is error implies result is error"),
        ("result.error.code in [A, 'it is \"b\"']", 'result.error.code in [A, "it is \\"b\\""]'),
        ("eventually within 2m: result.status == 1 - (2 - 3) - -4", "eventually within 120s: "
         "result.status == 1 - (2 - 3) - -4"),
        ('f(x: [], { "a": 99.9% }).b == (!true)', 'f(x: [], { "a": 99.9% }).b == (not true)'),
    ],
)  # fmt: skip
def test_a_claim_is_told_with_its_parentheses_and_units(written: str, told: str) -> None:
    told = told or written
    assert as_text(claim(written)) == told and claim(told) == claim(written)


def test_a_parenthesis_on_a_new_line_begins_a_claim() -> None:
    made = scenario("inject: concurrent_requests(count: 2)\n then { result.code == A\n (result is error) }")
    assert len(made.expectations) == 2


def test_comments_are_none_of_it() -> None:
    commented = CONCURRENT.replace("{", "{ // scenario\n # }\n /* { ** / */").replace("(", "( /* ( */")
    assert parse(commented) == parse(CONCURRENT)
    assert parse(commented.replace("\n", "\r\n")) == parse(CONCURRENT)


@pytest.mark.parametrize(
    "text",
    ["chaos Transfer {}", "chaos\n{\n}", "domain D { chaos Foo }", "behavior B { chaos { chaos } }",
     "chaos Foo.bar { }", "chaos // : }\n { }", "domain D { chaos /* of */ Foo // here\n { } }", 'chaos "x" { }',
     "entity E { chaos { scenario 'a' { } } }", "\ufeffchaos { }",
     "policy P { chaos { timeout: 5s scenario 'a' { } } }",
     "view V { chaos B { with { retries: 3 } // a\n chaos 'a' { } } }", "choas X { scenario 'a' { } }",
     "domain D { Chaos { retries: 1 scenario 'a' { } } }", "choas X { senario 'a' { } }",
     "entity E { chaos { Scenaro 'a' { } } }", "policy P { chaos { timeout: 5s senario 'a' { } } }"],
)  # fmt: skip
def test_a_block_that_is_none_is_never_passed_over(text: str) -> None:
    assert mistakes(text)


@pytest.mark.parametrize(
    "opening",
    ["chaos: {", "chaos = {", "chaos, {", "chaos:\n{", "chaos -> {", "chaos => {", "chaos Open: {", "chaos: Open {",
     "chaos = Open {", "chaos(Open) {", "chaos for Open {", "Chaos for Open {", "Chaos: {", "choas = {", "chaos.{",
     "chaos[Open] {", "chaos Open = {"],
)  # fmt: skip
@pytest.mark.parametrize("home", ["HERE", "domain D { behavior B {\n HERE } }", "domain D { entity E {\n HERE } }"])
@pytest.mark.parametrize("held", ["", "timeout: 5s "])
def test_a_block_that_is_opened_otherwise_is_told_beside_one_that_is_right(opening: str, home: str, held: str) -> None:
    wrong = home.replace("HERE", f"{opening} {held}scenario 'a' {{ }} }}")
    (told,) = mistakes(f"{CONCURRENT}\n{wrong}")
    line, column = f"{CONCURRENT}\n{home}".count("\n") + 1, home.splitlines()[-1].index("HERE") + 1
    why = "this chaos block is opened by something else: write chaos { or chaos NAME {"
    assert told == f"{line}:{column}: {why}" or "unexpected" in told  # the grammar's word, where it is read


@pytest.mark.parametrize("word", ["chaos_blocks", "ChaosBlocks", "CHAOS", "chaos_tests", "my_chaos"])
def test_a_word_more_than_chaos_is_asked_about(word: str) -> None:
    told = f'1:1: unknown block "{word}". Did you mean "chaos"?'
    assert mistakes(f"{word} {{ scenario 'a' {{ }} }}") == [told]
    assert mistakes(f"{word} B {{ retries: 3 scenario 'a' {{ }} }}") == [told]


@pytest.mark.parametrize(
    "text",
    ["entity E {\n chaos: Int\n tests { scenario 'a' { } } }", "features: chaos, tests { scenario 'a' { } }",
     "tests of chaos and order { scenario 'a' { } }", "tests (chaos) { scenario 'a' { } }",
     "// chaos: { scenario 'a' { } }", "'chaos = {' { scenario 'a' { } }", "/* chaos, { scenario 'a' */",
     "enum E { chaos, order }\ntests { scenario 'a' { } }", "suite ChaosTests { scenario 'a' { } }",
     "entity chaos_blocks { scenario: Int }", "chaos: { colour 'red' }", "a ? chaos : order { scenario 'a' { } }",
     "chaos: Int tests { scenario 'a' { } }"],
)  # fmt: skip
def test_the_word_chaos_near_scenarios_of_others_is_no_block(text: str) -> None:
    assert parse(text).blocks == ()


@pytest.mark.parametrize(
    "text",
    ["", "domain D { enum E { chaos } }", "entity chaos { a: Int }", "domain D { behavior chaos { } }",
     "domain D { chaos: Int }", "behavior B { errors { chaos { when: 'x' } } }", "import chaos from 'x'",
     "domain D { - no chaos { at all } }", "behavior B { input { chaos: Boolean } }", "} } { ' \" { }",
     "domain D { it's", "entity E { chaos { timeout: Int name: 'x' } }", "behavior Choas { scenario 'a' { } }",
     "tests { scenario 'a' { } }", "entity E { chaos { secretary 'a' } }", "choas X { colour 'red' }"],
)  # fmt: skip
def test_what_is_no_block_is_left_to_others(text: str) -> None:
    assert parse(text).blocks == ()


@pytest.mark.parametrize(
    "heading",
    ['domain Shop version "1.0"\n', "domain Shop;", "domain Shop; ", "scope: behavior\n", "behavior Other // of {\n",
     "the behavior of Shop\n", 'domain Shop version "1.0" '],
)  # fmt: skip
def test_a_heading_without_a_brace_hides_no_block_that_follows_it(heading: str) -> None:
    first, second = (block.replace("chaos {", "chaos A {", 1) for block in (CONFLICT, SPIKE))
    found = parse(f"{heading}{first}\n{second}").blocks
    assert [(block.behavior, block.scenarios[0].name) for block in found] == [
        ("A", "idempotency conflict"), ("A", "latency spike"),
    ]  # fmt: skip
    (inside,) = parse(f"{heading}\nbehavior B {{\n{CONFLICT}}}").blocks
    assert inside.behavior == "B"
    assert mistakes(f"{heading}{first.replace('scenario', 'senario')}")


def test_the_brace_of_what_is_declared_may_stand_on_the_next_line() -> None:
    (block,) = parse(f"domain Shop\n{{ behavior B // of it\n{{ {CONFLICT} }} }}").blocks
    assert block.behavior == "B"


def test_what_stands_around_a_block_changes_no_place() -> None:
    text = f"domain Ünïcode {{ /* {{ \n */ behavior B {{ {CONCURRENT.replace('count: 10', 'cuont: 10')} }} }}"
    assert mistakes(text) == [
        '4:33: concurrent_requests has no parameter "cuont". Did you mean "count"?',
        '4:13: concurrent_requests needs "count": a whole number from 2 to 20000',
    ][::-1]  # fmt: skip


def test_a_file_that_is_not_text_or_too_large_or_away_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.isl"
    with pytest.raises(BadSpec, match=r"^Not started: .*a\.isl:1:1: can't be read: No such file"):
        read(path)
    path.write_bytes(b"chaos {\n  \xff }")
    with pytest.raises(BadSpec, match=r"a\.isl:2:3: is not UTF-8: byte 0xff"):
        read(path)
    path.write_bytes(b"chaos {\r// a\r}\r")
    with pytest.raises(BadSpec, match="ends its lines with CR alone"):
        read(path)
    path.write_bytes(b" " * (module.MOST_BYTES + 1))
    with pytest.raises(BadSpec, match="is larger than 256 KiB"):
        read(path)


@pytest.mark.parametrize("place", ["inject a /* x */\r with { b: 1 }", 'expect: "a\rb"', "// a\rexpect: ok"])
def test_a_cr_alone_in_a_block_is_refused_where_it_stands(place: str) -> None:
    text = f'domain D {{ // a\r }}\r\nchaos C {{\r\n scenario "s" {{\r\n{place}\r\n}} }}\r\n'
    with pytest.raises(
        BadSpec, match=rf"^Not started: a:4:{place.index(chr(13)) + 1}: a CR alone ends no line"
    ) as told:
        parse(text, "a")
    assert told.value.lines()[1].strip()  # the line it stands in


def test_a_document_as_large_as_may_be_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.isl"
    path.write_text(CONCURRENT + "x { } ' \n" * ((module.MOST_BYTES - len(CONCURRENT)) // 9))
    assert len(parse(read(path)).blocks) == 1


@pytest.mark.parametrize(
    "deep", ["not " * 5000 + "1", "-" * 5000 + "1", "1" + " + 1" * 5000, "[" * 5000, "f(" * 5000 + "1"]
)
def test_no_depth_is_an_error_of_ours(deep: str) -> None:
    assert mistakes(f'chaos {{ scenario "s" {{ inject: concurrent_requests(count: 2) expect: {deep} }} }}')
