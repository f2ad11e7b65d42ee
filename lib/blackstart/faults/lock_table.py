"""Hold a table's lock: one session of ours keeps it, as a forgotten transaction or a migration does; others wait."""

from typing import Literal

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._child import LEASE_S, child, end
from blackstart.faults._postgres import literal, postgres_server
from blackstart.faults._store_step import DSN, tell
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes.control_state import ControlState
from blackstart.probes.sql import SqlScalar

_FACTS = """
SELECT c.oid::regclass::text AS name, c.relkind::text AS kind, n.nspname AS schema, pg_is_in_recovery() AS standby,
  has_table_privilege(session_user, c.oid, 'UPDATE, DELETE, TRUNCATE') AS allowed
FROM (SELECT to_regclass({table}) AS oid) AS found
LEFT JOIN pg_class c USING (oid) LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
"""
_HELD = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE application_name = {mark} AND relation = to_regclass({table}) AND mode = {mode} AND granted
"""
# Those alone that wait for a session of ours, and that we may end.
_END_WAITING = """
SELECT pg_terminate_backend(waiting.pid) FROM pg_stat_activity waiting JOIN pg_roles r ON r.oid = waiting.usesysid
WHERE EXISTS (SELECT FROM pg_stat_activity held
              WHERE held.application_name = {mark} AND held.pid = ANY (pg_blocking_pids(waiting.pid)))
AND (pg_has_role(session_user, r.oid, 'USAGE')
     OR NOT r.rolsuper AND pg_has_role(session_user, 'pg_signal_backend', 'USAGE'))
"""
_MODES = {"ACCESS EXCLUSIVE": "AccessExclusiveLock", "EXCLUSIVE": "ExclusiveLock"}
_TABLES = ("r", "p")
_SYSTEM = ("pg_catalog", "information_schema", "pg_toast")


@plain("fault.lock_table")
class LockTable:
    """With `ACCESS EXCLUSIVE` whoever reads or writes the table waits, with `EXCLUSIVE` whoever writes. It bites when
    pg_locks shows that the lock was granted.

    A child process holds it (`blackstart.faults._lock_holder`): it ends with the run, or after ten minutes, and the
    undo ends it; after as long the server itself ends the session, too. While others hold the table it tries again and
    again, waiting 2 s at most each time.
    """

    table: str
    service: str = "postgres"
    mode: Literal["ACCESS EXCLUSIVE", "EXCLUSIVE"] = "ACCESS EXCLUSIVE"

    def __post_init__(self) -> None:
        if self.mode not in _MODES:
            raise ValueError(f"mode must be one of {', '.join(_MODES)}, not {self.mode!r}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where there is no such table, where it is the server's own, and without the
        right."""
        server = postgres_server(target, self.service)
        facts = server.asked(_FACTS.format(table=literal(self.table)))
        if facts["kind"] not in _TABLES:
            raise Refused(f"{self.service} has no table {self.table} that {server.user} would find")
        if facts["schema"] in _SYSTEM:
            raise Refused(f"{self.table} is PostgreSQL's own: with it locked nobody could log in to mend anything")
        if facts["standby"]:
            raise Refused(f"{self.service} is a standby, where no table can be locked like that: name the primary")
        if not facts["allowed"]:
            raise Refused(
                f"{server.user} may not lock {self.table}: that wants the right to UPDATE, DELETE or TRUNCATE"
            )
        brief = {"mark": server.mark, "table": facts["name"], "mode": self.mode}
        holder = child("lock_holder", self.service, f"{server.mark} {facts['name']}", brief, **{DSN: server.dsn})
        holding = ControlState(f"{self.service}_lock_holder", holder)
        query = _HELD.format(
            mark=literal(server.mark), table=literal(facts["name"]), mode=literal(_MODES[self.mode])
        ).strip()
        held = SqlScalar(query, self.service, f"{self.service}_locks_held").bind(target)
        change = Change(
            what=self.describe(),
            service=self.service,
            do=holder.start(),
            undo=end(holder),
            bites=(held.at_least(1), holding.is_("running")),
            gone=(held.is_(0), holding.is_("stopped")),
            undo_is_noop=True,
            lease_s=LEASE_S,
        )
        return (change,)

    def end_waiting(self, target: Target) -> Command:
        """The step by which the server ends the sessions that wait for this lock. It does not see that a client has
        died while its statement waits, and would carry it out once the lock is gone: what was in hand would be done
        after all."""
        server = postgres_server(target, self.service)
        return tell("postgres", server.dsn, (" ".join(_END_WAITING.format(mark=literal(server.mark)).split()),))

    def describe(self) -> str:
        """As in "lock the table orders of postgres"."""
        return f"lock the table {self.table} of {self.service}"
