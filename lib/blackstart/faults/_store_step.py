"""What is told to a store, as a step: by our own Python, and where that does not work by the store's own client.

The dsn goes with the environment, since the words of a process can be read by everybody. The clients want a password
among their words: where there is one, and our Python is gone, the lines are left to a person.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import blackstart
from blackstart.model.step import Command

DSN = "BLACKSTART_DSN"
"""The variable in which a process of ours is given the dsn."""
NOT_TAKEN = 3
_PLAIN_WORD = re.compile(r"[\w.:/{}-]+\Z", re.ASCII)
_TELL = (
    'python=$1; shift; "$python" -m blackstart.faults._store_command "$@"; code=$?; [ $code = 0 ] && exit 0; '
    f"[ $code = {NOT_TAKEN} ] && exit 1; "
    'by_hand() { echo "$1. To be said to $2 by hand:" >&2; printf "%s\\n" "$3" >&2; exit 1; }; '
    'case $1,$BLACKSTART_DSN in *://*:*@*|*password*) by_hand "our Python does not work" "$1" "$3" ;; '
    'redis,*) command -v redis-cli >/dev/null || by_hand "there is no redis-cli here" "$1" "$3"; '
    'printf "%s\\n" "$3" | while IFS= read -r line; do '
    'said=$(printf "%s\\n" "$line" | redis-cli -u "$BLACKSTART_DSN"); '
    '[ "$said" = OK ] || { printf "%s\\n" "$said" >&2; exit 1; }; done ;; '
    '*) command -v psql >/dev/null || by_hand "there is no psql here" "$1" "$3"; '
    'printf "%s;\\n" "$3" | psql -Xqw -v ON_ERROR_STOP=1 -d "$BLACKSTART_DSN" >/dev/null ;; esac'
)


def tell(kind: str, dsn: str, lines: Sequence[str], within_s: float = 5.0) -> Command:
    """The step that says these lines to a store, in order; it fails at the first that is not taken. `kind` is redis or
    postgres."""
    separator = ";\n" if kind == "postgres" else "\n"
    argv = ("sh", "-c", _TELL, f"tell {kind}", sys.executable, kind, f"{within_s:g}", separator.join(lines))
    env = {DSN: dsn, "PYTHONPATH": str(Path(blackstart.__file__).parents[1])}
    return Command(argv, env=env, timeout_s=within_s + 10)


def words(*command: str) -> str:
    """A command of Redis as one line, as redis-cli reads it. Raises ValueError for a word with a line end in it."""
    if any(not word.isprintable() for word in command):
        raise ValueError("a word with signs in it that can't be printed")
    return " ".join(word if _PLAIN_WORD.match(word) else _quoted(word) for word in command)


def _quoted(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
