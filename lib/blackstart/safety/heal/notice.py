"""One line at the start of a task that mends nothing itself, where something is broken that nobody looks after.

It only reads, imports no library, and where there is no ledger it costs one look at the disk.
"""

import contextlib
import json
import sqlite3
from typing import Any

from blackstart.base import writer
from blackstart.base.errors import BlackstartError, Refused
from blackstart.base.state import state_path

_WAIT_S = 1.0


def unattended() -> str:
    """What is to be said; empty where nothing is broken, or somebody looks after all of it."""
    try:
        path = state_path() / "ledger.db"
        if not path.exists():
            return ""
    except (Refused, OSError) as error:  # a user without a home, or the folder of another one
        return (
            f"whether something is still broken can't be told: {error.args[0] if isinstance(error, Refused) else error}"
        )
    from blackstart.safety.heal.elsewhere import heal_command  # noqa: PLC0415  (there is hardly ever a reason to go on)

    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=_WAIT_S)) as ledger:
            rows = ledger.execute("SELECT run, runner, guardian, boot, lease_until_s FROM entries").fetchall()
        runs = dict.fromkeys(str(row[0]) for row in rows if not _owned(*row[1:]))
    except (sqlite3.Error, BlackstartError, ValueError, TypeError, AttributeError) as error:
        return f"the ledger {path} can't be read ({error}); to mend it, and whatever is broken: {heal_command()}"
    if not runs:
        return ""
    return f"STILL BROKEN, and nobody looks after it: what {', '.join(runs)} did. To mend it: {heal_command()}"


def say() -> None:
    """Say it, on standard error."""
    if line := unattended():
        writer.error(line)


def _owned(runner: str, guardian: str | None, boot: str, lease_until_s: Any) -> bool:
    from blackstart.base.codec import from_data  # noqa: PLC0415
    from blackstart.safety.ledger.ledger import owned  # noqa: PLC0415

    keeper = from_data(json.loads(guardian)) if guardian else None
    return owned(from_data(json.loads(runner)), keeper, boot, float(lease_until_s))
