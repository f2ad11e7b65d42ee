"""Holds connections to PostgreSQL until it is told to stop: `python -m blackstart.faults._connection_holder PIDFILE
BRIEF`, with the dsn in its environment. What the server ends meanwhile is opened again, and so is what others let go
where all are wanted.

BRIEF is JSON: the `mark` of its sessions, how many `connections` (null: all that there are), whether to `evict` whoever
else has one, and that of `_lifetime`.
"""

import contextlib
import json
import os
import resource
import select
import sys
from typing import Any

import psycopg

from blackstart.base import clock
from blackstart.base.urls.postgres import APPLICATION_NAME
from blackstart.faults._lifetime import Lifetime, announced
from blackstart.faults._store_step import DSN
from blackstart.model.protocols import read_postgres

# What is refused stands in the server's log each time.
_AGAIN_S = 0.25
_CONNECTS_WITHIN_S = 5
# For so long what was ended is reached for at once: who had it wants it back.
_GRABS_S = 0.2
_KNOWS_IDLE_TIMEOUT = 140000

EVICT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = session_user AND "
    f"backend_type = 'client backend' AND application_name NOT LIKE '{APPLICATION_NAME}%'"
)


class Holder:
    """Connections that do nothing."""

    def __init__(self, brief: dict[str, Any]) -> None:
        self._dsn, self._mark = read_postgres(os.environ[DSN]).text, str(brief["mark"])
        self._wanted, self._longest_s = brief["connections"], float(brief["longest_s"])
        self._evicts = bool(brief["evict"])
        self._lifetime = Lifetime(brief)
        self._poll = select.poll()
        self.held: dict[int, psycopg.Connection[Any]] = {}

    def hold_until_the_end(self) -> None:
        """Take what there is, again and again. The end of the process is the end of what it holds."""
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):  # then those that there may be
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        wait_s = 0.0
        while not self._lifetime.over(wait_s):
            self._drop_ended()
            wait_s = 0.0 if self._wants_more() and self._take() else _AGAIN_S
            if wait_s and self._evicts:
                self._evict()

    def _wants_more(self) -> bool:
        return self._wanted is None or len(self.held) < self._wanted

    def _take(self) -> bool:
        try:
            connection = psycopg.connect(
                self._dsn, application_name=self._mark, connect_timeout=_CONNECTS_WITHIN_S, autocommit=True
            )
            # Should nobody be there any more to end it, the server does.
            if connection.info.server_version >= _KNOWS_IDLE_TIMEOUT:
                connection.execute(f"SET idle_session_timeout = {int(self._longest_s * 1000)}")
        except (psycopg.Error, OSError):  # full, or not there just now
            return False
        self.held[connection.fileno()] = connection
        self._poll.register(connection.fileno(), select.POLLIN)
        return True

    def _evict(self) -> None:
        """End the sessions that others have as the same user, and take their places; what only reads for us stays."""
        for connection in list(self.held.values())[:1]:
            with contextlib.suppress(psycopg.Error):
                ended = connection.execute(EVICT).fetchall()
                until_s = clock.now_s() + _GRABS_S
                while ended and clock.now_s() < until_s:
                    self._take()

    def _drop_ended(self) -> None:
        """What the server says to a connection that asks nothing is its farewell."""
        for file, _ in self._poll.poll(0):
            self._poll.unregister(file)
            self.held.pop(file).close()


def main(pidfile: str, brief: str) -> None:
    """Announce itself in the pid file, hold, and take the file away."""
    holder = Holder(json.loads(brief))
    with announced(pidfile):
        holder.hold_until_the_end()


if __name__ == "__main__":
    main(*sys.argv[1:])
