"""What a client asks for: a customer's items, and the hash that tells two requests apart."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from blackstart_lab.checkout.failures import InvalidRequest

_LONGEST = 200
_MOST_ITEMS, _MOST = 100, 1_000_000


@dataclass(frozen=True)
class Item:
    """A line of a cart; `unit_cents` is the price of one."""

    sku: str
    quantity: int
    unit_cents: int


@dataclass(frozen=True)
class Cart:
    """The parameters of one request."""

    customer: str
    items: tuple[Item, ...]

    @property
    def total_cents(self) -> int:
        return sum(item.quantity * item.unit_cents for item in self.items)

    def as_json(self) -> str:
        """Canonical: equal carts have equal texts, whatever the order of keys or the white space in a body."""
        told = {"customer": self.customer, "items": [vars(item) for item in self.items]}
        return json.dumps(told, sort_keys=True, separators=(",", ":"))

    def hash(self) -> str:
        """SHA-256 of the canonical text."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()


def read(body: Any) -> Cart:
    """The cart in a decoded body. Raises InvalidRequest."""
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object")
    items = body.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST_ITEMS or not all(isinstance(i, dict) for i in items):
        raise InvalidRequest(f"items must be a list of 1 to {_MOST_ITEMS} objects")
    lines = (Item(text(item, "sku"), _number(item, "quantity", 1), _number(item, "unit_cents", 0)) for item in items)
    return Cart(text(body, "customer"), tuple(lines))


def text(body: dict[str, Any], name: str) -> str:
    """A member that is a word. Raises InvalidRequest."""
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST or "\0" in value:
        raise InvalidRequest(f"{name} must be a text of 1 to {_LONGEST} characters")
    return value


def _number(body: dict[str, Any], name: str, least: int) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
        raise InvalidRequest(f"{name} must be a whole number from {least} to {_MOST}")
    return value
