"""What an operator adds to a run once it is over: a note, what was learned, and what will be better for it."""

import contextlib
from pathlib import Path

from blackstart.base import operator
from blackstart.base.console import Console
from blackstart.base.errors import Damaged
from blackstart.base.secrets.redact import Redactor
from blackstart.evidence import notes
from blackstart.evidence.folder import Folder

_ASKED_WITHIN_S = 120.0


def add(folder: Path, told: dict[notes.Kind, str], by: str, redactor: Redactor) -> None:
    """Each that says something, in order, with who says it. Raises Damaged, OSError."""
    for kind, text in told.items():
        if text.strip():
            notes.append(folder, text.strip(), by.strip() or operator.name(), redactor, kind)


def ask(console: Console, folder: Folder, redactor: Redactor) -> None:
    """At a terminal, after the verdict: a note, what was learned, and then what will be done about it. Nothing is held
    or locked while it waits. Ctrl-C is no answer, and whatever becomes of it, the verdict stands."""
    console.between = lambda: None  # the run is over: nothing has to be looked after while it waits
    with contextlib.suppress(KeyboardInterrupt):
        noted = console.line("A note for the evidence, no command (Enter: none): ", _ASKED_WITHIN_S)
        told: dict[notes.Kind, str] = {"": noted}
        try:
            add(folder.path, told, "", redactor)
            learned = console.line("What was learned? (Enter: nothing): ", _ASKED_WITHIN_S).strip()
            if not learned:
                return
            better = console.line("What will be improved? (Enter: nothing yet): ", _ASKED_WITHIN_S).strip()
            add(folder.path, {"learning": learned, "improvement": better}, "", redactor)
        except (Damaged, OSError) as error:
            console.plain(f"it could not be noted: {error}")
