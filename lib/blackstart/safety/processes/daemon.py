"""What makes a process outlive the one that started it, whatever is done to that one."""

import importlib
import os
import signal
from contextlib import suppress
from pathlib import Path

_CALM_OOM_SCORE = -900
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


class Detached:
    """This process, deaf to what ends its family: a closed terminal, Ctrl-C, a polite kill. Only SIGKILL ends it.

    `woken` is readable after each of these signals.
    """

    def __init__(self) -> None:
        self.woken, writer = os.pipe()
        for handle in (self.woken, writer):
            os.set_blocking(handle, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for signum in _SIGNALS:
            # Handlers, not SIG_IGN: what is ignored would be ignored by every service that an undo starts.
            signal.signal(signum, lambda number, frame: None)
        self._oom_score = _score_oom(_CALM_OOM_SCORE)

    def before_work(self) -> None:
        """Before children are started, who inherit all this: be an ordinary process in a folder that exists."""
        if self._oom_score is not None:
            _score_oom(self._oom_score)
        try:
            os.getcwd()
        except OSError:  # somebody has removed the folder that the run was started in
            os.chdir("/")


def restore_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def warm() -> None:
    """Load now what an undo needs, so that it is quick then, and works where the disk has filled up meanwhile."""
    for name in ("blackstart.controls.steps.ssh", "blackstart.controls.steps.http_call", "filelock"):
        with suppress(ImportError):
            importlib.import_module(name)


def _score_oom(score: int) -> int | None:
    """Set how soon the kernel ends us when memory runs out; to lower it needs root. Returns what it was."""
    path = Path("/proc/self/oom_score_adj")
    try:
        before = int(path.read_text())
        path.write_text(str(score))
    except OSError:
        return None
    return before
