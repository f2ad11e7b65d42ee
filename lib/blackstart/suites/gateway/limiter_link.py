"""That a Redis is the one in which a gateway's limiter counts: what we send leaves its trace there, and only that."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random, SystemRandom
from typing import Any

from blackstart.base import trust
from blackstart.base.codec import plain
from blackstart.base.errors import reason_of
from blackstart.base.secrets.env import secret
from blackstart.base.urls.redis import RedisUrl
from blackstart.loads import Operation
from blackstart.loads.template import Template, with_values
from blackstart.model.protocols import places_of, read_http, read_redis
from blackstart.model.target import Service, Target
from blackstart.probes.redis_ping import redis_dsn

_TIMEOUT_S = 2.0
_LOOK_S = 2.0
_ROUNDS = 4
_FEWEST, _MOST = 12, 24
_NEAR = (0.6, 1.4)
"""How much of what a round sent must be counted more than in an equal time without it: others may send, too."""

Segments = tuple[str, ...]
"""A key of Redis at its colons."""
Counts = dict[Segments, int]


class _NotFound(Exception):
    """The trace is not there; the message says what was seen instead."""


@plain("link.limiter_counts")
class LimiterCounts:
    """Sends requests through the gateway and looks for what the limiter counts of them in Redis.

    Where the API key or the path has a hole that any value fits, it is filled with one that nobody can know, and a
    counter of exactly this value must be there after one request. Where both are fixed, rounds of 12 to 24 requests
    must each raise their counter by about as many more than an equal time without requests does: the traffic of others
    knows nothing of the rounds. Redis is asked at the target's dsn, and at its address where a fault proxy is on it.
    """

    service: str
    operation: Operation
    dsn: str = ""
    address: str = ""

    def bind(self, target: Target) -> LimiterCounts:
        """With whole addresses. Where the target gives no dsn, the address is taken."""
        service = target.service(self.service)
        dsn = redis_dsn(service)
        operation = self.operation.at(target.api, target.headers)
        return replace(self, operation=operation, dsn=dsn, address=service.address if service.proxy_name else "")

    def missing(self) -> str:
        """One look, at every door that Redis has. Empty where it is proved."""
        import redis  # noqa: PLC0415  (declarations load no client)
        import requests  # noqa: PLC0415

        headers = {name: secret(value) for name, value in self.operation.headers.items()}
        if not _api_key(headers):
            return "the target's [requests] headers name no X-API-Key, by which the limiter's counter could be found"
        try:
            for door in self._doors():
                with contextlib.closing(_client(door)) as client, trust.session(self.operation.url) as session:
                    _Look(self.operation, headers, client, session).demand()
        except requests.RequestException as error:
            return f"a request through the gateway failed: {reason_of(error)}"
        except redis.RedisError as error:
            return f"Redis can't be asked: {reason_of(error)}"
        except _NotFound as seen:
            where = f"{self.dsn} and {self.address}" if self.address else self.dsn
            return f"the requests that we sent are not counted in the Redis at {where}: {seen}"
        return ""

    def _doors(self) -> list[RedisUrl]:
        """Where it is asked, and where it is broken: the fault proxy's address leads to the same Redis, or it counts
        for another."""
        own = read_redis(self.dsn)
        if not self.address or own.place.address == self.address:
            return [own]
        return [own, own.through(places_of(Service(self.service, address=self.address))[0])]


class _Look:
    """One look at one Redis."""

    def __init__(self, operation: Operation, headers: Mapping[str, str], client: Any, session: Any) -> None:
        self.operation = operation
        self.headers = headers
        self.client = client
        self.session = session
        self.status = 0

    def demand(self) -> None:
        """Raises _NotFound where the requests left no trace."""
        chosen = self._filled(choose=True)
        if chosen is not None:
            url, headers, wanted = chosen
            self._send(url, headers)
            if any(holds(segments, wanted) for segments in self._names(wanted[0])):
                return
        url, headers, wanted = self._filled(choose=False) or ("", {}, [])
        for count in SystemRandom().sample(range(_FEWEST, _MOST + 1), _ROUNDS):
            self._round(count, url, headers, wanted)

    def _filled(self, choose: bool) -> tuple[str, dict[str, str], list[str]] | None:
        """A request and the values that its counter's key must hold; None where none of them can be chosen."""
        word, number = secrets.token_hex(16), str(10**14 + secrets.randbelow(9 * 10**14))
        # What is not only read may mind a number out of its range.
        ranges = self.operation.method in ("GET", "HEAD")
        texts = {"url": self.operation.url, **self.headers}
        if choose:
            values = {name: with_values(text, word, number, ranges) for name, text in texts.items()}
            path_chosen = _path(values["url"]) != _path(texts["url"])
            key_chosen = _api_key(values) != _api_key(texts)
            if not (path_chosen or key_chosen):
                return None
        else:
            values, key_chosen = texts, False
        dice = Random(1)  # what can't be chosen is the same each time
        made = {name: Template(text).fill("link", 1, dice) for name, text in values.items()}
        url = made.pop("url")
        key = _api_key(made)
        return url, made, [key] if key_chosen else [key, _path(url)]

    def _round(self, count: int, url: str, headers: dict[str, str], wanted: list[str]) -> None:
        before = self._counts(wanted)
        began_s = time.monotonic()
        for _ in range(count):
            self._send(url, headers)
        between = self._counts(wanted)
        # The same time once more without our requests: what is counted then is another's.
        time.sleep(min(time.monotonic() - began_s, _TIMEOUT_S))
        with_ours, without = rise(before, between), rise(between, self._counts(wanted))
        if not _NEAR[0] * count <= with_ours - without <= _NEAR[1] * count:
            raise _NotFound(
                f"{count} requests (the last answered with {self.status}) raised the counter of our API key and path "
                f"by {with_ours}, and an equal time without them by {without}"
            )

    def _send(self, url: str, headers: dict[str, str]) -> None:
        answer = self.session.request(
            self.operation.method, url, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False
        )
        self.status = answer.status_code

    def _names(self, value: str) -> dict[Segments, bytes]:
        """The limiter's keys that hold this value as a segment."""
        until_s = time.monotonic() + _LOOK_S
        found: dict[Segments, bytes] = {}
        for name in self.client.scan_iter(match=f"rate_limit:*{_literal(value)}*", count=1000):
            segments = tuple(name.decode("utf-8", "replace").split(":"))
            if holds(segments, [value]):
                found[segments] = name
            if time.monotonic() > until_s:
                raise _NotFound(f"it has more keys than can be looked through within {_LOOK_S:g} s")
        return found

    def _counts(self, wanted: Sequence[str]) -> Counts:
        """What is counted of the API key, and of the path where the limiter counts by path. No number counts as 0."""
        names = self._names(wanted[0])
        if any(segment.startswith("/") for segments in names for segment in segments):
            names = {segments: name for segments, name in names.items() if holds(segments, wanted)}
        with self.client.pipeline(transaction=False) as pipeline:
            for name in names.values():
                pipeline.get(name)
            values = pipeline.execute(raise_on_error=False)  # another type is an error, and no number
        return {
            segments: int(value) if isinstance(value, bytes) and value.isdigit() else 0
            for segments, value in zip(names, values, strict=True)
        }


def holds(segments: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether each wanted value is a whole segment of the key, or several in a row where it has colons of its own."""
    return all(_in_a_row(segments, value.split(":")) for value in wanted)


def rise(before: Counts, after: Counts) -> int:
    """By how much the counters rose together; what ran out meanwhile is no fall."""
    return sum(max(0, count - before.get(segments, 0)) for segments, count in after.items())


def _in_a_row(segments: Sequence[str], part: Sequence[str]) -> bool:
    length = len(part)
    return any(list(segments[at : at + length]) == list(part) for at in range(len(segments) - length + 1))


def _path(url: str) -> str:
    return read_http(url, whole_path=True).path or "/"


def _api_key(headers: Mapping[str, str]) -> str:
    return next((value for name, value in headers.items() if name.lower() == "x-api-key"), "")


def _literal(text: str) -> str:
    """The text in a glob-style pattern of Redis that matches nothing else."""
    return "".join(f"\\{char}" if char in "\\*?[]^" else char for char in text)


def _client(door: RedisUrl) -> Any:
    import redis  # noqa: PLC0415  (as above)

    return redis.Redis(**door.client_arguments(), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
