"""What `chaos.heal` and `chaos.status` do."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from blackstart.base import writer
from blackstart.base.console import Console
from blackstart.base.errors import Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import user_experiment
from blackstart.commands.answer import answering
from blackstart.model import flags
from blackstart.safety.heal import forget as forgetting
from blackstart.safety.heal import heal as healing
from blackstart.safety.heal import strange_copy


@answering()
def heal(redactor: Redactor, here: bool = False, path: str = "", agreed: bool = False, experiment: str = "") -> int:
    """Mend what dead runs left broken; `here`: also what was broken elsewhere; `path`: also what the copy there says,
    once that is agreed to; `experiment`: the file of one of the user's own, whose classes records may hold."""
    if agreed and not path:
        raise Refused("--agree says yes to the commands of --from PATH, which is missing")
    if experiment:
        user_experiment.load(experiment)
    take = partial(strange_copy.take, Path(path), lambda: agreed or _agrees(redactor)) if path else strange_copy.none
    return healing.heal(lambda text: writer.line(redactor(text)), healing.reports(), here, take)


def _agrees(redactor: Redactor) -> bool:
    if flags.read().noninteractive or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Refused("nobody is there to agree. Look at the commands above, then add --agree to run them.")
    return Console(False, redactor).ask("Run these commands here?")


@answering()
def forget(redactor: Redactor, run: str, reason: str) -> int:
    """Give up what a run has left broken; asks on a terminal, and needs a reason everywhere."""
    given = flags.read()
    return forgetting.forget(run, reason.strip(), Path(given.reports), Console(given.noninteractive, redactor))


@answering()
def status(redactor: Redactor) -> int:
    return healing.status(lambda text: writer.line(redactor(text)), healing.reports())
