"""Carries out a step: on this machine, or where its host or url says.

Every child runs in a session of its own, so that Ctrl-C on our terminal does not end an undo. Every step has a time
limit; past it the child's whole process group is ended.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from typing import IO, Any

from blackstart.base import clock
from blackstart.base.codec import to_data
from blackstart.base.errors import StepFailed, StepLost, StepTimedOut
from blackstart.base.secrets.env import secret
from blackstart.base.secrets.placeholders import demand
from blackstart.controls.steps.outcome import KEPT_OUTPUT_BYTES, Outcome, complaint, last_line
from blackstart.controls.steps.shell import describe, remote_line
from blackstart.model.step import Ask, Command, HttpCall, Step

_SSH_FAILED = 255


def run(step: Step, on_start: Callable[[int], None] | None = None) -> Outcome:
    """Carry out a command or an HTTP call and say what came of it, success or not.

    `on_start` is given the child's pid (also its process group) as soon as there is one, so that it can be recorded
    who is still at it. Raises StepTimedOut past the time limit; StepFailed where it could not even be tried: no such
    program, host unreachable, key refused. An exception in the middle of it (a signal) is held back until the child
    has ended, since a half-done change is worse than a late answer; a second one ends the child.
    """
    if isinstance(step, Ask):
        raise StepFailed(f"only a person can do this: {step.text}")
    demand(to_data(step))
    if isinstance(step, HttpCall):
        from blackstart.controls.steps.http_call import call  # noqa: PLC0415  (requests takes longer than most steps)

        return call(step)
    return _run_command(step, on_start)


def carry_out(step: Step, on_start: Callable[[int], None] | None = None) -> Outcome:
    """As `run`, but raises StepFailed, with the last lines of output, where the step did not succeed."""
    outcome = run(step, on_start)
    if not outcome.ok:
        raise StepFailed(complaint(step, outcome))
    return outcome


def _run_command(step: Command, on_start: Callable[[int], None] | None) -> Outcome:
    began_s = clock.now_s()
    with _memory_file() as out, _memory_file() as err:
        child = _start(step, out, err)
        if on_start is not None:
            on_start(child.pid)
        if step.detach and not step.host:
            # Somebody has to collect it when it ends, or it stays behind as a zombie of ours.
            threading.Thread(target=child.wait, name=f"collect-{child.pid}", daemon=True).start()
            return Outcome(True, 0, "", "", clock.now_s() - began_s)
        code = _wait(child, step, began_s)
        stdout, stderr = _tail(out), _tail(err)
    if step.host and code == _SSH_FAILED:
        raise StepLost(f"{step.host}: {last_line(stderr) or 'ssh failed'} (in `{describe(step)}`)")
    already = any(fragment in stdout or fragment in stderr for fragment in step.accepts)
    return Outcome(code in step.ok_codes or already, code, stdout, stderr, clock.now_s() - began_s, already)


def _start(step: Command, out: IO[bytes], err: IO[bytes]) -> subprocess.Popen[Any]:
    streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, "new_session": True}
    if step.host:
        from blackstart.controls.steps.ssh import ssh_machine  # noqa: PLC0415  (most runs have no other machine)

        far_child: subprocess.Popen[Any] = ssh_machine(step.host).popen([remote_line(step)], **streams)
        return far_child
    from plumbum import local  # noqa: PLC0415  (takes longer to load than many a run needs it)

    env = {**os.environ, **{name: secret(value) for name, value in step.env.items()}}
    # plumbum keeps the environment of the moment it was imported; ours may have changed since.
    for name in set(local.env.getdict()) - set(os.environ):
        del local.env[name]
    program = shutil.which(step.argv[0], path=env.get("PATH"))
    if program is None:
        raise StepFailed(f"{step.argv[0]}: no such program on this machine (in `{describe(step)}`)")
    try:
        with contextlib.ExitStack() as opened:
            if step.detach:
                log = opened.enter_context(open(step.log or os.devnull, "ab"))
                streams |= {"stdout": log, "stderr": log}
            child: subprocess.Popen[Any] = local[program].popen(
                list(step.argv[1:]), env=env, cwd=step.cwd or os.getcwd(), **streams
            )
    except OSError as error:
        raise StepFailed(f"`{describe(step)}` can't be started: {error}") from error
    return child


def _wait(child: subprocess.Popen[Any], step: Command, began_s: float) -> int:
    left_s = max(0.0, step.timeout_s - (clock.now_s() - began_s))
    try:
        return child.wait(timeout=left_s)
    except subprocess.TimeoutExpired as error:
        _end(child)
        raise StepTimedOut(f"`{describe(step)}` did not come back within {step.timeout_s:g} s and was ended") from error
    except BaseException:
        try:
            child.wait(timeout=max(0.0, step.timeout_s - (clock.now_s() - began_s)))
        except BaseException:
            _end(child)
            raise
        raise


def _end(child: subprocess.Popen[Any]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait(timeout=5)


def _memory_file() -> IO[bytes]:
    # Output goes to a file, not a pipe: a grandchild that keeps a pipe open must not hold us up. In memory, since an
    # undo has to work on a full disk.
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("blackstart-output"), "w+b")
    return tempfile.TemporaryFile()


def _tail(file: IO[bytes]) -> str:
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - KEPT_OUTPUT_BYTES))
    return file.read().decode("utf-8", "replace")
