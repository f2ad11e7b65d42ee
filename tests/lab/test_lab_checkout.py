"""The checkout keeps what it promises, with its real servers and processes."""

import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blackstart.loads import Burst, Operation
from tests.contract.loads_support import played
from tests.lab.checkout_driver import ROUTE, CheckoutDriver
from tests.lab.lab_driver import eventually

_BODY = {"customer": "{key}", "items": [{"sku": "A-1", "quantity": 2, "unit_cents": 1250}]}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CheckoutDriver]:
    """A healthy checkout for all the tests of this file."""
    driver = CheckoutDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


def test_a_thousand_duplicates_at_once_are_one_session_one_charge_and_one_answer(
    checkout: CheckoutDriver, tmp_path: Path
) -> None:
    target = checkout.target
    headers = {"Idempotency-Key": "{key}", "Content-Type": "application/json"}
    request = Operation(
        "open", ROUTE, "POST", headers, json.dumps(_BODY), timeout_s=30.0, detail_from="json:session.id"
    )
    load = Burst(1000, request, key_prefix="a-thousand", same_key=True, connect_s=30.0).at(target["api"])
    summary, history = played(load, tmp_path / "history.csv")
    assert summary.complete and summary.overlap and summary.overlap.proven
    assert sorted(row.status or 0 for row in history.rows) == [200] * 999 + [201]
    (session,) = {row.detail for row in history.rows}
    assert checkout.sql("SELECT id::text FROM checkout_sessions WHERE idempotency_key = 'a-thousand'") == [(session,)]
    assert checkout.books("a-thousand") == (1, 1)
    # As the API counts it; what a client measures has a thousand connections through the proxy in it.
    limit_s = target["facts"]["answer_timeout_s"]
    for outcome in ("created", "cached"):
        within = checkout.metric(f'checkout_answer_seconds_bucket{{le="{limit_s}",outcome="{outcome}"}}')
        assert within == checkout.metric(f'checkout_answers_total{{outcome="{outcome}"}}') != 0
    assert checkout.open("a-thousand")[1]["error"]["code"] == "IDEMPOTENCY_CONFLICT"


@pytest.mark.slow
def test_a_storm_of_one_client_is_429_beyond_the_limit_and_another_client_is_served(checkout: CheckoutDriver) -> None:
    facts = checkout.target["facts"]
    began = time.monotonic()
    with ThreadPoolExecutor(50) as pool:
        told = [status for status, _ in pool.map(lambda _: checkout.open(**{"X-Client-Id": "one"}), range(100))]
    windows = 1 + math.ceil((time.monotonic() - began) / facts["window_s"])
    assert set(told) == {201, 429}
    assert facts["limit_per_s"] <= told.count(201) <= windows * facts["limit_per_s"]
    assert checkout.open(**{"X-Client-Id": "another"})[0] == 201


@pytest.mark.slow
@pytest.mark.parametrize("how", ["way cut", "stopped"])
def test_without_its_database_it_is_503_in_time_and_the_same_key_is_opened_afterwards(
    checkout: CheckoutDriver, how: str
) -> None:
    key = f"db-{how}"
    checkout.proxied("postgres", False) if how == "way cut" else checkout.supervisor("stop", "postgres")
    try:
        began = time.monotonic()
        status, body = checkout.open(key)
        assert (status, body["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert time.monotonic() - began < checkout.target["facts"]["answer_timeout_s"] + 2
        assert checkout.status("/ready") == 503 and checkout.status("/health") == 200
    finally:
        checkout.proxied("postgres", True) if how == "way cut" else checkout.supervisor("start", "postgres")
    eventually(lambda: checkout.open(key)[0] in (200, 201), 30)
    eventually(lambda: checkout.books(key) == (1, 1), 20)


@pytest.mark.slow
def test_api_that_is_killed_on_the_way_leaves_nothing_half_done(checkout: CheckoutDriver) -> None:
    checkout.proxied("payments", False)
    try:
        status, body = checkout.open("killed")
        assert (status, body["error"]["code"]) == (503, "PAYMENT_UNAVAILABLE")
        assert checkout.books("killed") == (0, 0)
        before = checkout.pid("api")
        checkout.tree("api")[0].kill()
    finally:
        checkout.proxied("payments", True)
    eventually(lambda: checkout.pid("api") not in (0, before), 20)
    eventually(lambda: checkout.unfinished() == 0, checkout.target["facts"]["catch_up_s"])
    assert checkout.books("killed") == (1, 1)
