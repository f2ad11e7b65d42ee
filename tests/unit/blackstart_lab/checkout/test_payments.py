"""The gateway charges once for a key, whatever becomes of the answer."""

import asyncio
from typing import Any

import aiohttp

from blackstart_lab.checkout.payments import FINE, MOODS, REFUSED, SILENT, UNHEARD
from tests.unit.blackstart_lab.checkout.bench import Bench, Benches


async def charge(made: Bench, key: str, amount: int = 5, within_s: float = 5.0) -> Any:
    """Status and body, or how it failed."""
    body, headers = {"reference": "r", "amount_cents": amount}, {"Idempotency-Key": key}
    timeout = aiohttp.ClientTimeout(total=within_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{made.payments_url}/charges", json=body, headers=headers) as answer,
        ):
            return answer.status, await answer.json()
    except (TimeoutError, aiohttp.ClientError) as error:
        return type(error).__name__


def test_a_key_is_charged_once_and_for_one_amount(bench: Benches) -> None:
    made = bench()

    async def story() -> None:
        told = await asyncio.gather(*(charge(made, "a") for _ in range(20)))
        assert all(each == told[0] for each in told)
        assert told[0][0] == 200
        assert (await charge(made, "a", amount=6))[0] == 409

    made.run(story)
    assert made.rows("SELECT idempotency_key, reference, amount_cents FROM payment_charges") == [("a", "r", 5)]


def test_only_the_first_try_of_a_key_can_not_be_relied_on(bench: Benches) -> None:
    made = bench(moods=(REFUSED, UNHEARD, SILENT))

    async def story() -> None:
        assert (await charge(made, "refused"))[0] == 503
        assert await charge(made, "unheard") == "ServerDisconnectedError"
        assert await charge(made, "silent", within_s=0.3) == "TimeoutError"
        assert made.rows("SELECT idempotency_key FROM payment_charges") == [("unheard",)]
        for key in ("refused", "unheard", "silent"):
            assert (await charge(made, key))[0] == 200

    made.run(story)
    assert made.rows("SELECT count(*) FROM payment_charges") == [(3,)]


def test_of_five_new_keys_in_a_row_each_trouble_befalls_one() -> None:
    assert sorted(MOODS) == sorted((FINE, FINE, REFUSED, UNHEARD, SILENT))
