"""What a change does, as data: a program, an HTTP call, or a question to the hand on the keyboard."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from blackstart.base.codec import plain


@plain("step.command")
class Command:
    """One program run on this machine or over SSH. `host` is None (here) or `ssh://user@host:port`.

    `ok_codes` are the exit codes that mean success. `accepts` are fragments of output that mean "already so"
    (an undo accepts "already started"), whatever the exit code. A `detach`ed command is started in a session of its
    own with its output appended to `log`, and not waited for.
    """

    argv: tuple[str, ...]
    host: str | None = None
    timeout_s: float = 30.0
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    ok_codes: tuple[int, ...] = (0,)
    accepts: tuple[str, ...] = ()
    detach: bool = False
    log: str = ""

    def __post_init__(self) -> None:
        if not self.argv:
            raise ValueError("a command needs a program")


@plain("step.http_call")
class HttpCall:
    """One HTTP request that changes something (a proxy's API, `POST /pause`). Header values may be `env:NAME`.

    `if_refused` says why it is as good as done where nobody listens there (only to be used of this machine, where a
    refused connection means that the process is dead); empty: then it failed.
    """

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    ok_statuses: tuple[int, ...] = (200, 201, 204)
    timeout_s: float = 10.0
    if_refused: str = ""


@plain("step.ask")
class Ask:
    """A step for the hand on the keyboard. Done when its effect is seen, or the operator says so."""

    text: str
    timeout_s: float = 300.0


Step = Command | HttpCall | Ask
