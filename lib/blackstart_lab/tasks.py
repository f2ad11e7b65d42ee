"""The lab's Invoke tasks; each translates its options and calls `blackstart_lab.cli`."""

from inspect import Parameter, Signature
from typing import Any

from invoke import Argument, Collection, Context, Exit, Task, task

from blackstart_lab import discover
from blackstart_lab.option import Option


def _run(*words: str) -> None:
    from blackstart_lab.cli import main  # noqa: PLC0415 - listing the tasks must not load the labs

    code = main(words)
    if code:
        raise Exit(code=code)


class _Up(Task[Any]):
    """The task that takes the options of every lab; what a lab can't be told is refused by the command line. They are
    read where the command line names it (`named`): listing the tasks is quick."""

    named = True

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        if not self.named:
            return []
        told: dict[str, dict[str, list[str]]] = {}
        for lab in sorted(discover.packages()):
            for name, option in discover.options(lab).items():
                told.setdefault(name, {}).setdefault(option.help, []).append(lab)
        self.help = {
            name: "; ".join(f"{', '.join(of)}: {text}" for text, of in each.items()) for name, each in told.items()
        }
        self.help["name"] = f"which lab: {', '.join(sorted(discover.packages()))}"
        made: list[Argument] = super().get_arguments(ignore_unknown_help)
        return made

    def argspec(self, body: Any) -> Signature:
        defaults = {"name": Parameter.empty}
        defaults |= {
            name.replace("-", "_"): False if option.type is bool else None for name, option in _known().items()
        }
        kind = Parameter.POSITIONAL_OR_KEYWORD
        return Signature([Parameter(name, kind, default=default) for name, default in defaults.items()])


def _known() -> dict[str, Option]:
    return {name: option for lab in sorted(discover.packages()) for name, option in discover.options(lab).items()}


# Invoke runs out of letters, and would offer `--=STRING`.
@task(klass=_Up, positional=["name"], auto_shortflags=False)
def up(_: Context, name: str, **given: Any) -> None:
    """Start a lab: real servers on private ports, and say what runs where."""
    words = ["up", name]
    for option in _known():
        value = given[option.replace("-", "_")]
        if value is True:
            words.append(f"--{option}")
        elif value not in (None, False):
            words += [f"--{option}", value]
    _run(*words)


@task(help={"name": "which lab (default: every one that is there)"})
def down(_: Context, name: str | None = None) -> None:
    """Stop the labs and delete their files."""
    _run("down", *([] if name is None else [name]))


@task
def status(_: Context) -> None:
    """Show the labs, their services and where their target files are."""
    _run("status")


@task(
    help={
        "name": "which lab",
        "service": "which service (default: all)",
        "lines": "how many lines of each",
    }
)
def logs(_: Context, name: str, service: str | None = None, lines: str = "30") -> None:
    """Print the end of a lab's logs."""
    _run("logs", name, *([] if service is None else [service]), "--lines", lines)


namespace = Collection("lab", up, down, status, logs)
