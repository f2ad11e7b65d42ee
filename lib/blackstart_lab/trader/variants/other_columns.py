"""The table of orders and its columns have names of their own, which the target declares."""

import re

from blackstart_lab.trader.orders import SCHEMA, OrderDesk
from blackstart_lab.variants import Variant

_NAMES = {"orders": "bookings", "client_order_id": "reference", "order_id": "seq"}


class Bookings(OrderDesk):
    """The same statements over other names."""

    SCHEMA = re.sub(rf"\b({'|'.join(_NAMES)})\b", lambda word: _NAMES[word[0]], SCHEMA)
    TABLE, KEY, NUMBER = "bookings", "reference", "seq"


VARIANT = Variant(
    summary="the table of orders and its columns are called otherwise",
    parts={"orders": Bookings},
    facts={"orders_table": "bookings", "orders_key_column": "reference", "orders_number_column": "seq"},
)
