"""Who may drive the API: what a web page can send, under any name for this machine, is refused and changes nothing."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from blackstart.proxy.admission import Admission, is_loopback
from blackstart.proxy.api import LOOPBACK, Api
from blackstart.proxy.collection import Collection

BODY = json.dumps({"name": "p", "upstream": "127.0.0.1:1"}).encode()
JSON = {"Content-Type": "application/json"}


def answer(
    headers: dict[str, str], admission: Admission = LOOPBACK, data: bytes | None = BODY
) -> tuple[int, str, bool]:
    """What a POST with these headers gets: status and text; and whether a proxy was made."""

    async def ask() -> tuple[int, str, bool]:
        collection = Collection("seed")
        app = Api(collection, admission).application()
        async with asyncio.timeout(30), TestClient[Any, Any](TestServer(app)) as client:
            try:
                path = "/reset" if data is None else "/proxies"
                skip = () if "Content-Type" in headers else ("Content-Type",)
                async with client.post(path, data=data, headers=headers, skip_auto_headers=skip) as response:
                    return response.status, await response.text(), "p" in collection.proxies
            finally:
                collection.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8474", "a.localhost", "127.0.0.1:8474", "127.9.9.9", "[::1]:8474", "localhost.:1"]
)
def test_names_of_loopback_are_served(host: str) -> None:
    assert answer({**JSON, "Host": host})[0] == 201


@pytest.mark.parametrize(
    "host",
    ["evil.example:8474", "localhost.evil.example", "127.0.0.1.nip.io", "192.0.2.1", "0.0.0.0:8474", "[2001:db8::1]:1",
     "2130706433", "", "[::1", "127.1", "xlocalhost"],
)  # fmt: skip
def test_any_other_name_of_this_machine_is_refused_as_one_that_a_page_had_rebound(host: str) -> None:
    status, text, made = answer({**JSON, "Host": host})
    assert (status, made) == (403, False) and "--allow-host NAME" in text


def test_a_name_that_was_told_is_served_and_beyond_loopback_every_address() -> None:
    told = Admission({"proxy"})
    assert answer({**JSON, "Host": "proxy:8474"}, told)[0] == 201
    assert answer({**JSON, "Host": "proxy.evil.example"}, told)[0] == 403
    beyond = Admission(any_address=True)
    assert answer({**JSON, "Host": "192.0.2.1:8474"}, beyond)[0] == 201
    assert answer({**JSON, "Host": "evil.example"}, beyond)[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:8474", ""])
def test_a_request_with_an_origin_is_refused_whatever_its_agent_says(origin: str) -> None:
    for data in (BODY, None):
        status, text, made = answer({**JSON, "Origin": origin, "User-Agent": "curl/8"}, data=data)
        assert (status, made) == (403, False) and "web pages" in text


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", None]
)
def test_a_body_that_is_not_called_json_is_refused_with_what_to_send(kind: str | None) -> None:
    status, text, made = answer({"Content-Type": kind} if kind else {})
    assert (status, made) == (415, False) and "Content-Type: application/json" in text


def test_json_may_name_its_charset_and_nothing_needs_no_type() -> None:
    assert answer({"Content-Type": "application/json; charset=utf-8"})[0] == 201
    assert answer({}, data=None)[0] == 204


@pytest.mark.parametrize("agent", ["Ruby", "Java/17.0.9"])
def test_toxiproxys_clients_whose_language_names_no_type_are_served(agent: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": agent}
    assert answer(form)[0] == 201
    assert answer({**form, "Content-Type": "text/plain"})[0] == 415
    assert answer({**form, "Origin": "http://evil.example"})[0] == 403


def test_what_loopback_is() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "::ffff:127.0.0.1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "", "10.0.0.1", "::ffff:10.0.0.1", "host")))
