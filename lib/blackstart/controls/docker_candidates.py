"""Which one container is meant: all that an engine has, and the choice among them. Exact names only; never a guess."""

from dataclasses import dataclass, replace

from blackstart.base.errors import Ambiguous, BadTarget, did_you_mean

_LABELS = [f'{{{{.Label "com.docker.compose.{label}"}}}}' for label in ("service", "project", "oneoff")]


def argv(engine: str) -> tuple[str, ...]:
    """The command that lists every container of an engine, running or not, in the form that `parse` reads."""
    return (engine, "ps", "-a", "--no-trunc", "--format", "\t".join(["{{.Names}}", "{{.State}}", *_LABELS]))


@dataclass(frozen=True)
class Candidate:
    """A container as it is listed. `service` and `project` are its compose labels, `oneoff` is `True` for a `run`."""

    name: str
    status: str
    service: str = ""
    project: str = ""
    oneoff: str = ""

    def __str__(self) -> str:
        labels = f"compose {self.project}/{self.service}, " if self.service else ""
        return f"{self.name} ({labels}{self.status})"


def parse(listed: str) -> list[Candidate]:
    """The containers in what the listing printed."""
    lines = [line.split("\t") for line in listed.splitlines() if line.strip()]
    return [Candidate(*(word.strip() for word in words)) for words in lines if len(words) == 5]


@dataclass(frozen=True)
class Wanted:
    """What a target says: a container's name, a compose service's, or a name that may be either's; and a project."""

    container: str = ""
    service: str = ""
    either: str = ""
    project: str = ""

    def one_of(self, known: list[Candidate]) -> Candidate:
        """The one that is meant. It has its labels only where it is to be known by them. Raises BadTarget."""
        found = {one.name: replace(one, service="", project="", oneoff="") for one in known if self._is_named(one)}
        found |= {one.name: one for one in known if self._is_service(one)}
        if len(found) == 1:
            return next(iter(found.values()))
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
