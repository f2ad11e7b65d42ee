"""What `chaos.heal --forget` does."""

from __future__ import annotations

from pathlib import Path

from blackstart.base.console import Console
from blackstart.base.secrets.redact import Redactor
from blackstart.commands.answer import answering
from blackstart.model import flags
from blackstart.safety.heal import forget as forgetting


def forget(run: str, reason: str) -> int:
    """Give up what a run has left broken; asks on a terminal, and needs a reason everywhere."""

    def act(redactor: Redactor) -> int:
        given = flags.read()
        return forgetting.forget(run, reason.strip(), Path(given.reports), Console(given.noninteractive, redactor))

    return answering(act)
