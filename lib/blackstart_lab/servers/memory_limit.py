"""`python -m blackstart_lab.servers.memory_limit`: ends a lab's program that takes more memory than it may.

As the kernel does in a container with a limit, without a word, and as a probe of its life does where it stays near it
for long: what leaked never comes back. The supervisor then starts it again.
"""

import logging
import signal
import sys
import time
from argparse import ArgumentParser

import psutil

from blackstart_lab import programs, serving
from blackstart_lab.model import Program, Service
from blackstart_lab.servers import supervisord
from blackstart_lab.workspace import Workspace

log = logging.getLogger("memory-limit")

_LOOK_EVERY_S = 0.1
NEAR = 0.8
"""Of the limit: from there on a program may well say that it is not ready."""
_NEAR_FOR_S = 3.0


def service(workspace: Workspace, watched: Service, limit_mb: int) -> Service:
    """What looks after that program; supervisord is asked which process it is. It has no address but that one's."""
    flags = ("--lab", workspace.name, "--watched", watched.name, "--limit-mb", str(limit_mb))
    command = (sys.executable, "-m", "blackstart_lab.servers.memory_limit", *flags)
    return Service(
        name="memory-limit",
        program=Program(command, workspace.folder, programs.environment()),
        address=watched.address,
        lacks=lambda: None if supervisord.process_id(workspace, watched.name) else f"{watched.name} does not run",
    )


def watch(workspace: Workspace, watched: str, limit_mb: int) -> None:
    """For ever."""
    well_s = time.monotonic()
    while True:
        pid = supervisord.process_id(workspace, watched)
        try:
            process = psutil.Process(pid) if pid else None
            used_mb = process.memory_info().rss / 1e6 if process else 0.0
            if used_mb <= NEAR * limit_mb:
                well_s = time.monotonic()
            if process and (used_mb > limit_mb or time.monotonic() > well_s + _NEAR_FOR_S):
                process.send_signal(signal.SIGKILL)
                log.info("%s had %.0f MB of %s MB; process %s was ended", watched, used_mb, limit_mb, pid)
        except psutil.NoSuchProcess:
            continue  # it was faster
        time.sleep(_LOOK_EVERY_S)


def main() -> int:
    """Until it is told to stop."""
    serving.log_to_stdout()
    parser = ArgumentParser(prog="python -m blackstart_lab.servers.memory_limit", description=__doc__)
    parser.add_argument("--lab", required=True)
    parser.add_argument("--watched", required=True)
    parser.add_argument("--limit-mb", type=int, required=True)
    options = parser.parse_args()
    watch(Workspace(options.lab), options.watched, options.limit_mb)
    return 0


if __name__ == "__main__":
    sys.exit(main())
