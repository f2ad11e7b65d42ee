"""A program run for each request, at intended times: for systems whose orders are not placed by one HTTP request."""

import dataclasses
import re
import shlex
from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.controls.steps.shell import ssh_host
from blackstart.loads.naming import check_name, check_prefix, new_prefix
from blackstart.loads.operation import Retry
from blackstart.loads.stages import Stage, check_stages
from blackstart.loads.template import Template

_VARIABLE = re.compile(r"[A-Za-z_]\w*")


@plain("load.commands")
class Commands:
    """`argv` is run at the rate of the stages, each time with a key of its own: `key_prefix` and its number.

    The program is given the key in the environment variable `key_env`, and where `{key}` stands in `argv` (other holes
    as in `blackstart.loads.template`). No shell reads it. It runs on this machine, or on `host` (`ssh://user@host`).
    An exit code in `ok_codes` means acknowledged, one in `fail_codes` certainly not done; any other, a signal and a run
    beyond `timeout_s` (in which case it is ended) leave the request's fate unknown. A value `env:NAME` in `env` is read
    from the environment when it is run. `op` is what the history calls it.
    """

    argv: tuple[str, ...]
    stages: tuple[Stage, ...]
    name: str = "commands"
    op: str = "command"
    host: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    key_env: str = "KEY"
    timeout_s: float = 10.0
    ok_codes: tuple[int, ...] = (0,)
    fail_codes: tuple[int, ...] = ()
    key_prefix: str = field(default_factory=new_prefix)
    retry: Retry = Retry()
    max_in_flight: int = 100
    seed: int = 0

    kind: ClassVar[str] = "commands"

    def __post_init__(self) -> None:
        for name in ("argv", "stages", "ok_codes", "fail_codes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        check_name(self.name)
        check_prefix(self.key_prefix)
        check_stages(self.stages)
        try:
            self._check()
        except ValueError as error:
            raise ValueError(f'command "{self.op}": {error}') from None

    @property
    def says(self) -> str:
        """The program, and how often."""
        return f"{', then '.join(stage.says for stage in self.stages)}, each by `{shlex.join(self.argv)}`"

    def at(self, base_url: str, headers: Mapping[str, str] | None = None) -> Self:
        """The same with `API` in its environment, unless it is set already. Headers are the program's affair."""
        return dataclasses.replace(self, env={"API": base_url, **self.env})

    def _check(self) -> None:
        if not self.argv or not all(isinstance(word, str) and word for word in self.argv):
            raise ValueError("it needs a program and its arguments, none of them empty")
        for word in self.argv:
            Template(word)
        if not self.op or "," in self.op:
            raise ValueError("it needs a name without commas")
        if self.host:
            ssh_host(self.host)
        if not _VARIABLE.fullmatch(self.key_env):
            raise ValueError(f"key_env must be the name of a variable, not {self.key_env!r}")
        if not 0 < self.timeout_s <= 3600:
            raise ValueError(f"timeout_s must be above 0 and at most 3600, not {self.timeout_s}")
        if not 1 <= self.max_in_flight <= 1000:
            raise ValueError(f"max_in_flight must be between 1 and 1000, not {self.max_in_flight}")
        codes = [*self.ok_codes, *self.fail_codes]
        if any(isinstance(code, bool) or not isinstance(code, int) or not 0 <= code <= 255 for code in codes):
            raise ValueError(f"exit codes are whole numbers from 0 to 255, not {codes}")
        if not self.ok_codes:
            raise ValueError("no exit code means ok: name at least one in ok_codes")
        if set(self.ok_codes) & set(self.fail_codes):
            raise ValueError("an exit code can't mean both ok and fail")
