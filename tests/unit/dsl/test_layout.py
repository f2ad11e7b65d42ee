"""`dsl.format`: one form, whose every comment and line is still there, and which says the same."""

from __future__ import annotations

import pytest

from blackstart.dsl.layout import formatted
from blackstart.dsl.parse import blocks, read
from blackstart.dsl.problems import BadSpec
from tests.unit.dsl.documents import CHECKOUT, CONCURRENT

UNTIDY = """behavior B {  it's   "{"
\tchaos   {


scenario  "a  b"{
inject:latency( p99 :500ms,distribution:'normal' )//  x  


expect{result.a   .b==-5  and not(result  is error)
 (result.x - 1<2   seconds)  X   when   parameters   differ
 eventually within 5s:a in[1 ,2 ]}
/* a
     b */
with{retries:3 timeout:30s,}
  # last

}}   x  {}
}
"""
TIDY = """behavior B {  it's   "{"
\tchaos {
\t  scenario "a  b" {
\t    inject: latency(p99: 500ms, distribution: 'normal') //  x

\t    expect { result.a.b == -5 and not(result is error)
\t      (result.x - 1 < 2 seconds) X when parameters differ
\t      eventually within 5s: a in [1, 2] }
\t    /* a
     b */
\t    with { retries: 3 timeout: 30s, }
\t    # last
\t} }   x  {}
}
"""


def test_an_untidy_block_has_its_form_and_what_stands_around_it_stays() -> None:
    assert formatted(UNTIDY) == TIDY
    assert formatted(TIDY) == TIDY
    assert blocks(UNTIDY) == blocks(TIDY)


def test_a_whole_specification_keeps_all_that_is_no_block() -> None:
    text = read(CHECKOUT)
    changed = [line for line in formatted(text).split("\n") if line not in text.split("\n")]
    assert changed == [
        "      when { result = CreateCheckoutSession(input) }",
        "      then { result is error }",
        "      with { retries: 3 timeout: 30s }",
    ]


def test_ends_of_lines_stay_what_they_are() -> None:
    assert formatted(CONCURRENT.replace("\n", "\r\n").replace("  ", " ")) == CONCURRENT.replace("\n", "\r\n")


def test_a_block_that_begins_where_another_ends_is_formatted_for_good() -> None:
    one = 'chaos { scenario "a" { expect : ok\nwith :\nkey( "k"\n,)} }'
    shown = formatted(one + one)
    assert formatted(shown) == shown and shown.startswith(formatted(one)) and shown.count('scenario "a" {') == 2


def test_a_number_and_a_name_on_lines_of_their_own_are_no_duration_afterwards() -> None:
    for end in ("\n", "\r\n"):
        block = (
            f'chaos C {{ scenario "a" {{ inject memory_pressure with {{ usage: 0.14{end}s: 1000 }} expect: ok }} }}\n'
        )
        shown = formatted(block)
        assert formatted(shown) == shown and "0.14 s" not in shown


def test_what_is_no_block_is_not_formatted() -> None:
    with pytest.raises(BadSpec, match="is never closed"):
        formatted("chaos {")
    assert formatted("domain   D { }\r\n\n") == "domain   D { }\r\n\n"


@pytest.mark.parametrize(
    "claim", ["[5 .s]", "a.in - 1", "f(x) .y", "- -1", "{ a: 5 .b }", "(1) - (2)", "not_ (a)", "a /  /* c */ b"]
)
def test_no_space_that_means_something_comes_or_goes(claim: str) -> None:
    text = f'chaos {{ scenario "s" {{ expect {{ x == {claim} }} }} }}'
    try:
        before = blocks(text)
    except BadSpec:
        return
    assert blocks(formatted(text)) == before
