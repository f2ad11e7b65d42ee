"""The options of `up`: a lab declares its own in a module `options.py` beside its `lab.py`, which loads nothing else.

The command line and Invoke's task are both made of them, and to list the task must not load a lab.
"""

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Option:
    """A value of `type`, one of `choices` where there are any; with the type bool it is a switch."""

    help: str
    type: type = str
    default: Any = None
    choices: Sequence[str] | None = None


def declare(options: Mapping[str, Option], parser: ArgumentParser) -> None:
    """Let the parser take them; `options` has them by name, without the leading hyphens."""
    for name, option in options.items():
        if option.type is bool:
            parser.add_argument(f"--{name}", action="store_true", help=option.help)
        else:
            parser.add_argument(
                f"--{name}", type=option.type, default=option.default, choices=option.choices, help=option.help
            )
