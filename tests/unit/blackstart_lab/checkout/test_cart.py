"""What a request says is read strictly, and two that say the same have one hash."""

from typing import Any

import pytest

from blackstart_lab.checkout.cart import Item, read
from blackstart_lab.checkout.failures import InvalidRequest

ITEM = {"sku": "A-1", "quantity": 2, "unit_cents": 1250}


def test_order_of_keys_does_not_matter_and_every_value_does() -> None:
    one = read({"customer": "c", "items": [ITEM]})
    assert one.hash() == read({"items": [dict(reversed(ITEM.items()))], "customer": "c", "more": 1}).hash()
    assert (one.items, one.total_cents) == ((Item("A-1", 2, 1250),), 2500)
    others = [{**ITEM, name: value} for name, value in (("sku", "A-2"), ("quantity", 3), ("unit_cents", 1))]
    hashes = {read({"customer": "c", "items": [item]}).hash() for item in others}
    hashes |= {read({"customer": "d", "items": [ITEM]}).hash(), read({"customer": "c", "items": [ITEM, ITEM]}).hash()}
    assert len(hashes) == 5 and one.hash() not in hashes


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "JSON object"),
        ({"customer": "c"}, "items"),
        ({"customer": "c", "items": []}, "items"),
        ({"customer": "c", "items": [1]}, "items"),
        ({"customer": "c", "items": [ITEM] * 101}, "items"),
        ({"customer": "", "items": [ITEM]}, "customer"),
        ({"customer": "a\0b", "items": [ITEM]}, "customer"),
        ({"customer": 5, "items": [ITEM]}, "customer"),
        ({"customer": "c", "items": [{**ITEM, "quantity": 0}]}, "quantity"),
        ({"customer": "c", "items": [{**ITEM, "quantity": True}]}, "quantity"),
        ({"customer": "c", "items": [{**ITEM, "quantity": 1.5}]}, "quantity"),
        ({"customer": "c", "items": [{**ITEM, "unit_cents": -1}]}, "unit_cents"),
        ({"customer": "c", "items": [{**ITEM, "unit_cents": 10**7}]}, "unit_cents"),
    ],
)
def test_what_can_not_be_understood_names_the_member(body: Any, told: str) -> None:
    with pytest.raises(InvalidRequest, match=told):
        read(body)
