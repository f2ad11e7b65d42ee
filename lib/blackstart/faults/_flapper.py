"""Toggles a proxy until it is told to stop: `python -m blackstart.faults._flapper PIDFILE BRIEF`.

A process of its own, since the engine holds nothing by itself. It lives no longer than the run that started it: when
that process ends, however it ends, the proxy is up again and this one is gone. BRIEF is JSON: `api`, the HTTP calls
`down` and `up` (method, path, body), `every_s`, `longest_s`, and the runner's `pid` and `started`.
"""

import http.client
import json
import sys
import time
from typing import Any

from blackstart.base.urls import http as http_url
from blackstart.faults._lifetime import Lifetime, announced

_CALL_WITHIN_S = 2.0
_TRIES = 5
# The state that is asked for can be there already, after a call whose answer was lost.
_FINE = (200, 201, 204, 404, 409)


class Flapper:
    """One proxy, toggled."""

    def __init__(self, brief: dict[str, Any]) -> None:
        place = http_url.read(brief["api"]).place
        self._address = (place.host, place.port)
        self._connection: http.client.HTTPConnection | None = None
        self._calls: dict[bool, list[Any]] = {True: brief["down"], False: brief["up"]}
        self._every_s, self._lifetime = float(brief["every_s"]), Lifetime(brief)
        self.down = False

    def toggle_until_the_end(self) -> None:
        """Until the runner is gone or the time is over; whatever happens, up at the end."""
        next_s = time.monotonic()
        try:
            while not self._lifetime.over(next_s - time.monotonic()):
                self._set(not self.down)
                next_s += self._every_s
        finally:
            self._up()

    def _up(self) -> None:
        for left in reversed(range(_TRIES)):
            try:
                if self.down:
                    self._set(False)
                return
            except (OSError, http.client.HTTPException):
                if not left:
                    raise

    def _set(self, down: bool) -> None:
        self.down = self.down or down  # before the call: it may take effect without an answer
        method, path, body = self._calls[down]
        try:
            status = self._call(method, path, body)
        except (OSError, http.client.HTTPException):
            self._close()
            raise
        if status not in _FINE:
            raise OSError(f"{method} {path} was answered {status}")
        self.down = down

    def _call(self, method: str, path: str, body: Any) -> int:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._address, timeout=_CALL_WITHIN_S)
        data = None if body is None else json.dumps(body)
        self._connection.request(method, path, data, {"Content-Type": "application/json", "User-Agent": "blackstart"})
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main(pidfile: str, brief: str) -> None:
    """Announce itself in the pid file, toggle, and take the file away."""
    flapper = Flapper(json.loads(brief))
    with announced(pidfile):
        flapper.toggle_until_the_end()


if __name__ == "__main__":
    main(*sys.argv[1:])
