"""Make PostgreSQL read-only: it answers queries, and refuses what writes, as after a failover to a standby."""

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults._postgres import postgres_server
from blackstart.faults._store_step import tell
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.sql import SqlScalar

_SETTING = "default_transaction_read_only"
_FACTS = f"""
SELECT rolsuper AS superuser, pg_is_in_recovery() AS standby,
  (SELECT source FROM pg_settings WHERE name = '{_SETTING}') AS source,
  (SELECT count(*) FROM pg_db_role_setting WHERE array_to_string(setconfig, ' ') LIKE '%{_SETTING}%') AS special
FROM pg_roles WHERE rolname = session_user
"""
_FORMER = f"""
SELECT max(setting) AS former FROM pg_file_settings
WHERE name = '{_SETTING}' AND sourcefile LIKE '%postgresql.auto.conf'
"""
_FROM_FILES = ("default", "configuration file")
_RELOAD = "SELECT pg_reload_conf()"


@plain("fault.read_only")
class ReadOnly:
    """`default_transaction_read_only` is set by ALTER SYSTEM, for every database of that server; the undo gives back
    the former value, or takes the line out of postgresql.auto.conf where there was none. It bites when sessions have
    it.

    Sessions that stand have it from their next transaction on, unless they have set it themselves. It needs a
    superuser's dsn. It does not end by itself, also not when PostgreSQL is started again.
    """

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused without the right, on a standby, and where another setting goes before it."""
        server = postgres_server(target, self.service)
        facts = server.asked(_FACTS)
        if not facts["superuser"]:
            raise Refused(f"{self.service} is made read-only by ALTER SYSTEM, which wants a superuser's dsn")
        if facts["standby"]:
            raise Refused(f"{self.service} is a standby, which is read-only already: name the primary")
        if facts["special"] or facts["source"] not in _FROM_FILES:
            where = "for a database or a role" if facts["special"] else f"by {facts['source']}"
            raise Refused(
                f"{self.service} has {_SETTING} set {where}, which goes before what is set for all: take it out"
            )
        former = server.asked(_FORMER)["former"]
        back = f"ALTER SYSTEM RESET {_SETTING}" if former is None else f"ALTER SYSTEM SET {_SETTING} = '{former}'"
        query = f"SELECT current_setting('{_SETTING}')"
        read_only = SqlScalar(query, self.service, f"{self.service}_read_only").bind(target)
        change = Change(
            what=self.describe(),
            service=self.service,
            do=(tell("postgres", server.dsn, (f"ALTER SYSTEM SET {_SETTING} = 'on'", _RELOAD)),),
            undo=(tell("postgres", server.dsn, (back, _RELOAD)),),
            bites=(read_only.is_("on"),),
            gone=(read_only.is_("off"),),
            undo_is_noop=True,
        )
        return (change,)

    def describe(self) -> str:
        """As in "make postgres read-only"."""
        return f"make {self.service} read-only"
