"""Each variant is a healthy trader of another shape, and is what its name says."""

from typing import Any

import pytest
from aiohttp import web

from blackstart.model.reading import Answer
from blackstart.probes.metrics import Metric
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.trader import parts, variants
from blackstart_lab.trader.metrics import Metrics

NAMES = {
    "stale-label-set",
    "paused-by-its-other-name",
    "other-columns",
    "growing-page",
    "packed-page",
    "quoted-names",
    "stamped-page",
    "slow-start",
}


def page(name: str) -> Any:
    made = Metrics()
    made.is_leader.labels(instance_id="a-1").set(1)
    return variants.load(name).parts["page"](made.registry)


def test_every_variant_replaces_a_part_that_there_is_and_has_nothing_to_fail() -> None:
    assert set(variants.names()) == NAMES
    for name in NAMES:
        variant = variants.load(name)
        assert set(variant.parts) <= set(parts.HEALTHY) and variant.summary
        assert all(issubclass(made, parts.HEALTHY[part]) for part, made in variant.parts.items())
        assert not variant.must_fail and not variant.may_fail


def test_a_variant_that_there_is_not_is_refused_with_the_nearest() -> None:
    with pytest.raises(NotStarted, match='no variant "slow-stat" of the trader. Did you mean "slow-start"'):
        variants.load("slow-stat")


@pytest.mark.parametrize("name", ["growing-page", "quoted-names", "stamped-page"])
def test_a_page_of_another_shape_says_the_same(name: str) -> None:
    made = page(name)
    for _ in range(3):
        seen = Metric("trader_is_leader", {"instance_id": "a-1"}).pick(Answer("answer", made.text(), 200))
        assert seen == ("value", 1.0, "")


def test_pages_are_of_the_shape_that_their_names_say() -> None:
    assert b'{"trader_is_leader",instance_id="a-1"} 1.0' in page("quoted-names").text()
    assert page("stamped-page").text().count(b"trader_is_leader{") == 2
    grows = page("growing-page")
    sizes = [len(grows.text()) for _ in range(140)]
    assert sizes[0] < 2**18 < 2**20 < sizes[-1] and sizes == sorted(sizes)


def test_the_table_has_nothing_of_the_usual_names() -> None:
    schema = variants.load("other-columns").parts["orders"].SCHEMA
    assert "CREATE TABLE IF NOT EXISTS bookings" in schema and "reference text NOT NULL UNIQUE" in schema
    assert not {"orders", "client_order_id", "order_id"} & set(schema.replace("(", " ").replace(".", " ").split())


def test_a_packed_page_is_packed() -> None:
    answer: web.Response = page("packed-page").answer()
    assert answer.compression and b"trader_is_leader" in answer.body  # type: ignore[operator]
