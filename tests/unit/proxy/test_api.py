"""The API over HTTP, in this process: statuses, bodies, and what no body may do to it."""

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from blackstart.proxy.api import Api
from blackstart.proxy.collection import Collection
from tests.unit.proxy.test_toxic import JSON

Client = TestClient[Any, Any]
PROXY = {"name": "p", "upstream": "127.0.0.1:1"}


def with_api(story: Callable[[Client], Awaitable[None]], seed: str = "seed") -> None:
    """Run a story against a fresh API on a free port."""

    async def run() -> None:
        collection = Collection(seed)
        async with asyncio.timeout(30), TestClient(TestServer(Api(collection).application())) as client:
            try:
                await story(client)
            finally:
                collection.close()

    asyncio.run(run())


async def send(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    json_type = {"Content-Type": "application/json"}
    async with client.request(method, URL(path, encoded=True), data=data, headers=json_type) as response:
        text = await response.text()
        return response.status, json.loads(text) if text.startswith(("{", "[")) else text


def test_a_proxy_is_born_with_its_toxics_or_not_at_all() -> None:
    async def story(client: Client) -> None:
        toxics = [{"type": "latency", "attributes": {"latency": 5}}, {"type": "noop", "stream": "both"}]
        status, shown = await send(client, "POST", "/proxies", {**PROXY, "toxics": toxics})
        assert (status, [toxic["name"] for toxic in shown["toxics"]]) == (201, ["latency_downstream", "noop_both"])
        bad = {**PROXY, "name": "q", "toxics": [{"type": "noop"}, {"type": "latency", "attributes": {"latency": -1}}]}
        assert (await send(client, "POST", "/proxies", bad))[0] == 400
        twice = {**PROXY, "name": "q", "toxics": [{"type": "noop"}, {"type": "noop"}]}
        assert (await send(client, "POST", "/proxies", twice))[0] == 409
        assert (await send(client, "GET", "/proxies/q"))[0] == 404

    with_api(story)


def test_populate_puts_its_toxics_in_place_and_is_idempotent() -> None:
    async def story(client: Client) -> None:
        body = [{**PROXY, "listen": "127.0.0.1:0", "toxics": [{"type": "bandwidth", "attributes": {"rate": 7}}]}]
        first = await send(client, "POST", "/populate", body)
        assert first[0] == 201
        await send(client, "POST", "/proxies/p/toxics", {"type": "noop", "name": "mine"})
        status, second = await send(client, "POST", "/populate", body)
        assert (status, second["proxies"][0]["listen"]) == (201, first[1]["proxies"][0]["listen"])
        assert {toxic["name"] for toxic in second["proxies"][0]["toxics"]} == {"mine", "bandwidth_downstream"}

    with_api(story)


def test_populate_that_names_a_bad_entry_makes_nothing() -> None:
    async def story(client: Client) -> None:
        status, shown = await send(client, "POST", "/populate", [PROXY, {"name": "q"}])
        assert (status, shown["error"]) == (400, "missing required field: upstream at proxy 2")
        assert (await send(client, "GET", "/proxies"))[1] == {}

    with_api(story)


def test_a_move_to_a_taken_port_changes_nothing() -> None:
    async def story(client: Client) -> None:
        _, one = await send(client, "POST", "/proxies", PROXY)
        _, two = await send(client, "POST", "/proxies", {**PROXY, "name": "q"})
        status, error = await send(client, "POST", "/proxies/p", {"listen": two["listen"], "upstream": "127.0.0.1:2"})
        assert (status, "address already in use" in error["error"]) == (500, True)
        assert (await send(client, "GET", "/proxies/p"))[1] == one

    with_api(story)


def test_a_move_to_a_host_that_is_not_ours_changes_nothing() -> None:
    async def story(client: Client) -> None:
        _, one = await send(client, "POST", "/proxies", PROXY)
        port = one["listen"].rpartition(":")[2]
        assert (await send(client, "POST", "/proxies/p", {"listen": f"192.0.2.1:{port}"}))[0] == 500
        assert (await send(client, "GET", "/proxies/p"))[1] == one
        with socket.create_connection(("127.0.0.1", int(port)), 5):
            pass

    with_api(story)


@pytest.mark.parametrize("name", ["a/b ü%", "{x}", "}", "a%2Fb", "q?x#y", "a+b", "toxics", "\n"])
def test_names_may_hold_any_character(name: str) -> None:
    async def story(client: Client) -> None:
        proxy = f"/proxies/{quote(name, safe='')}"
        toxic = f"{proxy}/toxics/{quote(name, safe='')}"
        assert (await send(client, "POST", "/proxies", {**PROXY, "name": name}))[0] == 201
        assert (await send(client, "POST", f"{proxy}/toxics", {"type": "noop", "name": name}))[0] == 200
        for path in (proxy, toxic):
            status, shown = await send(client, "GET", path)
            assert (status, shown["name"]) == (200, name)
        assert (await send(client, "DELETE", toxic))[0] == 204
        assert (await send(client, "GET", "/metrics"))[0] == 200
        assert (await send(client, "DELETE", proxy))[0] == 204

    with_api(story)


def test_a_name_that_is_no_text_is_refused() -> None:
    async def story(client: Client) -> None:
        body = b'{"name": "\\ud800", "upstream": "127.0.0.1:1"}'  # half of a surrogate pair
        assert (await send(client, "POST", "/proxies", body))[0] == 400
        assert (await send(client, "GET", "/metrics"))[0] == 200

    with_api(story)


def test_a_browser_is_kept_out() -> None:
    async def story(client: Client) -> None:
        async with client.get("/proxies", headers={"User-Agent": "Mozilla/5.0 (X11)"}) as response:
            assert (response.status, await response.text()) == (403, "User agent not allowed\n")

    with_api(story)


def test_an_update_renews_or_ends_a_lease_and_touches_nothing_else() -> None:
    async def story(client: Client) -> None:
        await send(client, "POST", "/proxies", {**PROXY, "toxics": [{"type": "noop", "lease": {"seconds": 60}}]})
        status, toxic = await send(client, "PATCH", "/proxies/p/toxics/noop_downstream", {"lease": {"seconds": 90}})
        assert (status, toxic["lease"]["seconds"], toxic["lease"]["remaining_s"] > 80) == (200, 90, True)
        status, toxic = await send(client, "PATCH", "/proxies/p/toxics/noop_downstream", {"lease": None})
        assert (status, "lease" in toxic) == (200, False)

    with_api(story)


METHODS = st.sampled_from(["GET", "POST", "PATCH", "DELETE", "PUT"])
PATHS = st.sampled_from(
    ["/proxies", "/populate", "/reset", "/proxies/p", "/proxies/p/toxics", "/proxies/p/toxics/t", "/proxies/x/toxics"]
)
FIELDS = st.sampled_from(["name", "listen", "upstream", "enabled", "type", "stream", "toxicity", "attributes", "lease"])
WORDS = st.sampled_from(["p", "q", "latency", "both", "slicer", "bandwidth", "127.0.0.1:0", "127.0.0.1:9", "t"])
# No address but loopback and nothing that would be looked up: listening elsewhere is not for a test to do.
BODIES = st.one_of(
    st.binary(max_size=30),
    JSON.filter(lambda value: not isinstance(value, dict)),
    st.dictionaries(FIELDS, WORDS | st.none() | st.booleans() | st.integers(-5, 5) | st.floats(), max_size=7),
    st.lists(st.dictionaries(FIELDS, WORDS | st.none() | st.integers(-5, 5), max_size=7), max_size=3),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(METHODS, PATHS, BODIES), max_size=12))
def test_no_request_makes_the_api_fail_or_hang(requests: list[tuple[str, str, Any]]) -> None:
    async def story(client: Client) -> None:
        await send(client, "POST", "/proxies", {**PROXY, "toxics": [{"type": "noop", "name": "t"}]})
        for method, path, body in requests:
            status, shown = await send(client, method, path, body)
            assert status < 500 or "bind" in shown["error"], shown
        assert (await send(client, "GET", "/proxies"))[0] == 200
        assert (await send(client, "GET", "/metrics"))[0] == 200

    with_api(story)
