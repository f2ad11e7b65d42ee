"""The lab's Invoke tasks; each translates its options and calls `blackstart_lab.cli`."""

from invoke import Collection, Context, Exit, task


def _run(*words: str) -> None:
    from blackstart_lab.cli import main  # noqa: PLC0415 - listing the tasks must not load the labs

    code = main(words)
    if code:
        raise Exit(code=code)


@task(
    help={
        "name": "which lab: trader, gateway, ...",
        "profile": "quick (short times) or real (those of the real system)",
        "mutant": "switch on one named resilience defect",
        "instances": "how many instances of the app: one leads, the rest stand by",
        "older-build": "answer /ready in the older 503 form",
        "orders-per-s": "rate of the throttle queue",
        "port": "port of the API (default: a free one)",
        "as-coded": "gateway: behave as the public application really does",
        "on-open": "gateway: what an open breaker means to a request, fallback or fail-fast",
        "without-prometheus": "gateway: start none, even where its binary is on PATH",
    },
    auto_shortflags=False,  # Invoke runs out of letters, and would offer `--=STRING`
)
def up(
    _: Context,
    name: str,
    profile: str | None = None,
    mutant: str | None = None,
    instances: str | None = None,
    older_build: bool = False,
    orders_per_s: str | None = None,
    port: str | None = None,
    as_coded: bool = False,
    on_open: str | None = None,
    without_prometheus: bool = False,
) -> None:
    """Start a lab: real servers on private ports, and say what runs where."""
    given = {
        "--profile": profile,
        "--mutant": mutant,
        "--instances": instances,
        "--orders-per-s": orders_per_s,
        "--port": port,
        "--on-open": on_open,
    }
    switches = {"--older-build": older_build, "--as-coded": as_coded, "--without-prometheus": without_prometheus}
    words = [word for flag, value in given.items() if value is not None for word in (flag, value)]
    _run("up", name, *words, *(switch for switch, on in switches.items() if on))


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
        "name": "which lab, such as trader",
        "service": "which service (default: all)",
        "lines": "how many lines of each",
    }
)
def logs(_: Context, name: str, service: str | None = None, lines: str = "30") -> None:
    """Print the end of a lab's logs."""
    _run("logs", name, *([] if service is None else [service]), "--lines", lines)


namespace = Collection("lab", up, down, status, logs)
