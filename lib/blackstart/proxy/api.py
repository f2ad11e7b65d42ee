"""Toxiproxy's HTTP API. `/metrics` is always there; Toxiproxy has it behind flags.

A handler reads the body, makes one change, and answers; it never waits for a connection of the data plane.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from prometheus_client import generate_latest

import blackstart
from blackstart.proxy.admission import Admission
from blackstart.proxy.collection import Collection
from blackstart.proxy.errors import ApiError, bad_body
from blackstart.proxy.metrics import exposition
from blackstart.proxy.toxic import read_toxic

# The version of the API that is spoken here; clients look at it to know what they may ask for.
API_VERSION = "2.12.0"
MAX_BODY_BYTES = 4 * 1024 * 1024
LOOPBACK = Admission()

log = logging.getLogger(__name__)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def error_response(error: ApiError, more: dict[str, Any] | None = None) -> web.Response:
    """An error as Toxiproxy sends it: JSON that is called plain text."""
    text = json.dumps({"error": error.args[0], "status": error.status} | (more or {}))
    return web.Response(
        text=text + "\n", status=error.status, content_type="text/plain", headers={"X-Content-Type-Options": "nosniff"}
    )


async def body_of(request: web.Request) -> Any:
    """The JSON body. ApiError 400 where it is none."""
    try:
        body = json.loads(await request.read(), parse_constant=_no_such_number)
        json.dumps(body, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        return body
    except (ValueError, RecursionError) as error:
        raise bad_body(str(error)) from error


def _no_such_number(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


class Api:
    """The handlers, each named after its route."""

    def __init__(self, collection: Collection, admission: Admission = LOOPBACK) -> None:
        self._all = collection
        self._admission = admission
        self._registry = exposition(collection)

    def application(self) -> web.Application:
        """The routes. Names of proxies and toxics may hold any character, percent-encoded."""
        app = web.Application(middlewares=[self._answer], client_max_size=MAX_BODY_BYTES)
        add = app.router.add_route
        # Without its own pattern a name with braces in it would never be found again.
        proxy, toxic = "/proxies/{proxy:[^/]+}", "/{toxic:[^/]+}"
        toxics = f"{proxy}/toxics"
        add("GET", "/version", self.version)
        add("GET", "/metrics", self.metrics)
        add("POST", "/reset", self.reset)
        add("POST", "/populate", self.populate)
        add("GET", "/proxies", self.list_proxies)
        add("POST", "/proxies", self.create_proxy)
        add("GET", proxy, self.show_proxy)
        add("DELETE", proxy, self.delete_proxy)
        add("GET", toxics, self.list_toxics)
        add("POST", toxics, self.create_toxic)
        add("GET", toxics + toxic, self.show_toxic)
        add("DELETE", toxics + toxic, self.delete_toxic)
        for method in ("POST", "PATCH"):
            add(method, proxy, self.update_proxy)
            add(method, toxics + toxic, self.update_toxic)
        return app

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep browsers out (a page could drive the API) and turn every error into an answer."""
        if request.headers.get("User-Agent", "").startswith("Mozilla/"):
            return web.Response(text="User agent not allowed\n", status=403)
        try:
            self._admission.check(request)
            return await handler(request)
        except ApiError as error:
            return error_response(error)
        except web.HTTPException:
            raise
        except Exception as error:
            log.exception("%s %s failed", request.method, request.path)
            return error_response(ApiError(f"{type(error).__name__}: {error}", 500))

    async def version(self, request: web.Request) -> web.Response:
        return web.json_response({"version": API_VERSION, "server": f"blackstart {blackstart.__version__}"})

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def reset(self, request: web.Request) -> web.Response:
        async with self._all.changing:
            await self._all.reset()
        return web.Response(status=204)

    async def populate(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        async with self._all.changing:
            made, error = await self._all.populate(body)
        shown = {"proxies": [proxy.to_json() for proxy in made]}
        return error_response(error, shown) if error else web.json_response(shown, status=201)

    async def list_proxies(self, request: web.Request) -> web.Response:
        return web.json_response({name: proxy.to_json() for name, proxy in self._all.proxies.items()})

    async def create_proxy(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        async with self._all.changing:
            proxy = await self._all.create(body)
        return web.json_response(proxy.to_json(), status=201)

    async def show_proxy(self, request: web.Request) -> web.Response:
        return web.json_response(self._all.get(request.match_info["proxy"]).to_json())

    async def update_proxy(self, request: web.Request) -> web.Response:
        self._all.get(request.match_info["proxy"])
        body = await body_of(request)
        async with self._all.changing:
            proxy = await self._all.update(request.match_info["proxy"], body)
        return web.json_response(proxy.to_json())

    async def delete_proxy(self, request: web.Request) -> web.Response:
        async with self._all.changing:
            self._all.remove(request.match_info["proxy"])
        return web.Response(status=204)

    async def list_toxics(self, request: web.Request) -> web.Response:
        return web.json_response(self._all.get(request.match_info["proxy"]).to_json()["toxics"])

    async def create_toxic(self, request: web.Request) -> web.Response:
        self._all.get(request.match_info["proxy"])
        toxic = read_toxic(await body_of(request))
        async with self._all.changing:
            await self._all.get(request.match_info["proxy"]).add_toxic(toxic)
        return web.json_response(toxic.to_json())

    async def show_toxic(self, request: web.Request) -> web.Response:
        proxy = self._all.get(request.match_info["proxy"])
        return web.json_response(proxy.toxic(request.match_info["toxic"]).to_json())

    async def update_toxic(self, request: web.Request) -> web.Response:
        self._all.get(request.match_info["proxy"]).toxic(request.match_info["toxic"])
        body = await body_of(request)
        async with self._all.changing:  # the proxy may be another one by now
            toxic = await self._all.get(request.match_info["proxy"]).update_toxic(request.match_info["toxic"], body)
        return web.json_response(toxic.to_json())

    async def delete_toxic(self, request: web.Request) -> web.Response:
        async with self._all.changing:
            proxy = self._all.get(request.match_info["proxy"])
            await proxy.remove_toxics([proxy.toxic(request.match_info["toxic"])])
        return web.Response(status=204)
