"""From what a command came to, error or not, to what is printed and the exit code."""

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Concatenate, ParamSpec

from blackstart.base import writer
from blackstart.base.errors import BadTarget, BlackstartError, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import keep_way, to_type
from blackstart.dsl.problems import BadSpec
from blackstart.model.verdict import Verdict

Arguments = ParamSpec("Arguments")
INTERRUPTED = "interrupted, with no drill under way"


def answering(
    starts: bool = True, of_record: bool = False
) -> Callable[[Callable[Concatenate[Redactor, Arguments], int]], Callable[Arguments, int]]:
    """A command: given a redactor besides its arguments; an error of ours becomes one clear message without traceback,
    and its exit code. One that `starts` nothing only reads: an error of the disk is told in the same way there, and
    none says what was not started. One `of_record` starts nothing, and reads what may come from anywhere and say
    anything: whatever is wrong is one line there, and never a mistake of ours."""

    def made(act: Callable[Concatenate[Redactor, Arguments], int]) -> Callable[Arguments, int]:
        @wraps(act)
        def command(*arguments: Arguments.args, **options: Arguments.kwargs) -> int:
            keep_way()
            redactor = Redactor()
            redactor.learn_environment()
            with _an_output():
                try:
                    return act(redactor, *arguments, **options)
                except Exception as error:
                    return _failed(error, redactor, starts and not of_record, of_record)
                except (KeyboardInterrupt, Terminated) as signalled:
                    return interrupted(signalled)

        return command

    return made


class Terminated(SystemExit):
    """SIGTERM has come while no run was there to restore first; `code` is 143."""


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM raises Terminated, so that it is told of as Ctrl-C is. A run has handlers of its own."""

    def ended(signum: int, _: FrameType | None) -> None:
        raise Terminated(128 + signum)

    if threading.current_thread() is not threading.main_thread():
        yield  # signals are for the main thread alone
        return
    before = signal.signal(signal.SIGTERM, ended)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def code_of(signalled: BaseException) -> int:
    """The exit code of what Ctrl-C or SIGTERM has ended."""
    return 143 if isinstance(signalled, Terminated) else 130


def interrupted(signalled: BaseException) -> int:
    """Say so, where no run was there to say it, in words that are true before a run and after it."""
    told = f"{INTERRUPTED.capitalize()}. What is broken now, if anything is: {to_type('chaos.status')}"
    for line in getattr(signalled, "__notes__", [told]):
        writer.error(line)
    return code_of(signalled)


@contextlib.contextmanager
def before_anything() -> Iterator[None]:
    """While somebody is asked: a signal is told of as one that found nothing touched."""
    try:
        yield
    except (KeyboardInterrupt, Terminated) as signalled:
        signalled.add_note("Not started: interrupted at the question. Nothing was touched")
        raise


def where(error: Exception) -> str:
    """An error with the place where it was raised, in a line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, line {last.lineno}: {error}"


def _failed(error: Exception, redactor: Redactor, starts: bool, of_record: bool) -> int:
    foreseen = isinstance(error, BlackstartError) or (isinstance(error, OSError) and not starts)
    if of_record:
        told = str(error) if foreseen else f"the record can't be read: {where(error)}"
        writer.error(redactor(" ".join(told.split())))
        return Verdict.REFUSED.exit_code
    if not foreseen:  # a mistake of ours, or in a user's file: what it says may hold a secret
        return _crashed(error, redactor)
    if isinstance(error, BadSpec):
        for line in error.lines():
            writer.error(redactor(line))
        writer.error(redactor(str(Refused(f"{error.file} is not right: see above"))))
        return Verdict.REFUSED.exit_code
    message = Refused(str(error)) if starts and not isinstance(error, Refused) else error
    refused(redactor(str(message)), starts)
    for line in error.lines if isinstance(error, BadTarget) else ():  # to be copied as they stand
        writer.error(redactor(line))
    return Verdict.REFUSED.exit_code


def refused(told: str, starts: bool = True) -> None:
    """Say why nothing was started; to a CI server in its own words, too, as there is no run that would."""
    from blackstart.reports import github  # noqa: PLC0415  (most commands are not refused)

    writer.prose(told)
    for line in github.refused(told, os.environ) if starts else ():
        writer.command(line)


def _crashed(error: Exception, redactor: Redactor) -> int:
    """Tell of a mistake that nobody foresaw, its secrets masked. A run that had begun has restored by then."""
    for part in traceback.format_exception(error):
        # A frame has lines of its own; what an error says may come from anywhere, and is one.
        for line in part.rstrip().split("\n") if part.startswith("  File ") else [part.rstrip()]:
            writer.error(redactor(line))
    told = "This is a mistake in Blackstart or in the experiment's file, and no verdict."
    told += f" What is broken now, if anything is: {to_type('chaos.status')}"
    writer.error(redactor(f"{type(error).__name__}: {error}"))
    writer.error(told)
    return Verdict.INCONCLUSIVE.exit_code


@contextlib.contextmanager
def _an_output() -> Iterator[None]:
    """A job that closed its standard output (`>&-`) is a job that reads the exit code only."""
    if sys.stdout is not None:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield
