"""One field of every item of a JSON list: all `client_order_id`s at /orders, for checks that count keys."""

import json

from blackstart.base.codec import plain
from blackstart.model.reading import Answer, Picked
from blackstart.probes.http import HttpGet, OverHttp, Pairs, look_up, no_json, parse_json

_MAX_BYTES = 16 * 1024 * 1024


@plain("probe.http_column")
class HttpColumn(OverHttp):
    """The values of `field` in the list at `items`, as a JSON list. An item without it makes it malformed."""

    path: str
    items: str
    field: str
    name: str
    headers: Pairs = ()

    def endpoint(self) -> HttpGet:
        """GET of the URL."""
        return HttpGet(self.path, self.headers, _MAX_BYTES)

    def pick(self, answer: Answer) -> Picked:
        """The values in the order of the list."""
        try:
            found, items = look_up(parse_json(answer.body), self.items)
        except ValueError as error:
            return no_json(answer, error, self.headers)
        if not found or not isinstance(items, list):
            return "absent", None, f"status {answer.status}, no list {self.items}"
        if not all(isinstance(item, dict) and self.field in item for item in items):
            return "malformed", None, f"an item of {self.items} has no {self.field}"
        return "value", json.dumps([item[self.field] for item in items]), ""
