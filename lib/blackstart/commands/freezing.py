"""What `chaos.freeze` and `chaos.thaw` do."""

import os

from blackstart.base import writer
from blackstart.base.errors import EXIT_HELD, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke
from blackstart.commands.answer import answering
from blackstart.safety.preflight import freeze as switch


@answering()
def freeze(redactor: Redactor, reason: str, by: str = "") -> int:
    """Set the switch: no drill begins from now on, and the fault of one that goes on is undone."""
    path = switch.freeze(redactor(reason.strip()), by.strip(), os.environ)
    writer.line(redactor(f"frozen by {path}: {reason.strip()}"))
    writer.line("No drill begins, and what is broken by one that goes on is undone within seconds.")
    writer.line(f"lift it with: {invoke()} chaos.thaw")
    return EXIT_HELD


@answering()
def thaw(redactor: Redactor) -> int:
    """Lift the switch; 40 where another one, which can't be lifted from here, is set still."""
    for one in switch.thaw(os.environ):
        writer.line(redactor(f"lifted: {one}"))
    if frozen := switch.look(os.environ):
        raise Refused(f"still {frozen}. It is lifted where it is kept")
    writer.line("nothing is frozen")
    return EXIT_HELD
