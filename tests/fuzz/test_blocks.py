"""Chaos blocks, right and spoilt: the reader neither crashes nor hangs, and formatting changes nothing they say."""

from __future__ import annotations

import time
from itertools import islice
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.dsl.claims import as_text
from blackstart.dsl.layout import formatted
from blackstart.dsl.parse import MOST_BYTES, blocks
from tests.fuzz.blocks import LIMIT_S, documents, tried
from tests.fuzz.cases import count, fuzzed
from tests.fuzz.made_blocks import blocks as made_blocks
from tests.fuzz.made_blocks import condition
from tests.fuzz.written_blocks import Writer


@fuzzed(ci=60, long=20_000)
@given(st.randoms(use_true_random=False))
def test_a_tree_written_and_formatted_is_the_same_tree(random: Random) -> None:
    made = made_blocks(random, 1)
    text = Writer(random).document(made)
    assert blocks(text) == made
    shown = formatted(text)
    assert blocks(shown) == made and formatted(shown) == shown
    count("chaos blocks written")


@fuzzed(ci=100, long=20_000)
@given(st.randoms(use_true_random=False))
def test_a_claim_as_it_is_told_says_what_was_written(random: Random) -> None:
    made = condition(random, 3)
    text = as_text(made)
    (block,) = blocks(f'chaos {{ scenario "s" {{ expect: {text} }} }}')
    assert block.scenarios[0].expectations[0].claim == made, text
    count("claims told")


def test_documents_made_and_spoilt_are_read_or_refused_in_their_places() -> None:
    became = [tried(text, wanted) for text, wanted in islice(documents(seed=12, most_blocks=1), 1000)]
    assert became.count("formatted") >= 100 and became.count("read") > 30 and became.count("refused") > 400


@pytest.mark.parametrize("inside", ["", 'chaos B { scenario "a" { '])
@pytest.mark.parametrize(
    "repeated",
    [
        '"',
        '\\"',
        "'",
        "\\",
        "/*",
        "*/",
        "/* ",
        "#\n",
        "{",
        "{}",
        "chaos ",
        "chaos{",
        "chaos//\n",
        " ",
        "\r",
        "a",
        "9",
        "(",
    ],
)
def test_a_file_as_large_as_may_be_of_one_sign_is_read_or_refused_at_once(repeated: str, inside: str) -> None:
    for begun in ("", '"'):
        text = f"{inside}{begun}{repeated * (MOST_BYTES // len(repeated) - len(inside) - 1)}"
        began_s = time.process_time()
        assert tried(text, None)
        assert time.process_time() - began_s < LIMIT_S
