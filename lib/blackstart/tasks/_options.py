"""The options that every experiment task takes: those of the table of flags."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from invoke import Argument, Exit, Task

from blackstart.base import writer
from blackstart.base.errors import EXIT_REFUSED
from blackstart.model.flags import Flags

# name on the command line → is it a switch, and what `--help` says
OPTIONS: dict[str, tuple[bool, str]] = {
    item.name.removesuffix("_s"): (isinstance(item.default, bool), f"{item.metadata['help']} [{item.metadata['env']}]")
    for item in fields(Flags)
    if item.metadata
}
# A switch that takes a word, too (`--pause-on-fail=inconclusive`).
_OPTIONAL = tuple(item.name for item in fields(Flags) if isinstance(item.default, bool) and item.type is not bool)

_SHORT = {"quiet": "q", "verbose": "v"}

# What only some of the tasks take.
_OWN = {
    "experiment": "its name (chaos.list shows them all), a Python file, or a specification (.isl)",
    "variant": "one of the experiment's variants, by name",
    "scenario": "which scenario (default: all of them)",
    "full": "print in full also long paths, and shell that is too long to be read",
    "keep-going": "do not stop at the first failure",
}


def experiment_task(
    name: str,
    doc: str,
    act: Callable[[dict[str, Any]], int],
    variants: Sequence[str] = (),
    positional: str = "",
    values: Sequence[str] = (),
    common: Collection[str] = OPTIONS,
    says: Mapping[str, str] = _OWN,
) -> Any:
    """An Invoke task with the common options, a switch for each variant, and options of its own that take `values`, of
    which `--help` says what `says` does; `act` returns the exit code."""

    def body(c: Any, **options: Any) -> None:
        refuse_empty(**{own: options.get(own) for own in (*filter(None, (positional,)), *values)})
        finish(act(options))

    takes: dict[str, Any] = {positional: inspect.Signature.empty} if positional else {}
    takes |= {option: False if OPTIONS[option][0] else None for option in common}
    takes |= dict.fromkeys(values) | {variant.replace("-", "_"): False for variant in variants}
    body.__name__ = name.replace("-", "_")
    body.__doc__ = doc
    body.mends_first = name != "plan"  # type: ignore[attr-defined]
    helps = {option.replace("_", "-"): OPTIONS[option][1] for option in common}
    own = {name: says[name] for name in (positional, *values, *variants) if name in says}
    helps |= {variant: f"the variant {variant} of the experiment" for variant in variants} | own
    optional = [option for option in _OPTIONAL if option in common]
    return _Short(body, takes, name=name, help=helps, optional=optional, positional=[*filter(None, (positional,))])


class _Given(Argument):
    """An option as it was given. The parser copies all options of all tasks before it reads a word; what is deep in
    them never changes."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Given":
        new = object.__new__(_Given)
        new.__dict__ |= self.__dict__
        return new


class _Short(Task[Any]):
    """A task that `takes` options by name, each with its default. They have only those short names that mean the same
    everywhere, and are made for a task that the command line names (`named`)."""

    named = True

    def __init__(self, body: Callable[..., Any], takes: Mapping[str, Any], **given: Any) -> None:
        super().__init__(body, auto_shortflags=False, **given)
        self._takes = takes

    def argspec(self, body: Any) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(name, kind, default=self._takes[name]) for name in self._takes])

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        made: list[Argument] = super().get_arguments(ignore_unknown_help) if self.named else []
        for argument in made:
            argument.__class__ = _Given
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Short":
        """Invoke's loader copies the collections that it is given, down to every word of help; a task never changes."""
        return self

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        made: dict[str, Any] = super().arg_opts(name, default, taken_names)
        made["names"] += _SHORT.get(name, "")
        return made


def refuse_empty(**options: str | None) -> None:
    """Leave Invoke with 40 where an option was given and is empty, as `--run=$UNSET` is: only what was left out (None)
    means that there is none."""
    for name, value in options.items():
        if value is not None and not value.strip():
            option = name.strip("_").replace("_", "-")
            told = f"Not started: --{option}={value!r}: is empty; give it a value, or leave it out"
            writer.error(told)
            raise Exit(code=EXIT_REFUSED)


def finish(code: int) -> None:
    """Leave Invoke with this exit code, without more words: what there was to say has been said."""
    if code:
        raise Exit(code=code)
