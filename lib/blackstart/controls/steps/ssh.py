"""Other machines, each behind one SSH connection that is opened on first use, through plumbum."""

import contextlib
import shutil
import subprocess
import threading
from typing import Any

from plumbum import SshMachine, local
from plumbum.machines.session import SSHCommsError

from blackstart.base.errors import StepFailed
from blackstart.controls.steps.outcome import last_line
from blackstart.controls.steps.shell import SSH_CONNECT_TIMEOUT_S, SshHost, ssh_host, ssh_line

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
