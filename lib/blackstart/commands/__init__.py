"""What each task does. The only place where an error becomes an exit code.

A module of it is imported when a task first asks for one: reading the tasks (`invoke --list`) imports no library.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blackstart.commands import (
        attesting,
        catalog,
        chaos_blocks,
        due,
        freezing,
        healing,
        init,
        listing,
        plan,
        proxy_server,
        report,
        run,
        suite,
        suite_command,
        waiting,
    )

__all__ = [
    "attesting", "catalog", "chaos_blocks", "due", "freezing", "healing", "init", "listing", "plan", "proxy_server",
    "report", "run", "suite", "suite_command", "waiting",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    return importlib.import_module(f"{__name__}.{name}")
