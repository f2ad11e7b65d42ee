"""Machines: where steps are carried out. This machine, or another one over SSH, each through plumbum.

Every child runs in a session of its own, so that Ctrl-C on our terminal does not end an undo. Every step has a time
limit; past it the child's whole process group is ended. `to_shell` writes a step as a line of plain POSIX shell that
does the same without us.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from blackstart import clock
from blackstart.codec import to_data
from blackstart.errors import StepFailed, StepLost, StepTimedOut
from blackstart.model import Ask, Command, HttpCall, Step
from blackstart.shell import SSH_CONNECT_TIMEOUT_S, SshHost, describe, remote_line, ssh_host, ssh_line, to_shell
from blackstart.target import secret
from blackstart.vault import missing

__all__ = ["Outcome", "carry_out", "close_machines", "complaint", "describe", "run", "ssh_machine", "to_shell"]

_KEPT_OUTPUT_BYTES = 64 * 1024
_SSH_FAILED = 255


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step. `code` is the exit code or HTTP status; `already` says that it was so beforehand."""

    ok: bool
    code: int
    stdout: str
    stderr: str
    took_s: float
    already: bool = False


def run(step: Step, on_start: Callable[[int], None] | None = None) -> Outcome:
    """Carry out a command or an HTTP call and say what came of it, success or not.

    `on_start` is given the child's pid (also its process group) as soon as there is one, so that it can be recorded
    who is still at it. Raises StepTimedOut past the time limit; StepFailed where it could not even be tried: no such
    program, host unreachable, key refused. An exception in the middle of it (a signal) is held back until the child
    has ended, since a half-done change is worse than a late answer; a second one ends the child.
    """
    if isinstance(step, Ask):
        raise StepFailed(f"only a person can do this: {step.text}")
    lost = missing(to_data(step))
    if lost:
        raise StepFailed(f"a secret that it needs can't be found: {', '.join(lost)}. Put it back there, and try again.")
    if isinstance(step, HttpCall):
        return _call(step)
    return _run_command(step, on_start)


def carry_out(step: Step, on_start: Callable[[int], None] | None = None) -> Outcome:
    """As `run`, but raises StepFailed, with the last lines of output, where the step did not succeed."""
    outcome = run(step, on_start)
    if not outcome.ok:
        raise StepFailed(complaint(step, outcome))
    return outcome


def complaint(step: Step, outcome: Outcome) -> str:
    """The command, how it ended, and the last lines that it printed."""
    lines = [line for line in f"{outcome.stdout}\n{outcome.stderr}".splitlines() if line.strip()][-5:]
    end = f"answered {outcome.code}" if isinstance(step, HttpCall) else f"ended with exit code {outcome.code}"
    return "\n".join([f"`{describe(step)}` {end} after {outcome.took_s:.1f} s", *(f"    {line}" for line in lines)])


# ---------------------------------------------------------------- commands


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
        far_child: subprocess.Popen[Any] = ssh_machine(step.host).popen([remote_line(step)], **streams)
        return far_child
    from plumbum import local  # noqa: PLC0415  (listing tasks must not import it)

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
    file.seek(max(0, size - _KEPT_OUTPUT_BYTES))
    return file.read().decode("utf-8", "replace")


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


# ---------------------------------------------------------------- SSH

_machines: dict[str, Any] = {}
_machines_lock = threading.Lock()


def _why_not(error: Exception, ssh: str, there: SshHost) -> str:
    """ssh's own last words. Where it had ended before it could be spoken to, it is asked once more for them."""
    told = str(getattr(error, "stderr", ""))
    if not told and isinstance(error, BrokenPipeError):
        with contextlib.suppress(subprocess.TimeoutExpired):  # then the broken pipe is all that is known
            told = subprocess.run(
                [ssh, *there.words, "true"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                timeout=SSH_CONNECT_TIMEOUT_S + 2, start_new_session=True, check=False,
            ).stderr  # fmt: skip
    return last_line(told or str(error))


def ssh_machine(host: str) -> Any:
    """The plumbum machine behind `ssh://user@host:port`, connected on first use; nothing is ever asked.

    Raises StepFailed where it can't be reached or does not let us in.
    """
    with _machines_lock:
        if host not in _machines:
            _machines[host] = _connect(host)
        return _machines[host]


def _connect(host: str) -> Any:
    from plumbum import SshMachine, local  # noqa: PLC0415  (listing tasks must not import it)
    from plumbum.machines.session import SSHCommsError  # noqa: PLC0415

    there = ssh_host(host)
    ssh = shutil.which("ssh")
    if ssh is None:
        raise StepFailed(f"{host}: there is no ssh on this machine; install OpenSSH's client")
    try:
        machine = SshMachine(
            there.name, port=there.port, ssh_command=local[ssh], scp_command=local[ssh], ssh_opts=there.options,
            connect_timeout=SSH_CONNECT_TIMEOUT_S + 2, new_session=True,
        )  # fmt: skip
        machine.cwd  # noqa: B018  (asked for once, now, so that later commands need no session)
    except (SSHCommsError, OSError, EOFError) as error:
        raise StepFailed(
            f"{host} can't be reached: {_why_not(error, ssh, there)}. Try it by hand: {ssh_line(host, 'true')}"
        ) from error
    return machine


def close_machines() -> None:
    """Give back the SSH connections. Idempotent."""
    with _machines_lock:
        while _machines:
            _machines.popitem()[1].close()


# ---------------------------------------------------------------- HTTP


def _call(step: HttpCall) -> Outcome:
    import requests  # noqa: PLC0415  (only where a step needs it)
    from urllib3.exceptions import HTTPError, ReadTimeoutError  # noqa: PLC0415

    began_s = clock.now_s()
    headers = {name: secret(value) for name, value in step.headers.items()}
    try:
        with requests.Session() as session:
            # No web proxy and no .netrc of this shell: they would get the target's headers, and an undo would depend on
            # them. Nor is a redirect followed: what it leads to is not what was allowed.
            session.trust_env = False
            answer = session.request(
                step.method, step.url, json=step.body, headers=headers, timeout=step.timeout_s, stream=True,
                allow_redirects=False, verify=_authorities(),
            )  # fmt: skip
            code, body = answer.status_code, b""
            # The status is what counts: an answer that drips or never ends is not waited for.
            while clock.now_s() < began_s + step.timeout_s and len(body) < _KEPT_OUTPUT_BYTES:
                more = answer.raw.read1(_KEPT_OUTPUT_BYTES, decode_content=True)
                if not more:
                    break
                body += more
    except (requests.Timeout, ReadTimeoutError) as error:
        raise StepTimedOut(f"`{describe(step)}` did not answer within {step.timeout_s:g} s") from error
    except (requests.RequestException, HTTPError, OSError) as error:
        if step.if_refused and _nobody_listens(error):
            return Outcome(True, 0, step.if_refused, "", clock.now_s() - began_s, already=True)
        raise StepFailed(f"`{describe(step)}` failed: {error}") from error
    text = body.decode("utf-8", "replace")
    return Outcome(code in step.ok_statuses, code, text, "", clock.now_s() - began_s)


def _authorities() -> str | bool:
    """Whose certificates are trusted: those of the variables that people set for it, else the usual ones."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True


def _nobody_listens(error: BaseException | None) -> bool:
    """Whether a refused connection is at the bottom of it."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, ConnectionRefusedError):
            return True
        seen.append(error)
        inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else None
        error = error.__cause__ or error.__context__ or getattr(inner, "reason", None) or inner
    return False
