"""How a trader's table of orders is called, and its columns: what a target declares in its facts."""

from blackstart.model.target import Target

KEY_COLUMN = "orders_key_column"
NUMBER_COLUMN = "orders_number_column"


def of_orders(target: Target, query: str) -> str:
    """The query with the target's own names in place of `{orders}`, `{key}` (which the client gives an order) and
    `{number}` (which grows with every order)."""
    told = {
        "orders": target.fact("orders_table", "orders"),
        "key": target.fact(KEY_COLUMN, "client_order_id"),
        "number": target.fact(NUMBER_COLUMN, "order_id"),
    }
    return query.format(**{name: ".".join(f'"{part}"' for part in str(of).split(".")) for name, of in told.items()})
