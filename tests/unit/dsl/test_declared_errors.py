"""What a behavior declares that it answers is all that can be expected of it: a code that is misspelt never comes."""

from __future__ import annotations

import time

import pytest

from blackstart.dsl.parse import parse
from blackstart.dsl.scan import declared
from tests.fuzz.blocks import LIMIT_S
from tests.unit.dsl.documents import mistakes

DECLARES = """domain Shop {
  errors { OUT_OF_SERVICE }
  behavior Open {
    output {
      success: Session
      errors {
        // NOT_ME { when: "a comment" }
        KEY_CONFLICT { when: "the key was USED" retriable: false }
        SERVICE_UNAVAILABLE, RATE_LIMITED
      }
    }
    invariants { status == SERVICE_DOWN }
    chaos {
      scenario "it" { with: idempotency_key("k") expect: CLAIM }
    }
  }
  behavior Other { }
  behavior Close { output { errors { CLOSED_ALREADY } } }
}
chaos Other { scenario "its own" { with: idempotency_key("k") expect: error_returned(CLOSED_ALREADY) } }
"""


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("error_returned(SERVICE_UNAVAILABEL)", '14:73: Open declares no error "SERVICE_UNAVAILABEL". Did you mean '
         '"SERVICE_UNAVAILABLE"?'),
        ("KEY_CONFLIT when parameters differ",
         '14:58: Open declares no error "KEY_CONFLIT". Did you mean "KEY_CONFLICT"?'),
        ("not (result.error.code == 'RATE_LIMITTED')",
         '14:84: Open declares no error "RATE_LIMITTED". Did you mean "RATE_LIMITED"?'),
        ("eventually within 5s: result.error.code in [RATE_LIMITED, CLOSED_ALREADY]",
         '14:116: Open declares no error "CLOSED_ALREADY". Known: KEY_CONFLICT, OUT_OF_SERVICE, RATE_LIMITED, '
         "SERVICE_UNAVAILABLE."),
        ("error_returned(SERVICE_DOWN)", '14:73: Open declares no error "SERVICE_DOWN". Known: KEY_CONFLICT, '
         "OUT_OF_SERVICE, RATE_LIMITED, SERVICE_UNAVAILABLE."),
        ("error_returned(USED)", '14:73: Open declares no error "USED". Known: KEY_CONFLICT, OUT_OF_SERVICE, '
         "RATE_LIMITED, SERVICE_UNAVAILABLE."),
    ],
)  # fmt: skip
def test_an_error_that_the_behavior_does_not_declare_is_a_mistake(claim: str, told: str) -> None:
    assert mistakes(DECLARES.replace("CLAIM", claim)) == [told]


@pytest.mark.parametrize(
    "claim",
    ["error_returned(OUT_OF_SERVICE)", "KEY_CONFLICT when parameters differ", "result.error.code != RATE_LIMITED",
     "SERVICE_UNAVAILABLE == result.error.code or result is success"],
)  # fmt: skip
def test_an_error_that_is_declared_or_of_a_behavior_that_declares_none_is_right(claim: str) -> None:
    assert len(parse(DECLARES.replace("CLAIM", claim)).blocks) == 2


@pytest.mark.parametrize("inside", ["chaos Opn {", "domain D { chaos Opn {", "behavior Close { chaos Opn {"])
def test_a_behavior_that_the_file_does_not_declare_is_a_mistake(inside: str) -> None:
    held = 'scenario "s" { with: idempotency_key("k") expect: error_returned(RATE_LIMITTED) } }'
    text = f"behavior Open {{ errors {{ RATE_LIMITED }} }}\n{inside} {held} {'}' * (inside.count('{') - 1)}"
    known = 'Did you mean "Open"?'
    assert mistakes(text)[0] == f'2:{inside.index("chaos") + 1}: this file declares no behavior "Opn". {known}'
    assert mistakes(text.replace("Opn", "Open"))[0].endswith('no error "RATE_LIMITTED". Did you mean "RATE_LIMITED"?')


@pytest.mark.parametrize(
    "before",
    ["", "entity Elsewhere { }", "import { Elsewhere } from './a.isl'\nbehavior Open { }",
     "import {\n  Elsewhere,\n  Another } from 'a'\nbehavior Open { }", "use shop.Elsewhere\nbehavior Open { }",
     "module M { behavior Elsewhere { } }", "// behavior Open { }\n",
     "behavior Open {\n chaos: Int }\nbehavior Elsewhere\n{ }",
     "the behavior of Shop\n"],
)  # fmt: skip
def test_a_behavior_that_is_declared_or_imported_or_of_a_file_that_declares_none_is_right(before: str) -> None:
    text = f'{before}\nchaos Elsewhere {{ scenario "s" {{ with: idempotency_key("k") expect: no_timeout_errors }} }}'
    assert parse(text).blocks[0].behavior == "Elsewhere"


@pytest.mark.parametrize("behavior", ["Other", "", "Elsewhere"])
def test_where_the_behavior_declares_none_it_is_one_of_the_file(behavior: str) -> None:
    block = f'chaos {behavior} {{ scenario "s" {{ with: idempotency_key("k") expect: result.error.code != GONE }} }}'
    text = f"import {{ Elsewhere }} from 'a'\nbehavior Open {{ errors {{ GONE_AWAY }} }} behavior Other {{ }}\n{block}"
    if behavior == "Elsewhere":
        assert parse(text).blocks
    else:
        assert [told.split(": ", 1)[1] for told in mistakes(text)] == [
            'this file declares no error "GONE". Did you mean "GONE_AWAY"?'
        ]


def test_a_hundred_thousand_braces_take_no_time() -> None:
    for text in ("{" * 100_000 + "errors {" + "A " * 70_000, "{" * 60_000 + "errors{A}" * 20_000, "errors{A" * 32_000):
        began_s = time.process_time()
        declared(text)
        assert time.process_time() - began_s < LIMIT_S
