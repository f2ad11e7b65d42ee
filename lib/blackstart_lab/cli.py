"""`python -m blackstart_lab up|down|status|logs|mutants`: exit 0, or 40 with one line that begins "Not started:"."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import NoReturn

from blackstart_lab import discover, lifecycle
from blackstart_lab.lab_error import LabError, NotStarted
from blackstart_lab.option import declare
from blackstart_lab.printer import printable, say
from blackstart_lab.workspace import Workspace


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options = _parser(words).parse_args(words)
        _refuse_empty(options)
        return {"up": _up, "down": _down, "status": _status, "logs": _logs, "mutants": _mutants}[options.command](
            options
        )
    except LabError as refusal:
        print(printable(str(refusal)), file=sys.stderr, flush=True)
        return refusal.exit_code


def _refuse_empty(options: Namespace) -> None:
    """`--mutant=$UNSET` would be another lab than the one that was meant."""
    for name, value in vars(options).items():
        if isinstance(value, str) and not value.strip():
            raise NotStarted(f"{name.replace('_', '-')} is empty; give it a value, or leave it out")


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise NotStarted(f"{message}. `--help` shows what there is.")


def _parser(words: Sequence[str]) -> ArgumentParser:
    parser = _Parser(prog="python -m blackstart_lab", description="Reference systems with real servers.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start a lab and wait until it answers")
    up.add_argument("name", help=f"one of: {', '.join(sorted(discover.packages()))}")
    up.add_argument("--within-s", type=float, default=90.0, help="longest time to wait for the lab (default 90)")
    name = _named_lab(words)
    if name:
        declare(discover.options(name), up)
    down = commands.add_parser("down", help="stop labs and delete their files")
    down.add_argument("name", nargs="?", help="default: every lab that is there")
    commands.add_parser("status", help="show the labs and their services")
    logs = commands.add_parser("logs", help="print the end of a lab's logs")
    logs.add_argument("name")
    logs.add_argument("service", nargs="?", help="default: every service")
    logs.add_argument("--lines", type=int, default=30)
    mutants = commands.add_parser("mutants", help="list a lab's defects and the expectations that catch them")
    mutants.add_argument("name")
    mutants.add_argument("--json", action="store_true")
    return parser


def _named_lab(words: Sequence[str]) -> str | None:
    """The lab whose own options `up` takes: the first word after it that is no option."""
    if "up" not in words[:1]:
        return None
    return next((word for word in words[1:2] if not word.startswith("-")), None)


def _up(options: Namespace) -> int:
    lifecycle.up(discover.load(options.name), options, say, options.within_s)
    return 0


def _down(options: Namespace) -> int:
    if options.name is not None:
        discover.load(options.name)
    names = [options.name] if options.name is not None else lifecycle.names_up()
    for name in names:
        lifecycle.down(name, say)
    if not names:
        say("no lab was up")
    return 0


def _status(_: Namespace) -> int:
    for name in sorted(discover.packages()):
        now = lifecycle.standing(name)
        say(f"{name}: {now.state}" + (f", target {now.target_file}" if now.state == "up" else ""))
        for service, state in sorted(now.services.items()):
            say(f"  {service}: {state}")
    return 0


def _logs(options: Namespace) -> int:
    discover.load(options.name)
    workspace = Workspace(options.name)
    known = sorted(path.stem for path in workspace.folder.glob("*.log"))
    wanted = [options.service] if options.service else known
    for service in wanted:
        if service not in known:
            there = f"there is: {', '.join(known)}" if known else "the lab is not up"
            raise NotStarted(f'lab {options.name} has no log of "{service}"; {there}')
        for line in lifecycle.last_lines(workspace.log(service), options.lines):
            say(f"{service}: {line}")
    if not known:
        raise NotStarted(f"lab {options.name} is not up, so it has no logs; `invoke lab.up {options.name}` starts it")
    return 0


def _mutants(options: Namespace) -> int:
    declared = discover.load(options.name).mutants()
    if options.json:
        say(json.dumps(declared, indent=2))
        return 0
    for name, mutant in declared.items():
        with_options = "".join(f" --{option}" for option in mutant["options"])
        say(f"{name}: {mutant['summary']}")
        say(f"  {mutant['experiment']}{with_options} must fail: {', '.join(mutant['must_fail'])}")
    return 0
