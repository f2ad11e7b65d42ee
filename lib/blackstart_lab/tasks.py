"""The lab's Invoke tasks; each translates its options and calls `blackstart_lab.cli`."""

from inspect import Parameter, Signature
from typing import Any

from invoke import Collection, Context, Exit, task

from blackstart_lab import discover
from blackstart_lab.option import Option


def _run(*words: str) -> None:
    from blackstart_lab.cli import main  # noqa: PLC0415 - listing the tasks must not load the labs

    code = main(words)
    if code:
        raise Exit(code=code)


def _up() -> Any:
    """The task that takes the options of every lab; what a lab can't be told is refused by the command line."""
    labs = sorted(discover.packages())
    known: dict[str, Option] = {}
    helps: dict[str, dict[str, list[str]]] = {}
    for lab in labs:
        for name, option in discover.options(lab).items():
            known[name] = option
            helps.setdefault(name, {}).setdefault(option.help, []).append(lab)

    def up(_: Context, name: str, **given: Any) -> None:
        """Start a lab: real servers on private ports, and say what runs where."""
        words = ["up", name]
        for option in known:
            value = given[option.replace("-", "_")]
            if value is True:
                words.append(f"--{option}")
            elif value not in (None, False):
                words += [f"--{option}", value]
        _run(*words)

    parameters = [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in ("_", "name")]
    for name, option in known.items():
        default = False if option.type is bool else None
        parameters.append(Parameter(name.replace("-", "_"), Parameter.POSITIONAL_OR_KEYWORD, default=default))
    up.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    told = {name: "; ".join(f"{', '.join(of)}: {text}" for text, of in each.items()) for name, each in helps.items()}
    # Invoke runs out of letters, and would offer `--=STRING`.
    return task(help={"name": f"which lab: {', '.join(labs)}", **told}, auto_shortflags=False)(up)


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


namespace = Collection("lab", _up(), down, status, logs)
