"""Steps as text: one short line for people, one line of plain POSIX shell for HEAL.sh, chaos.plan and far machines.

Pure. What is written here needs neither Python nor Blackstart where it is run, and holds no secret: what a target
gives as `env:NAME` is written as "$NAME", and kept out of the words of processes.
"""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from blackstart.base.errors import BadTarget
from blackstart.base.printable import one_line
from blackstart.base.secrets.placeholders import marks
from blackstart.base.urls.parts import shown
from blackstart.model.step import Ask, Command, HttpCall, Step

SSH_CONNECT_TIMEOUT_S = 10
# BatchMode: never ask for a password. A dead peer is noticed within 15 s, whatever TCP thinks.
SSH_OPTIONS = (
    "-o", "BatchMode=yes", "-o", f"ConnectTimeout={SSH_CONNECT_TIMEOUT_S}",
    "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
)  # fmt: skip
_HOST = re.compile(r"(?:(?P<user>[\w.+-]+)@)?(?P<name>\w[\w.-]*|\[[0-9a-fA-F:.]+\])(?::(?P<port>\d{1,5}))?\Z")
_VARIABLE = re.compile(r"[A-Za-z_]\w*\Z")


def describe(step: Step) -> str:
    """A step in one short line, as in `ssh://ops@db1: systemctl stop redis`."""
    if isinstance(step, Ask):
        return f"by hand: {step.text}"
    if isinstance(step, HttpCall):
        return f"{step.method} {step.url}"
    argv = list(step.argv)
    where = f"{step.host}: " if step.host else ""
    if argv[:2] == ["sh", "-c"] and len(argv) > 3:  # a script of ours: its name and arguments say more than its text
        argv = argv[3:]
        if " " in argv[0]:  # it is called what a person would type
            return where + argv[0]
    return where + shlex.join(argv)


def as_typed(steps: Sequence[Step]) -> str:
    """The steps in one line, each as a person would type it, as in `ssh ops@db1 'systemctl start redis'`. One whose
    failure may mean that it was so already does not keep the next from being run."""
    line = ""
    for number, step in enumerate(steps):
        line += _typed(step)
        if number < len(steps) - 1:
            harmless = isinstance(step, Command) and (step.accepts or step.ok_codes != (0,))
            line += "; " if harmless else " && "
    return line


def _typed(step: Step) -> str:
    if isinstance(step, HttpCall):
        return to_shell(step)
    if isinstance(step, Ask) or not step.host:
        return f"{_elsewhere(step)}{describe(step)}"
    host = ssh_host(step.host)
    return shlex.join(["ssh", *host.words[len(SSH_OPTIONS) :], describe(replace(step, host=None))])


def _elsewhere(step: Step) -> str:
    """What must stand before it where its engine is on another machine: nothing for one that has a socket here."""
    env = step.env if isinstance(step, Command) else {}
    local = any(value.startswith("unix://") for value in env.values())
    return "" if local else "".join(f"{name}={_value(value)} " for name, value in env.items())


def to_shell(step: Step) -> str:
    """A step as one line of POSIX shell that fails (exit code above 0) where the step would."""
    if isinstance(step, Ask):
        return f"printf '%s\\n' {shlex.quote(one_line('BY HAND: ' + step.text))}"
    if isinstance(step, HttpCall):
        return _curl(step)
    line = remote_line(step) if step.host else command_line(step)
    return _judged(ssh_line(step.host, line) if step.host else line, step)


def command_line(step: Command) -> str:
    """The command itself with its folder and environment, where it is run; without its judgement or its host."""
    program = shlex.join(step.argv)
    # The words of `env` can be read by everybody on the machine; an assignment before a command can't.
    hidden = {name: value for name, value in step.env.items() if not step.host and _is_secret(name, value)}
    secrets = "".join(f"{name}={_value(value)} " for name, value in hidden.items())
    names = " ".join(f"{name}={_value(value)}" for name, value in step.env.items() if name not in hidden)
    core = f"env {names} {program}" if names else program
    core = _detached(core, step, secrets) if step.detach else secrets + core
    if not step.cwd and not step.detach:
        return core
    # In a subshell: the folder is this command's alone, and the whole fails as one under `set -e`.
    return f"( cd {shlex.quote(step.cwd)} && {core} )" if step.cwd else f"( {core} )"


def remote_line(step: Command) -> str:
    """What the far side's shell is given. Raises BadTarget for a secret, which would show in its process list."""
    for name, value in step.env.items():
        if value.startswith("env:"):
            raise BadTarget(f"{step.host}: {name} = {value} would show in the process list there; set it on that host")
    return command_line(step)


@dataclass(frozen=True)
class SshHost:
    """Where `ssh://user@host:port?config=/path` leads. `name` is what ssh is given: an address or an alias."""

    name: str
    port: int | None
    options: tuple[str, ...]

    @property
    def machine(self) -> str:
        """Its name without the user, as people say it, and as `allow` may have it."""
        return self.name.rpartition("@")[2]

    @property
    def words(self) -> tuple[str, ...]:
        """What stands between `ssh` and the command."""
        return (*self.options, *(("-p", str(self.port)) if self.port else ()), self.name)


def ssh_host(host: str) -> SshHost:
    """The parts of a host. Raises BadTarget for what can't be read.

    Identity, known hosts, jump hosts and aliases come from the user's ssh configuration, or from the file that
    `config` names.
    """
    url, _, query = host.partition("?")
    scheme, _, rest = url.partition("://")
    match = _HOST.match(rest.removesuffix("/"))
    config = query.removeprefix("config=")
    if scheme != "ssh" or not match or (query and config == query):
        forms = "ssh://user@host, ssh://user@host:port or ssh://user@host?config=/path/of/ssh_config"
        raise BadTarget(f'host = "{shown(host)}" can\'t be read; it is written {forms}')
    if config and not config.startswith("/"):
        raise BadTarget(f'host = "{host}": the path of config must begin with /')
    user = f"{match['user']}@" if match["user"] else ""
    options = (*SSH_OPTIONS, *(("-F", config) if config else ()))
    return SshHost(user + match["name"].strip("[]"), int(match["port"]) if match["port"] else None, options)


def ssh_line(host: str, line: str) -> str:
    """`ssh -o BatchMode=yes … user@host 'line'`."""
    return shlex.join(["ssh", *ssh_host(host).words, line])


def held(name: str) -> str:
    """A variable's value in shell, to stand in double quotes: as in Python, without a byte order mark before it and
    line ends behind it."""
    bom, ends = r"$(printf '\357\273\277')", r"$(printf '\r')"
    return f'$(printf \'%s\' "${{{name}-}}" | LC_ALL=C sed "1s/^{bom}//; s/{ends}*\\$//")'


def _value(value: str) -> str:
    name = value.removeprefix("env:")
    return f'"{held(name)}"' if value.startswith("env:") and _VARIABLE.match(name) else shlex.quote(value)


def _is_secret(name: str, value: str) -> bool:
    return bool(_VARIABLE.match(name)) and (value.startswith("env:") or bool(marks(value)))


def _detached(core: str, step: Command, before: str) -> str:
    log = shlex.quote(step.log or "/dev/null")
    streams = f">>{log} 2>&1 </dev/null"
    # `&` makes a shell start the child deaf to SIGINT; setsid -f does not, so it is preferred where there is one.
    program, missing = shlex.quote(step.argv[0]), shlex.quote(f"{step.argv[0]}: no such program")
    path = f"PATH={_value(step.env['PATH'])} " if "PATH" in step.env else ""
    return (
        f"{{ {path}command -v {program} >/dev/null || {{ echo {missing} >&2; false; }}; }} && : >>{log} && "
        f"if setsid -f true 2>/dev/null; then {before}setsid -f {core} {streams}; "
        f"else {before}nohup {core} {streams} & fi"
    )


def _judged(line: str, step: Command) -> str:
    if step.ok_codes == (0,) and not step.accepts:
        return line
    codes = "|".join(str(code) for code in step.ok_codes)
    accepted = "".join(f" *{shlex.quote(fragment)}*) ;;" for fragment in step.accepts)
    return (
        # Written so that it also works under `set -e`.
        f"( out=$( {line} 2>&1) && code=0 || code=$?; printf '%s\\n' \"$out\"; "
        f"case $code in {codes}) exit 0 ;; esac; "
        f'case $out in{accepted} *) [ "$code" -gt 0 ] && exit "$code"; exit 1 ;; esac )'
    )


def _curl(step: HttpCall) -> str:
    # A web proxy of the shell has no part in it: neither in the undo nor in the headers.
    words = ["curl", "-sS", "--max-time", f"{step.timeout_s:g}", "-X", step.method, "--noproxy", "*"]
    words += ["-o", "/dev/null"]  # what a server answers might steer a terminal or a CI server
    if step.body is not None:
        words += ["-H", "Content-Type: application/json", "--data", json.dumps(step.body)]
    given, piped = _headers(step.headers)
    line = piped + shlex.join(words) + given + " " + shlex.quote(step.url)
    if step.if_refused:
        return _refusable(line, step)
    if all(200 <= status < 400 for status in step.ok_statuses):
        return line.replace("curl -sS", "curl -fsS", 1)
    statuses = "|".join(str(status) for status in step.ok_statuses)
    return f"case $({line} -w '%{{http_code}}') in {statuses}) ;; *) echo 'not accepted' >&2; false ;; esac"


def _refusable(line: str, step: HttpCall) -> str:
    statuses = "|".join(str(status) for status in step.ok_statuses)
    told = shlex.quote(step.if_refused)
    return (  # 7: curl could not connect
        f"( status=$({line} -w '%{{http_code}}') && code=0 || code=$?; "
        f"[ $code != 7 ] || {{ echo {told}; exit 0; }}; "
        f"case $status in {statuses}) exit 0 ;; esac; echo 'not accepted' >&2; exit 1 )"
    )


def _headers(headers: Mapping[str, str]) -> tuple[str, str]:
    """curl's options, and what gives it those that are secret: its words can be read by everybody, its input not."""
    parts, hidden = [], []
    for name, value in headers.items():
        variable = value.removeprefix("env:")
        if value.startswith("env:") and _VARIABLE.match(variable):
            hidden.append(f'{shlex.quote(name + ": ")}"{held(variable)}"')
        elif marks(value):
            hidden.append(shlex.quote(f"{name}: {value}"))
        else:
            parts.append(f" -H {shlex.quote(f'{name}: {value}')}")
    if not hidden:
        return "".join(parts), ""
    return " -H @-" + "".join(parts), f"printf '%s\\n' {' '.join(hidden)} | "
