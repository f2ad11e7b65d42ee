"""The lab's Invoke tasks; each translates its options and calls `blackstart_lab.cli`."""

from invoke import Collection, Context, Exit, task


def _run(*words: str) -> None:
    from blackstart_lab.cli import main  # noqa: PLC0415 - listing the tasks must not load the labs

    code = main(words)
    if code:
        raise Exit(code=code)


@task(
    help={
        "name": "which lab, such as trader",
        "profile": "quick (TTL 3 s) or real (TTL 30 s)",
        "mutant": "switch on one named resilience defect",
        "instances": "how many instances of the app: one leads, the rest stand by",
        "older-build": "answer /ready in the older 503 form",
        "orders-per-s": "rate of the throttle queue",
        "port": "port of the API (default: a free one)",
    }
)
def up(
    _: Context,
    name: str,
    profile: str = "",
    mutant: str = "",
    instances: int = 0,
    older_build: bool = False,
    orders_per_s: int = 0,
    port: int = 0,
) -> None:
    """Start a lab: real servers on private ports, and say what runs where."""
    given = {
        "--profile": profile,
        "--mutant": mutant,
        "--instances": instances,
        "--orders-per-s": orders_per_s,
        "--port": port,
    }
    words = [word for flag, value in given.items() if value for word in (flag, str(value))]
    _run("up", name, *words, *(["--older-build"] if older_build else []))


@task(help={"name": "which lab (default: every one that is there)"})
def down(_: Context, name: str = "") -> None:
    """Stop the labs and delete their files."""
    _run("down", *([name] if name else []))


@task
def status(_: Context) -> None:
    """Show the labs, their services and where their target files are."""
    _run("status")


@task(
    help={
        "name": "which lab, such as trader",
        "service": "which service (default: all)",
        "lines": "how many lines of each",
    }
)
def logs(_: Context, name: str, service: str = "", lines: int = 30) -> None:
    """Print the end of a lab's logs."""
    _run("logs", name, *([service] if service else []), "--lines", str(lines))


namespace = Collection("lab", up, down, status, logs)
