"""Specifications for tests: the document's own blocks, and short ways to a tree and to a mistake."""

from __future__ import annotations

import pytest

from blackstart.dsl import tree
from blackstart.dsl.parse import blocks, parse, read
from blackstart.dsl.problems import BadSpec
from tests.environment import ROOT

CHECKOUT = ROOT / "tests" / "samples" / "chaos_blocks" / "checkout.isl"
# As they stand in the document, each alone in a file of its own.
CONCURRENT = """chaos {
  scenario "concurrent duplicate requests" {
    inject: concurrent_requests(count: 10)
    with: idempotency_key("chaos-concurrent-test")
    expect: exactly_one_created
    expect: all_return_same_session
  }
}
"""
CONFLICT = """chaos {
  scenario "idempotency conflict" {
    with: idempotency_key("conflict-test")
    expect: IDEMPOTENCY_CONFLICT when parameters differ
  }
}
"""
STORM = """chaos {
  scenario "rate limit storm" {
    inject: rate_limit_storm(requests: 100, window: 1s, limit: 10)
    expect: graceful_degradation
    expect: no_data_corruption
  }
}
"""
SPIKE = """chaos {
  scenario "latency spike" {
    inject: latency(p99: 500ms, distribution: "normal")
    expect: response_within(timeout: 5s)
    expect: no_timeout_errors
  }
}
"""


def checkout() -> tree.Document:
    return parse(read(CHECKOUT), str(CHECKOUT))


def scenario(members: str) -> tree.Scenario:
    """The scenario that these members make, whatever words they use."""
    (block,) = blocks(f'chaos {{ scenario "s" {{ {members} }} }}')
    return block.scenarios[0]


def claim(text: str) -> tree.Expression:
    return scenario(f"inject: concurrent_requests(count: 2)\n expect: {text}").expectations[0].claim


def mistakes(text: str) -> list[str]:
    """What is wrong, each as `line:column: message`."""
    with pytest.raises(BadSpec) as refused:
        parse(text, "a.isl")
    return [f"{at.place.line}:{at.place.column}: {at.message}" for at in refused.value.problems]


def wrong(members: str) -> str:
    """The one mistake of a scenario with these members, without its place."""
    (told,) = mistakes(f'chaos {{ scenario "s" {{ {members} }} }}')
    return told.split(": ", 1)[1]
