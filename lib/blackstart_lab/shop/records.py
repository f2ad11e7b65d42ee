"""The shop in PostgreSQL; whoever can't ask it says so with the shop's own error."""

from collections.abc import Sequence
from importlib import resources

from blackstart_lab.database import Database, DatabaseUnavailable, Rows
from blackstart_lab.shop.exceptions import NoDatabase
from blackstart_lab.shop.settings import Promise

SCHEMA = resources.files("blackstart_lab.shop").joinpath("shop.sql").read_text()
_OWN_NAME = "SELECT system_identifier::text || '/' || current_database() FROM pg_control_system()"


class Records:
    """Each call is one statement, and so one transaction. Raises NoDatabase; what it did is then unknown."""

    def __init__(self, dsn: str, promise: Promise) -> None:
        self.database = Database(dsn, promise.db_timeout_s, SCHEMA)

    async def ask(self, sql: str, values: Sequence[object] = (), *, again: bool = True) -> Rows:
        """Every statement of the shop's may run twice, since what it does is known by an id."""
        try:
            return await self.database.call(sql, values, again=again)
        except DatabaseUnavailable as error:
            raise NoDatabase(f"PostgreSQL: {error}") from error

    async def which(self) -> str:
        """What the database calls itself; "" where it can't be asked."""
        try:
            return str((await self.ask(_OWN_NAME))[0][0])
        except NoDatabase:
            return ""
