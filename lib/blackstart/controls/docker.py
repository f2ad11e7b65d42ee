"""Services in containers: `{ docker = "redis" }` by a container's name or id, `{ compose = "redis", project = "shop" }`
by compose service, `{ container = "redis" }` by either. Always exactly one, never part of a name.

Each command finds its container anew, by its whole name or its labels: an undo acts on the service, even when somebody
has made a new container of it meanwhile. An engine honours *stop* and *kill* whatever the restart policy says, and
after them revives nothing; only a signal that reaches the process past the engine is a *crash* that it revives.
`CONTAINER_ENGINE` names another engine with docker's commands, such as podman.
"""

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, NotAvailable, StepFailed
from blackstart.controls import docker_answers, docker_candidates, read_table
from blackstart.controls.steps.local import carry_out, run
from blackstart.controls.steps.outcome import complaint
from blackstart.model.control import Control, State
from blackstart.model.step import Command

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*\Z")
# Of the container: of an engine that does not run docker says that there is no such file.
_NO_SUCH = re.compile(r"no such (container|object)", re.IGNORECASE)
# What decides which engine answers; kept in each command, so that an undo from another shell meets the same one.
_ENGINE_ENV = (
    "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG",
    "CONTAINER_HOST", "CONTAINER_CONNECTION",
)  # fmt: skip
_SHORT_ID = 12  # as the engine itself prints it
# A container's own grace period comes on top of what the engine needs.
_STOP_TIMEOUT_S = 120.0
_FIND = (
    'engine=$1; shift; id=$("$engine" ps -aq --no-trunc "$@") || exit; case $id in '
    '"") echo "no container matches $*" >&2; exit 66 ;; '
    '*[!0-9a-f]*) echo "more than one container matches $*" >&2; exit 67 ;; esac; '
)
_DO = "verb=$1; shift; " + _FIND + 'exec "$engine" $verb "$id"'
_LOOK = (
    _FIND
    + 'exec "$engine" inspect --type container --format '
    + "'{{.HostConfig.RestartPolicy.Name}}{{if .HostConfig.AutoRemove}},removed{{end}} {{json .State}}"
    + '{{range $key, $value := .Config.Labels}}{{"\\n"}}{{$key}}{{end}}\' "$id"'
)
# First the container itself, then each that runs, with the network and the processes that it lives in.
_SHARING = (
    _FIND
    + 'echo "$id"; exec "$engine" inspect --type container '
    + "--format '{{.Name}} {{.HostConfig.NetworkMode}} {{.HostConfig.PidMode}}' $(\"$engine\" ps -q)"
)
_PID = _FIND + 'pid=$("$engine" inspect --format \'{{.State.Pid}}\' "$id") || exit; '
_ENTER = (
    "line=$1; shift; " + _PID + '[ "$pid" != 0 ] || { echo "the container does not run" >&2; exit 65; }; '
    'exec nsenter -t "$pid" -n sh -c "$line"'
)
_PORTS = _FIND + 'exec "$engine" inspect --format \'{{json .NetworkSettings.Ports}}\' "$id"'
_LOG_OF_PORT = (
    'engine=$1; port=$2; shift 2; id=$("$engine" ps -q --filter "publish=$port") && '
    'case $id in "" | *[!0-9a-f]*) ;; *) exec "$engine" logs "$@" "$id" ;; esac'
)
_CRASH = (
    "signal=$1; seen=$2; shift 2; " + _PID + '[ "$pid" = "$seen" ] || { '
    'echo "it now is process $pid, not $seen: somebody restarted it" >&2; exit 75; }; '
    'grep -q "$id" "/proc/$pid/cgroup" || { echo "process $pid of this machine is not the container\'s; a crash needs '
    'the machine that the engine runs on: give the control a host" >&2; exit 77; }; '
    'kill -s "$signal" "$pid" || sudo -n kill -s "$signal" "$pid"'
)


@plain("control.docker")
class Docker(Control):
    """One container. Before `resolve`, `either` is a name that may be a compose service's or a container's.

    After it, the container is known by `container` (its exact name) or by `service` and `project` (its labels);
    `name` is how it is called now, `id` which one it is; `engine`, `env` and `endpoint` say which engine it lives in.
    """

    kind: ClassVar[str] = "docker"
    own_group: ClassVar[bool] = True
    dependents_why: ClassVar[str] = "live in its container's network"
    network_gone: ClassVar[tuple[str, ...]] = ("no container matches", "the container does not run")
    container: str = ""
    service: str = ""
    project: str = ""
    either: str = ""
    name: str = ""
    id: str = ""
    engine: str = ""
    env: tuple[tuple[str, str], ...] = ()
    endpoint: str = ""
    oneoff_label: bool = False
    host: str | None = None

    def reach(self) -> str:
        """The other host or the engine's address, unless the engine is this machine's own."""
        return self.host or ("" if self.is_local() else self.endpoint)

    def is_local(self) -> bool:
        """Whether the engine is reached through a socket file of this machine. Known after `resolve`."""
        return self.host is None and (not self.endpoint or self.endpoint.startswith(("unix://", "npipe://")))

    def identity(self) -> str:
        """The container's id: the same for every way to name it, and to reach its engine, once it is resolved."""
        if self.id:
            return f"docker:{self.id[:_SHORT_ID]}"
        asked = self.container or self.either or f"{self.project or '*'}/{self.service}"
        return f"docker:{self.reach() or 'local'}:{asked}"

    def container_id(self) -> str:
        """The beginning of its id. Known after `resolve`."""
        return self.id[:_SHORT_ID]

    def names(self) -> Mapping[str, str]:
        """The container's or the compose service's, as far as they are known."""
        return {"docker": self.name or self.container, "compose": self.service, "container": self.either}

    def called(self) -> str:
        """As in "the container aitrapp-redis"."""
        return f"the container {self.name or self.container or self.either or self.service}"

    def resolve(self) -> Control:
        """The one container that is meant, and the engine that it is in. A project that is not named here is that of
        COMPOSE_PROJECT_NAME, as for `docker compose` itself. Raises BadTarget naming the candidates."""
        known = self if self.host else self.with_engine()
        known = replace(known, engine=known.engine or _engine())
        listing = Command(docker_candidates.argv(known.engine), host=self.host, env=dict(known.env))
        project = self.project or ("" if self.host else os.environ.get("COMPOSE_PROJECT_NAME", ""))
        wanted = docker_candidates.Wanted(self.container, self.service, self.either, project)
        found = wanted.one_of(docker_candidates.parse(carry_out(listing).stdout))
        named = replace(known, either="", container="" if found.service else found.name, name=found.name, id=found.id)
        return replace(named, service=found.service, project=found.project, oneoff_label=bool(found.oneoff))

    def read_state(self, timeout_s: float = 10.0) -> State:
        """What the engine says of the container."""
        look = self._script(_LOOK, typed="inspect", timeout_s=timeout_s)
        outcome = run(look)
        if outcome.ok:
            return docker_answers.state(outcome.stdout)
        if outcome.code == 66 or _NO_SUCH.search(outcome.stderr):
            return State("absent", detail=outcome.stderr.strip())
        raise StepFailed(complaint(look, outcome))

    def dependents(self) -> tuple[str, ...]:
        """The running containers that live in this one's network or among its processes (`network_mode: service:…`).

        They lose that when it ends, and starting it again does not give it back. Raises StepFailed.
        """
        step = self._script(_SHARING)
        outcome = run(step)
        told = [line.split() for line in outcome.stdout.splitlines()]
        if len(told) < 2:  # the container itself runs, and is among all
            raise StepFailed(complaint(step, outcome))
        mode = f"container:{told[0][0]}"
        return tuple(sorted(name.lstrip("/") for name, *modes in told[1:] if mode in modes))

    def inside(self, argv: tuple[str, ...]) -> Command:
        """`docker exec`. The container is the one that was found by `resolve`."""
        return Command((self.engine, "exec", self.name, *argv), host=self.host, env=dict(self.env))

    def in_network(self, argv: tuple[str, ...]) -> Command:
        """With nsenter, so that the image needs no program. On the machine that the engine runs on."""
        if self.host is None and not self.is_local():
            raise NotAvailable(f"the network of a container of another engine ({self.endpoint}) has no way in")
        return self._script(_ENTER, shlex.join(argv))

    def inner_port(self, port: int) -> int:
        """The container's port that is published as `port`."""
        return docker_answers.inner_port(carry_out(self._script(_PORTS)).stdout, port)

    def published(self, port: int) -> str:
        """Where its engine publishes the port, where the engine is this machine's."""
        form = "{{json .HostConfig.PortBindings}} {{.HostConfig.NetworkMode}}"
        return docker_answers.published(self._inspected(form), port) if self.is_local() else ""

    def not_at(self, hosts: Sequence[str], port: int) -> str:
        """Compares with the ports that it publishes and its addresses."""
        told = self._inspected("{{json .NetworkSettings}} {{.HostConfig.NetworkMode}}")
        complaints = [docker_answers.not_published(told, self.name, host, port) for host in hosts]
        return "" if "" in complaints else complaints[0]

    def start(self) -> tuple[Command, ...]:
        """`docker start`, which accepts that it runs; a start that falls into a stop under way has to be repeated."""
        return (self._do("start"),)

    def stop(self) -> tuple[Command, ...]:
        """`docker stop`, with the container's own grace period."""
        return (self._do("stop", timeout_s=_STOP_TIMEOUT_S),)

    def kill(self) -> tuple[Command, ...]:
        """`docker kill`. The engine takes it for a stop by hand, so no restart policy revives it."""
        return (self._do("kill"),)

    def crash(self, seen: State, signal: str) -> tuple[Command, ...]:
        """The signal from outside to the container's first process, as the machine itself knows it; needs root."""
        return (self._script(_CRASH, signal, str(seen.pid)),)

    def pause(self) -> tuple[Command, ...]:
        """`docker pause`."""
        return (self._do("pause"),)

    def resume(self) -> tuple[Command, ...]:
        """`docker unpause`."""
        return (self._do("unpause", accepts=("not paused",)),)

    def rights(self) -> tuple[Command, ...]:
        """Whether the engine lets us see the container."""
        return (self._script(_LOOK, typed="inspect"),)

    def limit_memory(self, to_bytes: int) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
        """`docker update --memory`, which can lower and raise a limit, and take none away."""
        had = self._inspected("{{.HostConfig.Memory}}").strip()
        if not had.isdigit() or had == "0":
            raise NotAvailable(f"{self.called()} has no limit of memory, and docker could not take ours away again")
        now, again = (self._do(f"update --memory {size}") for size in (to_bytes, had))
        return (now,), (again,)

    def settings(self) -> Mapping[str, str]:
        """Its image's id, its limits of memory, processor and processes, and its restart policy."""
        return docker_answers.settings(self._inspected("{{.Image}} {{json .HostConfig}}"))

    def log_tail(self, lines: int, since: str = "") -> Command | None:
        """`docker logs`."""
        return self._do(f"logs --tail {lines}" + (f" --since {since}" if since else ""))

    def log_of_port(self, port: int, lines: int, since: str) -> Command | None:
        """`docker logs` of the one container that publishes it, where the engine is this machine's."""
        words = (self.engine, str(port), "--tail", str(lines), "--since", since)
        return Command(("sh", "-c", _LOG_OF_PORT, "log", *words), env=dict(self.env)) if self.is_local() else None

    def _inspected(self, form: str) -> str:
        words = (self.engine, "inspect", "--type", "container", "--format", form, self.name)
        return carry_out(Command(words, host=self.host, timeout_s=10.0, env=dict(self.env))).stdout

    def _do(self, verb: str, **more: Any) -> Command:
        return self._script(_DO, verb, typed=verb, **more)

    def _script(self, text: str, *words: str, typed: str = "", timeout_s: float = 30.0, **more: Any) -> Command:
        """`typed`: what a person would type for it between the engine and the container."""
        called = " ".join((os.path.basename(self.engine), typed, self.name or self.container or self.service))
        argv = ("sh", "-c", text, called if typed else self.kind, *words, self.engine, *self._filters())
        return Command(argv, host=self.host, timeout_s=timeout_s, env=dict(self.env), **more)

    def _filters(self) -> tuple[str, ...]:
        if not self.service:
            return ("--filter", f"name=^/?{self.container.replace('.', '[.]')}$")
        labels = [
            f"service={self.service}",
            f"project={self.project}",
            *(["oneoff=False"] if self.oneoff_label else []),
        ]
        return tuple(word for label in labels for word in ("--filter", f"label=com.docker.compose.{label}"))

    def with_engine(self) -> Self:
        """With the engine that is asked from here, and where that is. Raises BadTarget where it has no program here."""
        name = self.engine or _engine()
        path = shutil.which(name)
        if not path:
            raise BadTarget(docker_candidates.no_engine(name))
        env = {key: os.environ[key] for key in _ENGINE_ENV if os.environ.get(key)}
        endpoint = env.get("DOCKER_HOST") or env.get("CONTAINER_HOST") or env.get("CONTAINER_CONNECTION") or ""
        if not endpoint and os.path.basename(path) == "docker":
            asked = run(Command((path, "context", "inspect", "--format", "{{.Name}} {{.Endpoints.docker.Host}}")))
            context, _, endpoint = asked.stdout.strip().rpartition(" ") if asked.ok else ("", "", "")
            # Whatever context is chosen when the undo comes, it meets this engine. One elsewhere may need the keys that
            # its context has.
            if endpoint.startswith("unix://"):
                env = {key: value for key, value in env.items() if key != "DOCKER_CONTEXT"} | {"DOCKER_HOST": endpoint}
            elif context:
                env = env | {"DOCKER_CONTEXT": context}
        return replace(self, engine=path, env=tuple(sorted(env.items())), endpoint=endpoint)


def _engine() -> str:
    return os.environ.get("CONTAINER_ENGINE") or "docker"


def _read(where: str, table: Mapping[str, Any]) -> Control:
    kinds = dict.fromkeys(("docker", "compose", "container", "project", "engine", "host"), str)
    values = read_table(where, table, kinds)
    told = [key for key in ("docker", "compose", "container") if key in values]
    if len(told) > 1:
        raise BadTarget(f"{where}: {' and '.join(told)} name a container twice; keep one of them")
    if "project" in values and told == ["docker"]:
        raise BadTarget(f'{where}: "project" goes with compose = "{values["docker"]}", not with docker')
    values[told[0]] = values[told[0]].removeprefix("/")  # as `inspect` prints it
    if not _NAME.match(values[told[0]]):
        raise BadTarget(f'{where}: "{values[told[0]]}" can\'t be the name of a container or of a compose service')
    return Docker(
        container=values.get("docker", ""),
        service=values.get("compose", ""),
        either=values.get("container", ""),
        project=values.get("project", ""),
        engine=values.get("engine", ""),
        host=values.get("host"),
    )


KINDS = {"docker": _read, "compose": _read, "container": _read}
