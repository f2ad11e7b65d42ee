"""Which one container is meant: all that an engine has, and the choice among them. By exact name or id."""

import re
import shutil
from dataclasses import dataclass, replace

from blackstart.base.errors import Ambiguous, BadTarget, did_you_mean

_ENGINES = ("docker", "podman", "nerdctl")
# As docker takes the beginning of an id, but none so short that a name with a mistake could be one by chance.
_ID = re.compile(r"[0-9a-f]{4,64}")
_LABELS = [f'{{{{.Label "com.docker.compose.{label}"}}}}' for label in ("service", "project", "oneoff")]


def argv(engine: str) -> tuple[str, ...]:
    """The command that lists every container of an engine, running or not, in the form that `parse` reads."""
    return (engine, "ps", "-a", "--no-trunc", "--format", "\t".join(["{{.Names}}", "{{.State}}", *_LABELS, "{{.ID}}"]))


@dataclass(frozen=True)
class Candidate:
    """A container as it is listed. `service` and `project` are its compose labels, `oneoff` is `True` for a `run`."""

    name: str
    status: str
    service: str = ""
    project: str = ""
    oneoff: str = ""
    id: str = ""

    def __str__(self) -> str:
        labels = f"compose {self.project}/{self.service}, " if self.service else ""
        return f"{self.name} ({labels}{self.status})"


def parse(listed: str) -> list[Candidate]:
    """The containers in what the listing printed."""
    lines = [line.split("\t") for line in listed.splitlines() if line.strip()]
    return [Candidate(_own(names), *(word.strip() for word in more)) for names, *more in lines if len(more) == 5]


def _own(names: str) -> str:
    """A container's own name; what has a slash is what another calls it that links to it."""
    return next((name for name in names.strip().split(",") if "/" not in name), names.strip())


@dataclass(frozen=True)
class Wanted:
    """What a target says: a container's name or id, a compose service's name, or what may be either; and a project."""

    container: str = ""
    service: str = ""
    either: str = ""
    project: str = ""

    def one_of(self, known: list[Candidate]) -> Candidate:
        """The one that is meant. It has its labels only where it is to be known by them. Raises BadTarget."""
        found = {one.name: one for one in known if self._is_named(one)}
        found |= {one.name: one for one in known if self._is_service(one)}
        found = found or {one.name: one for one in known if self._has_id(one)}
        if len(found) == 1:
            (one,) = found.values()
            return one if self._is_service(one) else replace(one, service="", project="", oneoff="")
        asked = self.container or self.either or self.service
        if found:
            listed = ", ".join(sorted(str(one) for one in known if one.name in found))
            how = '{ compose = "…", project = "…" } or { docker = "…" }'
            raise Ambiguous(f'"{asked}" could be any of {listed}. Say which one: {how}.')
        what = "container" if self.container else "compose service" if self.service else "compose service or container"
        where = f' in project "{self.project}"' if self.project else ""
        raise BadTarget(f'there is no {what} "{asked}"{where}.{_near(asked, known)}')

    def _is_named(self, one: Candidate) -> bool:
        return one.name == (self.container or self.either)

    def _has_id(self, one: Candidate) -> bool:
        asked = self.container or self.either
        return bool(_ID.fullmatch(asked)) and one.id.startswith(asked)

    def _is_service(self, one: Candidate) -> bool:
        asked = self.service or self.either
        return bool(asked) and one.service == asked and self.project in ("", one.project) and one.oneoff != "True"


def _near(asked: str, known: list[Candidate]) -> str:
    partly = sorted(str(one) for one in known if asked in one.name or asked == one.service)
    if partly:
        return f" Near it: {', '.join(partly)}."
    if not known:
        return (
            " The engine has no container at all: is it the right one (DOCKER_HOST, docker context, CONTAINER_ENGINE)?"
        )
    return did_you_mean(asked, {one.name for one in known} | {one.service for one in known if one.service})


def no_engine(name: str) -> str:
    """That there is no such program, and what there is besides, in a line."""
    here = [other for other in _ENGINES if other != name and shutil.which(other)]
    engine = f"CONTAINER_ENGINE={here[0]}, which is here" if here else "another engine with CONTAINER_ENGINE"
    return (
        f"{name} is not on PATH. Install it, name {engine}, or say in a target file how the service is controlled "
        "without it: { unit = … }, { supervisor = … }, { process = … }, { manual = true }"
    )
