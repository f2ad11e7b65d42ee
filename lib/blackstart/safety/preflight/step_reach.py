"""Which other machine or engine a command of this machine leads to, as far as its words and environment tell. Pure."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence

from blackstart.model.step import Command

# In the order in which docker itself heeds them.
ENGINE_ENV = ("DOCKER_HOST", "CONTAINER_HOST", "CONTAINER_CONNECTION", "DOCKER_CONTEXT")
_ENGINES = ("docker", "podman", "nerdctl", "docker-compose", "podman-compose")
_ENGINE_OPTIONS = ("-H", "--host", "-c", "--context", "--url", "--connection")
# Others that take a value and may stand before the verb.
_OTHER_OPTIONS = ("-l", "--log-level", "--config", "--tlscacert", "--tlscert", "--tlskey", "--root", "--runroot",
                  "-f", "--file", "-p", "--project-name", "--project-directory", "--env-file", "--profile")  # fmt: skip
_SSH = ("ssh", "autossh", "mosh")
_SSH_WITH_VALUE = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
_WORDS = re.compile(r"[\s;|&()'\"`$<>]+")


def reached_by(step: Command, environment: Mapping[str, str]) -> str:
    """The engine or host; empty for this machine. `environment` is what the step would be run in, besides its own."""
    program, words = os.path.basename(step.argv[0]), list(step.argv[1:])
    if program in _SSH:
        return _ssh_destination(words)
    named = list(_engine_options(words)) if program in _ENGINES else []
    named = named or _engines_of(step.env)
    if not named and any(os.path.basename(word) in _ENGINES for text in step.argv for word in _WORDS.split(text)):
        named = _engines_of(environment)
    return next((engine for engine in named if not local_engine(engine)), "")


def local_engine(engine: str) -> bool:
    """Whether it is reached through a socket file of this machine, or is a context that docker itself makes so."""
    return engine.startswith(("unix://", "npipe://", "/")) or engine in ("default", "desktop-linux", "rootless")


def _engines_of(environment: Mapping[str, str]) -> list[str]:
    return [environment[key] for key in ENGINE_ENV if environment.get(key)]


def _engine_options(words: Sequence[str]) -> Iterator[str]:
    """The values of the options that name an engine, which stand before its verb (after it -c is something else)."""
    left = iter(words)
    for word in left:
        option, given, value = word.partition("=")
        if not word.startswith("-"):
            return
        if option in (*_ENGINE_OPTIONS, *_OTHER_OPTIONS):
            value = value if given else next(left, "")
            if option in _ENGINE_OPTIONS:
                yield value
        elif word.startswith("-H"):
            yield word.removeprefix("-H")


def _ssh_destination(words: Sequence[str]) -> str:
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = len(word) == 2 and word[1] in _SSH_WITH_VALUE
        else:
            return word if "://" in word else f"ssh://{word}"
    return ""
