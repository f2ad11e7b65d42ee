"""What `chaos.heal --forget` does."""

from __future__ import annotations

from pathlib import Path

from blackstart import flags
from blackstart.command import answering
from blackstart.console import Console
from blackstart.redact import Redactor
from blackstart.safety import forget as forgetting


def forget(run: str, reason: str) -> int:
    """Give up what a run has left broken; asks on a terminal, and needs a reason everywhere."""

    def act(redactor: Redactor) -> int:
        given = flags.read()
        return forgetting.forget(run, reason.strip(), Path(given.reports), Console(given.noninteractive, redactor))

    return answering(act)
