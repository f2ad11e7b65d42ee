"""Exhaust the connections of PostgreSQL: a process of ours takes them and keeps them, so that no one else gets any."""

import resource
from collections.abc import Iterator
from typing import Any

import psutil

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._child import LEASE_S, child, end
from blackstart.faults._postgres import PostgresServer, literal, postgres_server
from blackstart.faults._store_step import DSN
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.target import Target
from blackstart.probes.clients import is_here
from blackstart.probes.control_state import ControlState
from blackstart.probes.postgres_login import FULL, LET_IN, PostgresLogin
from blackstart.probes.sql import SqlScalar

# What is not ours to see in pg_stat_activity still counts here.
_FACTS = """
SELECT current_setting('max_connections')::int AS most,
  current_setting('superuser_reserved_connections')::int AS reserved,
  coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved_more,
  (SELECT coalesce(sum(numbackends), 0)::int FROM pg_stat_database) AS used,
  (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) AS superuser,
  (SELECT rolconnlimit FROM pg_roles WHERE rolname = session_user) AS role_most,
  (SELECT count(*)::int FROM pg_stat_activity
    WHERE usename = session_user AND backend_type = 'client backend') AS role_used,
  (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_most,
  (SELECT numbackends FROM pg_stat_database WHERE datname = current_database()) AS database_used
"""
_SPARE_FILES = 64
# What a new session of PostgreSQL takes, and what must be left over.
_SESSION_MB, _SPARE_MB = 5, 256


@plain("fault.connection_exhaustion")
class ConnectionExhaustion:
    """`connections` more are held, or (None) all that the server gives to the user of the service's dsn. It bites when
    logins are refused for want of a connection, or when that many are seen to be held.

    Those that the server reserves for superusers stay free, to mend with, and whoever is connected stays so, unless
    `evict` ends the sessions that others have as that user: a pool that has its connections notices nothing else. A
    child process holds them (`blackstart.faults._connection_holder`): it ends with the run, or after ten minutes, and
    the undo ends it; the server itself ends sessions that have been idle for as long (from version 14).
    """

    service: str
    connections: int | None = None
    evict: bool = False

    def __post_init__(self) -> None:
        if self.connections is not None and (isinstance(self.connections, bool) or self.connections < 1):
            raise ValueError(f"connections must be above 0, not {self.connections}; leave it out for all there are")
        if self.evict and self.connections is not None:
            raise ValueError(
                "evict is for all connections, since it ends the sessions of others: leave connections out"
            )

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where none would be left to mend with, or this machine could not hold as many."""
        server = postgres_server(target, self.service)
        facts = server.asked(_FACTS)
        self._refuse(server, facts)
        brief = {"mark": server.mark, "connections": self.connections, "evict": self.evict}
        holder = child("connection_holder", self.service, server.mark, brief, **{DSN: server.dsn})
        holding = ControlState(f"{self.service}_connection_holder", holder)
        taken, free = self._seen(target, server)
        change = Change(
            what=self._told(f"all {min(free + used for free, _, used, _ in self._free(facts))}"),
            service=self.service,
            do=holder.start(),
            undo=end(holder),
            bites=(taken, holding.is_("running")),
            gone=(free, holding.is_("stopped")),
            undo_is_noop=True,
            lease_s=LEASE_S,
        )
        return (change,)

    def _seen(self, target: Target, server: PostgresServer) -> tuple[Condition, Condition]:
        if self.connections is None:
            login = PostgresLogin(self.service, f"{self.service}_login").bind(target)
            return login.is_(FULL), login.is_(LET_IN)
        query = f"SELECT count(*) FROM pg_stat_activity WHERE application_name = {literal(server.mark)}"
        held = SqlScalar(query, self.service, f"{self.service}_connections_held").bind(target)
        return held.at_least(self.connections), held.is_(0)

    def _refuse(self, server: PostgresServer, facts: dict[str, Any]) -> None:
        kept = facts["reserved"]
        if kept < 1:
            raise Refused(
                f"{self.service} reserves no connection for superusers (superuser_reserved_connections is 0): once all "
                "are taken nobody could get in to mend it. Set it to 3, as it is by default."
            )
        if facts["superuser"] and self.connections is None:
            raise Refused(
                f"the dsn of {self.service} is that of a superuser, whom the server never refuses before its reserved "
                "connections are taken, too. Give a dsn of an ordinary role, such as the application's own, or say how "
                "many connections are to be held."
            )
        free, most, used, whose = min(self._free(facts))
        if self.connections is not None and self.connections > free - 1:  # the look at them is one, too
            raise Refused(
                f"{self.service} has {free} connections to give now (of {most}{whose}, {used} of them in use): "
                f"{self.connections} can't be held and still be seen"
            )
        self._refuse_here(server, self.connections or free)

    def _free(self, facts: dict[str, Any]) -> Iterator[tuple[int, int, int, str]]:
        """What each limit leaves, with the limit, what is in use of it, and whose it is."""
        most, used = facts["most"], facts["used"]
        yield most - facts["reserved"] - facts["reserved_more"] - used, most, used, ""
        for whose in ("role", "database"):
            most, used = facts[f"{whose}_most"], facts[f"{whose}_used"]
            if most >= 0 and not facts["superuser"]:  # below 0 there is none, and none counts for a superuser
                yield most - used, most, used, f" for its {whose}"

    def _refuse_here(self, server: PostgresServer, most: int) -> None:
        """What this machine can't bear."""
        _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files != resource.RLIM_INFINITY and most + _SPARE_FILES > files:
            raise Refused(f"{most} connections can't be held by one process here: it may open {files} files (ulimit)")
        left_mb = psutil.virtual_memory().available // 1_000_000
        if is_here(server.host) and most * _SESSION_MB + _SPARE_MB > left_mb:
            raise Refused(
                f"{most} more sessions of {self.service} want about {most * _SESSION_MB} MB of this machine's memory, "
                f"and {left_mb} MB are left. Hold fewer, or lower its max_connections."
            )

    def describe(self) -> str:
        """As in "hold all connections of postgres"."""
        return self._told("all")

    def _told(self, every: str) -> str:
        held = f"hold {self.connections or every} connections of {self.service}"
        return f"{held}, and end those of its user" if self.evict else held
