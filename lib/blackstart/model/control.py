"""The one face of whatever stops, starts, kills and pauses a service.

A control is plain data made from the service's `control` table. It says *what would be done*, as steps; what it asks
of the service (`read_state`, and what says so below) changes nothing. Not every control has every power: what one lacks
is answered with NotAvailable and its reason.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from blackstart.base.codec import plain
from blackstart.base.errors import NotAvailable
from blackstart.model.step import Command, Step

Status = Literal["running", "stopped", "stopping", "paused", "starting", "failed", "absent"]


@plain("state")
class State:
    """A service as its control sees it. `revives`: something restarts it by itself when it dies.

    `instance` names this one life of the service: another one means that it was started anew; empty where none runs.
    `pid` is its main process on the machine that it runs on, where the control knows one. `lost` says why it could not
    be started again once it has ended; empty: it could. `owner` is the orchestrator that starts another in its place,
    as far as that shows. `ended` is by when the last life had ended, as its control knows it (ISO 8601, UTC); empty
    where it does not, or one runs.
    """

    status: Status
    instance: str = ""
    pid: int | None = None
    revives: bool = False
    detail: str = ""
    lost: str = ""
    owner: str = ""
    ended: str = ""


def life_of(pid: int | None, started: str) -> str:
    """The `instance` of a service that is a process: `pid:start time`, or nothing where none runs."""
    return f"{pid}:{started}" if pid else ""


class Control(ABC):
    """What every control can say of its service."""

    kind: ClassVar[str]
    """One word, as in `docker`."""
    by_hand: ClassVar[bool] = False
    """A person has to do it."""
    least_tick_s: ClassVar[float] = 0.1
    """How often `read_state` may be asked, in seconds; less often where it `reach`es another machine."""
    dependents_why: ClassVar[str] = ""
    """What `dependents` need of the service, as in "live in its network"."""
    own_group: ClassVar[bool] = False
    """Whether its control group holds its service alone."""
    network_gone: ClassVar[tuple[str, ...]] = ()
    """Fragments of what `in_network`'s commands say where the network has ended, and all that was in it."""

    @property
    def host(self) -> str | None:
        """The machine that its commands run on, as `ssh://…`; None for this one."""
        return None

    @abstractmethod
    def identity(self) -> str:
        """The one name of the service on this machine, which its records go by. Pure."""

    def lock_name(self) -> str:
        """The same for the lock, links in paths followed: by whatever path it is named, it is one."""
        return self.identity()

    @abstractmethod
    def names(self) -> Mapping[str, str]:
        """Every word that it knows the service by, by the key of its table: a unit, a program, a command line. Pure."""

    def container_id(self) -> str:
        """What its container is called in the names of control groups; empty where it is none. Pure."""
        return ""

    def called(self) -> str:
        """What it controls, in a sentence, as in "the container redis"."""
        return self.identity()

    def reach(self) -> str:
        """The other machine or engine that it acts on; empty for this machine."""
        return self.host or ""

    @abstractmethod
    def resolve(self) -> "Control":
        """The same control with exact identity and absolute paths, as found now. Raises BadTarget, StepFailed."""

    @abstractmethod
    def read_state(self, timeout_s: float = 10.0) -> State:
        """The state of the service now. Raises StepFailed where it can't be seen, StepTimedOut past the limit."""

    @abstractmethod
    def start(self) -> tuple[Step, ...]:
        """Make it run. Accepts that it runs already."""

    @abstractmethod
    def stop(self) -> tuple[Step, ...]:
        """End it in the orderly way, so that it stays stopped."""

    @abstractmethod
    def kill(self) -> tuple[Step, ...]:
        """End it without a word of warning, so that it stays stopped."""

    @abstractmethod
    def crash(self, seen: State, signal: str) -> tuple[Step, ...]:
        """Send the process a signal from outside, so that whatever revives it does. Only the process in `seen`."""

    @abstractmethod
    def pause(self) -> tuple[Step, ...]:
        """Freeze all its processes."""

    @abstractmethod
    def resume(self) -> tuple[Step, ...]:
        """Let all its processes go on. Accepts that they do already."""

    @abstractmethod
    def rights(self) -> tuple[Step, ...]:
        """Harmless commands that fail where a right to the above is missing."""

    def log_tail(self, lines: int, since: str = "") -> Command | None:
        """Print the last lines of its log, where the control knows of one; those after `since` (`2026-11-20T14:30:00Z`)
        where it knows their times."""
        return None

    def log_of_port(self, port: int, lines: int, since: str) -> Command | None:
        """The same of whoever publishes that port of this machine, where what the service lives in knows that."""
        return None

    def settings(self) -> Mapping[str, str]:
        """What the service is made of and limited by (image, memory, restarts), by name, where the control knows of it.

        Known after `resolve`. Raises StepFailed.
        """
        return {}

    # ------------------------------------------------------------ powers that not every control has: NotAvailable

    def inside(self, argv: tuple[str, ...]) -> Command:
        """The command that runs `argv` inside of the place where the service lives, with the programs there. Pure."""
        raise self._lacks("has no way to run a command inside")

    def in_network(self, argv: tuple[str, ...]) -> Command:
        """The command that runs `argv`, a program of the machine, in the service's own network. Needs root. Pure."""
        raise self._lacks("has no way into a network of its own")

    def inner_port(self, port: int) -> int:
        """The port in the service's own network behind a published one; the same where nothing else is known.

        Known after `resolve`. Raises StepFailed.
        """
        raise self._lacks("has no way into a network of its own")

    def pod_selector(self) -> str:
        """The labels that pick its pods; `controls.kubernetes_context` tells where. Known after `resolve`. Pure."""
        raise self._lacks("is not made of pods of Kubernetes")

    def published(self, port: int) -> str:
        """Where this machine reaches that port of the service, as `localhost:16379`; empty where it does not.

        A port that is chosen anew at every start is none to rely on, and does not count. Known after `resolve`. Raises
        StepFailed.
        """
        raise self._lacks("publishes no ports")

    def not_at(self, hosts: Sequence[str], port: int) -> str:
        """Why what answers at that port of none of the hosts (one machine's name and addresses) is this service; empty
        where it is.

        Known after `resolve`. Raises StepFailed.
        """
        raise self._lacks("publishes no ports")

    def dependents(self) -> tuple[str, ...]:
        """What ends with the service, or loses what it needs, and is not brought back by its start. Raises StepFailed.

        What of it runs now, by the names that `allow` takes.
        """
        raise self._lacks("knows of nothing that depends on it")

    def rivals(self) -> Mapping[str, str]:
        """Who else sets whether it runs, and would undo a stop by itself, fight its undo or forbids it.

        By the name that `allow` takes, as in `HorizontalPodAutoscaler/api`: what it does, and what to do about it.
        Raises StepFailed.
        """
        return {}

    def limit_memory(self, to_bytes: int) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
        """The steps that limit its memory, and those that bring back exactly the limit that it has now. Raises
        StepFailed."""
        raise self._lacks("sets no limits")

    def with_environment(self, env: Mapping[str, str]) -> "Control":
        """The same control, which starts the service with these variables besides. Pure."""
        raise self._lacks("can't start it with other variables")

    def orderly_signal(self) -> str:
        """The signal that ends the service in the orderly way, as `TERM`. Pure."""
        raise self._lacks("sends no signal of its own to end it")

    def folder(self) -> str:
        """The folder of this machine without which nothing of what controls the service is left. Pure."""
        raise self._lacks("stands and falls with no folder")

    def _lacks(self, what: str) -> NotAvailable:
        return NotAvailable(f"its control ({self.kind}) {what}")
