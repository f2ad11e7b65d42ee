"""Pages of metrics in other shapes, as there are in the world: each says the same as the plain one."""

import re
import time
from typing import Any

from aiohttp import web

from blackstart_lab.metrics_page import Page

_PATHS = [
    b'http_request_duration_seconds_bucket{path="/orders/%07d",le="0.5"} 1\n' % number for number in range(16_000)
]
_FIRST, _MORE = 3_000, 100
_NAME = re.compile(rb"(?m)^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ")
_DOTTED = b'{"http.server.request.duration","url.path"="/orders"} 3\n'
_SAMPLE = re.compile(rb"(?m)^([^#\n][^\n]*) (\S+)$")
_MINUTE_MS = 60_000


class Growing(Page):
    """A series for each path that was ever asked for: it grows fivefold, to more than a megabyte, while it is read."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._lines = _FIRST
        self._rest = b"".join(_PATHS[:_FIRST])

    def text(self) -> bytes:
        if self._lines < len(_PATHS):
            self._rest += b"".join(_PATHS[self._lines : self._lines + _MORE])
            self._lines += _MORE
        return self._rest[: len(self._rest) // 2] + super().text() + self._rest[len(self._rest) // 2 :]


class Packed(Page):
    """Packed with gzip, whether it was asked for or not: a middleware that does not look at what the client accepts."""

    def answer(self) -> web.Response:
        answer = super().answer()
        answer.enable_compression(web.ContentCoding.gzip)
        return answer


class Quoted(Page):
    """Every name of a series is quoted, as Prometheus 3 knows them, beside ones that can't be written otherwise."""

    def text(self) -> bytes:
        return _DOTTED + _NAME.sub(lambda found: b'{"%s",%s} ' % (found[1], found[2] or b""), super().text())


class Stamped(Page):
    """Collected by somebody else: each sample stands there as it was a minute ago, and as it is, with time stamps."""

    def text(self) -> bytes:
        now_ms = round(time.time() * 1000)
        return _SAMPLE.sub(rb"\1 \2 %d\n\1 7 %d" % (now_ms, now_ms - _MINUTE_MS), super().text())
