"""What clients see: sessions, errors as JSON, what it lacks, and what it counts."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from blackstart_lab.checkout.api import ROUTE, Api
from blackstart_lab.checkout.payments import FINE, SILENT
from blackstart_lab.checkout.promise import Settings
from tests.unit.blackstart_lab.checkout.bench import Bench, Benches, until

BODY = {"customer": "c", "items": [{"sku": "A-1", "quantity": 2, "unit_cents": 1250}]}


class Client:
    """Asks an API of its own over HTTP."""

    def __init__(self, made: Bench, api: Api, url: str, session: aiohttp.ClientSession) -> None:
        self.made = made
        self.api = api
        self.url = url
        self.session = session

    async def post(self, key: str, body: Any = BODY, **headers: str) -> tuple[int, Any, dict[str, str]]:
        told = {"Idempotency-Key": key, **headers} if key else headers
        async with self.session.post(self.url + ROUTE, json=body, headers=told) as answer:
            return answer.status, await answer.json(), dict(answer.headers)

    async def get(self, path: str) -> tuple[int, str]:
        async with self.session.get(self.url + path) as answer:
            return answer.status, await answer.text()


def run(made: Bench, tmp_path: Path, story: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    @contextlib.asynccontextmanager
    async def served() -> AsyncIterator[Client]:
        api = Api(Settings(made.promise, 0, tmp_path / "events", made.proxied_dsn, made.payments_url))
        runner = web.AppRunner(api.application(), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with api.payments, aiohttp.ClientSession() as session:
            yield Client(made, api, f"http://127.0.0.1:{runner.addresses[0][1]}", session)
            await runner.cleanup()
        await api.store.database.close()

    async def whole() -> None:
        async with served() as client:
            await story(client)

    made.run(whole)


def test_a_session_is_201_and_the_same_again_is_200(bench: Benches, tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        status, first, _ = await client.post("a")
        assert (status, first["is_cached"], first["session"]["total_cents"]) == (201, False, 2500)
        assert uuid.UUID(first["session"]["id"])
        status, again, _ = await client.post("a")
        assert (status, again) == (200, {**first, "is_cached": True})
        page = (await client.get("/metrics"))[1]
        assert 'checkout_answers_total{outcome="created"} 1.0' in page
        assert 'checkout_answers_total{outcome="cached"} 1.0' in page
        assert "process_start_time_seconds" in page

    run(bench(), tmp_path, story)


def test_errors_are_json_with_a_code_and_the_status_that_goes_with_it(bench: Benches, tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        other = {**BODY, "customer": "another"}
        await client.post("a", **{"X-Client-Id": "one"})
        status, body, _ = await client.post("a", other)
        assert (status, body["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")
        status, body, headers = await client.post("b", **{"X-Client-Id": "one"})
        assert (status, body["error"]["code"], headers["Retry-After"]) == (429, "RATE_LIMITED", "60")
        for key, bad in (("", BODY), ("x" * 201, BODY), ("b", {"customer": 1}), ("b", [])):
            status, body, _ = await client.post(key, bad)
            assert (status, body["error"]["code"]) == (400, "INVALID_REQUEST")
        await client.made.way.cut()
        status, body, _ = await client.post("c")
        assert (status, body["error"]["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert "PostgreSQL after 3 tries" in body["error"]["message"]

    run(bench(limit_per_s=1, window_s=60.0), tmp_path, story)


def test_ready_names_what_it_reaches_and_is_503_without_it(bench: Benches, tmp_path: Path) -> None:
    async def story(client: Client) -> None:
        made = client.made
        status, text = await client.get("/ready")
        ((own,),) = made.rows("SELECT system_identifier::text || '/' || current_database() FROM pg_control_system()")
        assert status == 200 and f'"database": "{own}"' in text
        await made.way.cut()
        assert (await client.get("/ready"))[0] == 503
        assert (await client.get("/health"))[0] == 200
        await made.way.join()
        assert (await client.get("/ready"))[0] == 200

    run(bench(), tmp_path, story)


@pytest.mark.parametrize("moods", [(FINE,), (SILENT,)])
def test_a_client_that_hangs_up_leaves_a_whole_session_behind(
    bench: Benches, tmp_path: Path, moods: tuple[str, ...]
) -> None:
    async def story(client: Client) -> None:
        made = client.made
        waiting = asyncio.create_task(client.post("a"))
        async with asyncio.timeout(20):
            while not client.api.checkouts.under_way("a"):  # what never got there would be no session
                await asyncio.sleep(0)
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        await until(lambda: made.sessions == ["a"])
        assert made.charges == ["a"]

    run(bench(moods=moods, payment_timeout_s=0.5), tmp_path, story)
