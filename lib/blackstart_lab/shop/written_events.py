"""The events in PostgreSQL: each once, in the order in which they were written."""

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from blackstart_lab.database import Database

SCHEMA = resources.files("blackstart_lab.shop").joinpath("events.sql").read_text()
_WRITE = """
INSERT INTO processed_events (event_id, event_type, correlation_id, source_service, data)
SELECT * FROM jsonb_to_recordset(%s::jsonb)
    AS e(event_id text, event_type text, correlation_id text, source_service text, data jsonb)
ON CONFLICT (event_id) DO NOTHING RETURNING position
"""


class WrittenEvents:
    """Each call is one statement, and so one transaction. Raises DatabaseUnavailable; what it did is then unknown."""

    SCHEMA = SCHEMA
    WRITE = _WRITE

    def __init__(self, dsn: str, timeout_s: float) -> None:
        self.database = Database(dsn, timeout_s, self.SCHEMA)

    async def write(self, events: Sequence[dict[str, Any]]) -> int:
        """How many of them were new."""
        return len(await self.database.call(self.WRITE, [json.dumps(events)], again=True))

    async def ask(self) -> None:
        """Whether it answers; the first answer makes the table."""
        await self.database.call("SELECT 1", again=True)
