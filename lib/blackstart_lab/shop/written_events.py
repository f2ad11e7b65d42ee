"""The events in PostgreSQL: each once, in the order in which they were written."""

import json
from importlib import resources
from typing import Any

from blackstart_lab.database import Database

SCHEMA = resources.files("blackstart_lab.shop").joinpath("events.sql").read_text()
_WRITE = """
INSERT INTO processed_events (event_id, event_type, correlation_id, source_service, data)
VALUES (%s, %s, %s, %s, %s::jsonb) ON CONFLICT (event_id) DO NOTHING RETURNING position
"""


class WrittenEvents:
    """Each call is one statement, and so one transaction. Raises DatabaseUnavailable; what it did is then unknown."""

    SCHEMA = SCHEMA

    def __init__(self, dsn: str, timeout_s: float) -> None:
        self.database = Database(dsn, timeout_s, self.SCHEMA)

    async def write(self, event: dict[str, Any]) -> bool:
        """Whether it was new."""
        said = [event[name] for name in ("event_id", "event_type", "correlation_id", "source_service")]
        return bool(await self.database.call(_WRITE, [*said, json.dumps(event["data"])], again=True))

    async def ask(self) -> None:
        """Whether it answers; the first answer makes the table."""
        await self.database.call("SELECT 1", again=True)
