"""Holds a table's lock until it is told to stop: `python -m blackstart.faults._lock_holder PIDFILE BRIEF`, with the dsn
in its environment.

BRIEF is JSON: the `mark` of its session, the `table` as it stands in SQL, the `mode`, and that of `_lifetime`.
"""

import contextlib
import json
import os
import select
import sys
from typing import Any

import psycopg

from blackstart.faults._lifetime import Lifetime, announced
from blackstart.faults._store_step import DSN
from blackstart.model.protocols import read_postgres

_AGAIN_S = 0.25
_CONNECTS_WITHIN_S = 5
# Who waits for this lock keeps others waiting behind it; and a server does not see that a waiting client has died.
_WAITS_MS = 2000


class Holder:
    """One session with one lock."""

    def __init__(self, brief: dict[str, Any]) -> None:
        self._dsn, self._mark = read_postgres(os.environ[DSN]).text, str(brief["mark"])
        self._lock = f"LOCK TABLE {brief['table']} IN {brief['mode']} MODE".encode()
        self._longest_ms = int(float(brief["longest_s"]) * 1000)
        self._lifetime = Lifetime(brief)

    def hold_until_the_end(self) -> None:
        """Take it, and take it again where the server has ended the session."""
        while not self._lifetime.over():
            with contextlib.suppress(psycopg.Error, OSError):  # held by others, or not there just now
                self._hold()
            self._lifetime.over(_AGAIN_S)

    def _hold(self) -> None:
        with psycopg.connect(self._dsn, application_name=self._mark, connect_timeout=_CONNECTS_WITHIN_S) as connection:
            # Should nobody be there any more to end it, the server does.
            connection.execute(f"SET idle_in_transaction_session_timeout = {self._longest_ms}")
            connection.execute(f"SET lock_timeout = {_WAITS_MS}")
            connection.execute(self._lock)
            poll = select.poll()
            poll.register(connection.fileno(), select.POLLIN)
            while not self._lifetime.over(_AGAIN_S) and not poll.poll(0):
                pass
            connection.rollback()


def main(pidfile: str, brief: str) -> None:
    """Announce itself in the pid file, hold, and take the file away."""
    holder = Holder(json.loads(brief))
    with announced(pidfile):
        holder.hold_until_the_end()


if __name__ == "__main__":
    main(*sys.argv[1:])
