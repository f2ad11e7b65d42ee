"""By how much a service's clock differs from ours, as the service itself tells the time."""

import http.client
import time
from email.utils import parsedate_to_datetime
from typing import Self

from blackstart.base import trust
from blackstart.base.codec import plain
from blackstart.base.urls.http import read as read_http
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Endpoint, Picked, Probe, Reader
from blackstart.model.target import Target
from blackstart.probes.mixed_in import AsAnswered, Bound
from blackstart.probes.visitor import HoldsNothing


@plain("probe.clock_offset")
class ClockOffset(Conditions):
    """Seconds that the clock which `of` reads is ahead of ours; below 0 where it is behind. `of` reads the time since
    1970, `per_s` of its units being a second."""

    of: Probe
    name: str
    per_s: float = 1.0

    def bind(self, target: Target) -> Self:
        """With the inner probe's address."""
        return type(self)(self.of.bind(target), self.name, self.per_s)

    def endpoint(self) -> Endpoint:
        """The inner one."""
        return self.of.endpoint()

    def pick(self, answer: Answer) -> Picked:
        """The difference at this moment."""
        kind, value, note = self.of.pick(answer)
        if kind != "value":
            return kind, None, note
        try:
            return "value", round(float(str(value)) / self.per_s - time.time(), 3), note
        except ValueError:
            return "malformed", None, f"no time: {value!r}"


@plain("probe.http_date")
class HttpDate(Bound, AsAnswered):
    """The `Date` of an HTTP answer, whatever its status: whole seconds since 1970."""

    url: str
    name: str

    def endpoint(self) -> Endpoint:
        """HEAD of the URL."""
        return HttpHead(self.url)

    def pick(self, answer: Answer) -> Picked:
        """The seconds; absent where the answer has no date."""
        return super().pick(answer) if answer.body is not None else ("absent", None, "an answer without a date")


@plain("endpoint.http_date")
class HttpHead:
    """The date that one URL answers with."""

    url: str
    least_tick_s = 0.2

    def open(self) -> Reader:
        """A reader; a connection for each read."""
        return _Dated(self.url)

    def describe(self) -> str:
        """`HEAD http://localhost:8000/`."""
        return f"HEAD {self.url}"


class _Dated(HoldsNothing):
    def __init__(self, url: str) -> None:
        self._asked = read_http(url)

    def read(self, timeout_s: float) -> Answer:
        place = self._asked.place
        connection = http.client.HTTPConnection(place.host, place.port, timeout=timeout_s)
        if self._asked.tls:
            connection = http.client.HTTPSConnection(
                place.host, place.port, timeout=timeout_s, context=trust.tls().context
            )
        try:
            connection.request("HEAD", "/", headers={"User-Agent": "blackstart", "Connection": "close"})
            told = connection.getresponse().getheader("Date")
            return Answer("answer", parsedate_to_datetime(told).timestamp() if told else None)
        except TimeoutError as error:
            return Answer("timed_out", note=str(error))
        except OSError as error:
            return Answer("unreachable", note=error.strerror or str(error))
        except (http.client.HTTPException, ValueError) as error:
            return Answer("malformed", note=f"{type(error).__name__}: {error}")
        finally:
            connection.close()
