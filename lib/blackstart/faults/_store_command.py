"""Tells a store something: `python -m blackstart.faults._store_command KIND WITHIN_S LINES`, with the dsn in its
environment.

KIND is redis or postgres. Of the lines, each a command or a statement, the next is said only where the one before was
taken: in Redis one that is answered OK.

Ends with 3 where the store did not take it. Any other failure is ours.
"""

import os
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from blackstart.base import writer
from blackstart.base.errors import BlackstartError
from blackstart.faults._store_step import DSN, NOT_TAKEN
from blackstart.model.protocols import read_postgres, read_redis


class _NotTaken(Exception):
    """What the store said instead."""


def _redis(dsn: str, within_s: float, lines: Sequence[str]) -> None:
    import redis  # noqa: PLC0415  (either client is loaded where it is needed)
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    client: Any = redis.Redis(
        **read_redis(dsn).client_arguments(), socket_timeout=within_s, socket_connect_timeout=within_s,
        retry=Retry(NoBackoff(), 0), protocol=2,
    )  # fmt: skip
    try:
        for line in lines:
            reply = client.execute_command(*shlex.split(line))
            if reply != b"OK":
                raise _NotTaken(f"{line} was answered {reply!r}")
    except (redis.RedisError, OSError) as error:
        raise _NotTaken(str(error)) from error
    finally:
        client.close()


def _postgres(dsn: str, within_s: float, lines: Sequence[str]) -> None:
    import psycopg  # noqa: PLC0415

    try:
        with psycopg.connect(read_postgres(dsn).text, connect_timeout=int(within_s), autocommit=True) as connection:
            connection.execute(f"SET statement_timeout = {int(within_s * 1000)}")
            for line in lines:
                connection.execute(line.rstrip(";").encode())
    except (psycopg.Error, OSError) as error:
        raise _NotTaken(str(error)) from error


def main(kind: str, within_s: str, lines: str) -> int:
    """The exit code."""
    tell = {"redis": _redis, "postgres": _postgres}[kind]
    try:
        tell(os.environ[DSN], float(within_s), lines.split("\n"))
    except (_NotTaken, BlackstartError) as error:
        writer.error(str(error))
        return NOT_TAKEN
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
