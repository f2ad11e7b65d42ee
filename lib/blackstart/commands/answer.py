"""From what a command came to, error or not, to what is printed and the exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator

from blackstart.base import writer
from blackstart.base.errors import BlackstartError, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.model.verdict import Verdict


def crashed(error: Exception, redactor: Redactor) -> int:
    """Tell of a mistake that nobody foresaw, its secrets masked. A run that had begun has restored by then."""
    _tell(redactor("".join(traceback.format_exception(error))))
    told = "This is a mistake in Blackstart or in the experiment's file, and no verdict."
    told += " What is broken now, if anything is: invoke chaos.status"
    _tell(redactor(f"{type(error).__name__}: {error}\n{told}"))
    return Verdict.INCONCLUSIVE.exit_code


def answering(act: Callable[[Redactor], int]) -> int:
    """Call it; an error of ours becomes one clear message without traceback, and its exit code."""
    redactor = Redactor()
    redactor.learn_environment()
    with _an_output():
        return _answer(act, redactor)


@contextlib.contextmanager
def _an_output() -> Iterator[None]:
    """A job that closed its standard output (`>&-`) is a job that reads the exit code only."""
    if sys.stdout is not None:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def _tell(text: str) -> None:
    print(writer.printable(text), file=sys.stderr, flush=True)


def _answer(act: Callable[[Redactor], int], redactor: Redactor) -> int:
    try:
        return act(redactor)
    except Refused as refusal:
        _tell(redactor(str(refusal)))
        return Verdict.REFUSED.exit_code
    except BlackstartError as error:
        _tell(redactor(str(Refused(str(error)))))
        return Verdict.REFUSED.exit_code
    except Exception as error:  # a mistake of ours, or in a user's file: what it says may hold a secret
        return crashed(error, redactor)
