"""How a trader's table of orders is called, and its columns: what a target declares in its facts."""

from blackstart.model.target import Target

KEY_COLUMN = "orders_key_column"
NUMBER_COLUMN = "orders_number_column"
TRIED = {"orders_table": "orders", KEY_COLUMN: "client_order_id", NUMBER_COLUMN: "order_id"}
"""What is tried of a target that does not say it."""


def of_orders(target: Target, query: str) -> str:
    """The query with the target's own names in place of `{orders}`, `{key}` (which the client gives an order) and
    `{number}` (which grows with every order)."""
    told = {fact: ".".join(f'"{part}"' for part in str(target.fact(fact, of)).split(".")) for fact, of in TRIED.items()}
    return query.format(orders=told["orders_table"], key=told[KEY_COLUMN], number=told[NUMBER_COLUMN])
