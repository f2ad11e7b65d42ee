"""What a Redis and a PostgreSQL are set to, as far as that may be another after a drill: a restart loses what was set
while it ran. What a session was given is none of it, and none of these settings holds a secret."""

from blackstart.model import protocols
from blackstart.model.reading import Answer, Endpoint
from blackstart.model.target import Service
from blackstart.probes.redis_value import RedisCommandEndpoint
from blackstart.probes.sql import SqlQuery

_REDIS = ("maxmemory*", "maxclients", "timeout", "appendonly", "save", "min-replicas-to-write", "replica-read-only")
_POSTGRES = (
    "archive_mode", "default_transaction_read_only", "fsync", "full_page_writes", "idle_in_transaction_session_timeout",
    "lock_timeout", "max_connections", "max_wal_size", "shared_buffers", "statement_timeout", "synchronous_commit",
    "synchronous_standby_names", "wal_level", "work_mem",
)  # fmt: skip
# A value that was given to the session is ours, and stands in no file.
_QUERY = (
    f"SELECT name, reset_val AS setting FROM pg_settings WHERE name IN ({', '.join(map(repr, _POSTGRES))}) "
    "AND source NOT IN ('client', 'interactive') ORDER BY name"
)


def of(service: Service, within_s: float) -> dict[str, str]:
    """What the server behind the service's dsn is set to; none where it has no dsn, speaks something else, or does not
    tell (a managed Redis has no CONFIG). Raises LookupError where it does not answer, BadTarget for a wrong dsn."""
    speaks = protocols.spoken_by(service) if service.dsn else ""
    if speaks == "postgres":
        rows = _asked(SqlQuery(service.dsn, _QUERY), within_s).body or []
        return {str(row["name"]): str(row["setting"]) for row in rows}
    found: dict[str, str] = {}
    for pattern in _REDIS if speaks == "redis" else ():
        told = _asked(RedisCommandEndpoint(service.dsn, ("CONFIG", "GET", pattern)), within_s).body
        # Names and values in turn, where it is a Redis that answers.
        words = (
            [one.decode("utf-8", "replace") for one in told if isinstance(one, bytes)] if isinstance(told, list) else []
        )
        found |= zip(words[::2], words[1::2], strict=False)
    return found


def _asked(endpoint: Endpoint, within_s: float) -> Answer:
    reader = endpoint.open()
    try:
        answer = reader.read(within_s)
    finally:
        reader.close()
    if answer.kind in ("unreachable", "timed_out"):
        raise LookupError(f"{answer.kind.replace('_', ' ')}{f' ({answer.note})' if answer.note else ''}")
    return answer
