"""What a lab's commands say to people: the one place that prints."""

import os
import re
import sys


def say(line: str) -> None:
    try:
        print(printable(line), flush=True)
    except BrokenPipeError:  # `| head`: the lab is brought up, or down, all the same
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def printable(text: str) -> str:
    """Lines that steer neither a terminal nor a CI server's log: what a log says may come from anywhere."""
    shown = "".join(sign if sign.isprintable() or sign == "\n" else ascii(sign)[1:-1] for sign in text)
    shown = re.sub(r"(?m)^( *):(?=:.*::)|#(?=#(?:vso|teamcity)?\[)", r"\1\\", shown)
    encoding = sys.stdout.encoding or "utf-8"  # a terminal or a log that is not UTF-8
    return shown.encode(encoding, "backslashreplace").decode(encoding)
