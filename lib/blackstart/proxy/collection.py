"""All proxies of this process, and the changes that concern more than one of them."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from blackstart.proxy.address import Address, read_address
from blackstart.proxy.connection_limit import ConnectionLimit
from blackstart.proxy.dial import Dialler
from blackstart.proxy.errors import ApiError, bad_body, missing_field, proxy_exists, proxy_not_found, toxic_exists
from blackstart.proxy.proxy import Proxy
from blackstart.proxy.timers import TimerQueue
from blackstart.proxy.toxic import Toxic, as_object, read_toxic

ANYWHERE = "127.0.0.1:0"  # where a proxy listens that was not told where: any free port, and only on this machine
SWEEP_EVERY_S = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """A proxy as a request describes it, checked."""

    name: str
    listen: Address
    upstream: Address
    enabled: bool
    toxics: list[Toxic]


def read_proxy(body: object, where: str = "") -> Wanted:
    """The proxy that a body describes, with its toxics. ApiError 400 says what is missing or is not valid."""
    given = as_object(body)
    for field in ("name", "upstream"):
        if not given.get(field):
            raise missing_field(f"{field}{where}")
    if not isinstance(given["name"], str):
        raise bad_body(f"name must be a string, not {given['name']!r}")
    toxics = given.get("toxics") or []
    if not isinstance(toxics, list):
        raise bad_body(f"toxics must be a list, not {toxics!r}")
    read = [read_toxic(toxic) for toxic in toxics]
    if len({toxic.name for toxic in read}) < len(read):
        raise toxic_exists()
    return Wanted(
        given["name"],
        read_address("listen", given.get("listen") or ANYWHERE, least_port=0),
        read_address("upstream", given["upstream"], least_port=1),
        _enabled(given, True),
        read,
    )


def _enabled(given: dict[str, Any], before: bool) -> bool:
    value = given.get("enabled")
    if value is not None and not isinstance(value, bool):
        raise bad_body(f"enabled must be true or false, not {value!r}")
    return before if value is None else value


class Collection:
    """Proxies by name. One change is made at a time; each is checked in full before it begins.

    It has to be made inside the event loop that it is to live on.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._timers = TimerQueue(asyncio.get_running_loop())
        self.proxies: dict[str, Proxy] = {}
        self._dialler, self._limit = Dialler(), ConnectionLimit(self.proxies)
        self.changing = asyncio.Lock()

    def get(self, name: str) -> Proxy:
        """The proxy of that name; ApiError 404 where there is none."""
        if name not in self.proxies:
            raise proxy_not_found()
        return self.proxies[name]

    async def create(self, body: object) -> Proxy:
        """A new proxy with its toxics, or an ApiError (400, 409, 500) and nothing."""
        wanted = read_proxy(body)
        if wanted.name in self.proxies:
            raise proxy_exists()
        return await self._add(wanted)

    async def update(self, name: str, body: object) -> Proxy:
        """Move, enable or disable a proxy. Its name is ignored, as are toxics, which have routes of their own."""
        proxy, given = self.get(name), as_object(body)
        listen = read_address("listen", given.get("listen") or str(proxy.listen), least_port=0)
        upstream = read_address("upstream", given.get("upstream") or str(proxy.upstream), least_port=1)
        enabled = _enabled(given, proxy.enabled)
        if upstream != proxy.upstream or not await proxy.listens_on(listen):
            await proxy.move(listen, upstream)
        if enabled:
            await proxy.start()
        else:
            proxy.stop()
        return proxy

    def remove(self, name: str) -> None:
        """Delete a proxy and cut its connections."""
        self.get(name).close()
        del self.proxies[name]

    async def populate(self, body: object) -> tuple[list[Proxy], ApiError | None]:
        """Have these proxies: make those that are missing or differ, leave the others alone but for the named toxics.

        The first that can't be started ends it; those before it stay, as in Toxiproxy.
        """
        if not isinstance(body, list):
            raise bad_body("a list of proxies is needed")
        wanted = [read_proxy(entry, f" at proxy {place}") for place, entry in enumerate(body, 1)]
        made: list[Proxy] = []
        for one in wanted:
            try:
                made.append(await self._add_or_keep(one))
            except ApiError as error:
                return made, error
        return made, None

    async def reset(self) -> None:
        """Remove every toxic and enable every proxy; then ApiError 500 for the first that can't be started."""
        problems: list[ApiError] = []
        for proxy in self.proxies.values():
            try:
                await proxy.remove_toxics(list(proxy.toxics), "removed by a reset")
                await proxy.start()
            except ApiError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    async def sweep(self) -> None:
        """For ever: remove the toxics whose owner is gone, and listen again where a port was lost for a while."""
        while True:
            for proxy in tuple(self.proxies.values()):
                try:
                    await self._end_leases_of(proxy)
                    await proxy.open_or_refuse()
                except (ApiError, OSError) as error:  # such as a lack of open files: the next look may do better
                    log.warning('Proxy "%s" could not be looked after: %s', proxy.name, error)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def _end_leases_of(self, proxy: Proxy) -> None:
        for toxic in tuple(proxy.toxics):
            why = toxic.lease.ended() if toxic.lease else None
            if why:
                async with self.changing:
                    if toxic in proxy.toxics:
                        await proxy.remove_toxics([toxic], f"went with its lease: {why}")

    async def _add_or_keep(self, wanted: Wanted) -> Proxy:
        known = self.proxies.get(wanted.name)
        if known is None:
            return await self._add(wanted)
        if known.upstream != wanted.upstream or not await known.listens_on(wanted.listen):
            self.remove(wanted.name)
            return await self._add(wanted)
        names = {toxic.name for toxic in wanted.toxics}
        await known.remove_toxics([toxic for toxic in known.toxics if toxic.name in names], "replaced")
        for toxic in wanted.toxics:
            await known.add_toxic(toxic)
        return known

    async def _add(self, wanted: Wanted) -> Proxy:
        proxy = Proxy(wanted.name, wanted.listen, wanted.upstream, self.seed, self._timers, self._dialler, self._limit)
        for toxic in wanted.toxics:
            await proxy.add_toxic(toxic)
        if wanted.enabled:
            try:
                await proxy.start()
            except BaseException:
                proxy.close()
                raise
        self.proxies[wanted.name] = proxy
        return proxy

    def close(self) -> None:
        """Cut everything and let go of every port."""
        for proxy in self.proxies.values():
            proxy.close()
        self._timers.close()
