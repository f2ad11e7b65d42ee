"""Mistakes in a gateway's [requests] are named; none of them makes another load than the one that was meant."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.base.errors import BadTarget
from blackstart.model.target import Target
from blackstart.suites.gateway.link import requests


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("ok_details", "counted", "ok_details must be a list of text"),
        ("ok_details", [5], "ok_details must be a list of text"),
        ("headers", "X-API-Key", "headers must be a table of text"),
        ("headers", {"X-API-Key": 5}, "headers must be a table of text"),
        ("methd", "GET", "no such key: methd"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_its_name(key: str, value: Any, told: str) -> None:
    table = {"route": "/api/v1/users/1", "detail_from": "json:limiter", key: value}
    with pytest.raises(BadTarget, match=told):
        requests(Target("g", api="http://127.0.0.1:8080", routes={"requests": table}))
