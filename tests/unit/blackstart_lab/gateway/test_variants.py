"""Each variant is a healthy gateway of another shape, and its page says the same of the breaker."""

import pytest

from blackstart.model.reading import Answer
from blackstart.probes.metrics import Metric, samples_of
from blackstart_lab.gateway import parts, variants
from blackstart_lab.gateway.config import QUICK
from blackstart_lab.gateway.metrics import Metrics


def test_every_variant_replaces_a_part_that_there_is_and_has_nothing_to_fail() -> None:
    assert set(variants.names()) >= {"growing-page", "packed-page", "quoted-names", "stale-label-set", "stamped-page"}
    for name in variants.names():
        variant = variants.load(name)
        assert variant.summary and not variant.must_fail and not variant.may_fail
        assert all(issubclass(made, parts.HEALTHY[part]) for part, made in variant.parts.items())


@pytest.mark.parametrize("name", variants.names())
def test_a_page_of_another_shape_says_the_same(name: str) -> None:
    metrics = Metrics(QUICK)
    metrics.show_breaker("CLOSED")
    page = variants.load(name).parts["page"](metrics.registry)
    for state, value in (("closed", 1.0), ("open", 0.0)):
        probe = Metric("resilience4j_circuitbreaker_state", {"name": QUICK.breaker_name, "state": state})
        assert probe.pick(Answer("answer", page.text(), 200)) == ("value", value, "")


def test_the_series_of_a_breaker_that_is_no_more_say_that_it_is_open() -> None:
    page = variants.load("stale-label-set").parts["page"](Metrics(QUICK).registry)
    found = samples_of(page.text(), "resilience4j_circuitbreaker_state")
    assert ({"name": "retired", "state": "open"}, 1.0) in [(dict(labels), value) for labels, value in found]
