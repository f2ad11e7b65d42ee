"""Where a secret is, as one word without the secret, and the secret behind such a word.

`env:REDIS_URL:password` is the password in the URL that the environment variable REDIS_URL holds;
`file:/etc/drills/trader.toml:services.redis.control.start.2` is a word of a list in a target file. Path and keys are
percent-encoded, so that a reference needs no quoting anywhere. After them come, with colons between, the picks that
lead from the value to the secret: `password`, `user` and `query.NAME` of a URL; `words`: the password in libpq's words;
`word.N` of a command line; `shell.N` of a line of a shell; `after`: behind the first = of a word; `field` and `scheme`:
behind the first colon or blank; `rest`: behind the first character.

Only the standard library is used here, and this file stands as it is in HEAL.sh: it must do its work where our package
does not. `python3 references.py REFERENCE` prints the secret.
"""

import os
import re
import shlex
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

_WORDS = re.compile(r"(?:^|\s)password\s*=\s*(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<plain>[^\s']+))", re.DOTALL)


def _shell_words(text: str) -> list[str]:
    """Also what a shell takes for no part of a word, such as `;`, each for itself."""
    words = shlex.shlex(text, posix=True, punctuation_chars=True)
    words.whitespace_split, words.commenters = True, ""
    return list(words)


SPLIT: dict[str, Callable[[str], list[str]]] = {"word": shlex.split, "shell": _shell_words}


def env(name: str, *picks: str) -> str:
    """The reference to an environment variable, or to what is picked out of it."""
    return ":".join(("env", quote(name, safe=""), *(quote(pick, safe=".") for pick in picks)))


def file(path: str, keys: tuple[str, ...], *picks: str) -> str:
    """The reference to a value of a TOML file. Numbers among the keys are places in lists."""
    place = ".".join(quote(key, safe="").replace(".", "%2E") for key in keys)
    return ":".join(("file", quote(path), place, *(quote(pick, safe=".") for pick in picks)))


def find(reference: str) -> str:
    """The secret; where its place is gone, from the variable that stands in for it (see `variable`).

    Raises LookupError that says what is missing, and where.
    """
    kind, _, rest = reference.partition(":")
    words = rest.split(":")
    try:
        if kind == "env":
            text, picks = without_line_end(os.environ[unquote(words[0])]), words[1:]
        else:
            text, picks = _in_file(unquote(words[0]), words[1]), words[2:]
        for pick in picks:
            text = picked(text, unquote(pick))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        if given := os.environ.get(variable(reference)):
            return given
        raise LookupError(f"{shown(reference)} can't be read ({type(error).__name__}: {error})") from error
    return text


def shown(reference: str) -> str:
    """For people: what must be there."""
    kind, _, rest = reference.partition(":")
    words = [unquote(word) for word in rest.split(":")]
    if kind == "env":
        return f"the environment variable {words[0]}"
    return f"{words[1]} in {words[0]}" if len(words) > 1 else reference


def variable(reference: str) -> str:
    """The variable that is asked for the secret itself where its place is gone, as in
    `SECRET_SERVICES_REDIS_DSN_PASSWORD`."""
    kind, _, rest = reference.partition(":")
    words = [unquote(word) for word in rest.split(":")]
    told = "_".join(words[1:] if kind == "file" else words)
    return "SECRET_" + "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in told).upper()


def wanted(reference: str) -> str:
    """For people: what must be there, or the variable that does as well."""
    return f"{shown(reference)}, or else the secret itself in the variable {variable(reference)}"


def picked(text: str, pick: str) -> str:
    """One step from a value to the secret in it, exactly as it is written there. Raises ValueError, IndexError."""
    what, _, which = pick.partition(".")
    if what in SPLIT:
        return SPLIT[what](text)[int(which)]
    if what == "rest":
        return text[1:]
    if what == "query":
        for item in text.partition("?")[2].partition("#")[0].split("&"):
            if item.partition("=")[0] == which:
                return item.partition("=")[2]
        raise ValueError("the URL has no such query")
    if what in ("user", "password"):
        user, password = login(text)
        if user is None:
            raise ValueError("the URL has no user")
        return password if what == "password" else user
    if what == "words":
        return words_password(text)
    marks = {"after": "=", "field": ":", "scheme": " "}
    if what not in marks or marks[what] not in text:
        raise ValueError(f"there is no {pick} in it")
    return text.partition(marks[what])[2].strip()


def login(text: str) -> tuple[str | None, str]:
    """User and password of a URL, as they are written there; the user is None where there is none."""
    whole = text.partition("://")[2].partition("/")[0]
    # An @ may stand in a query; libpq alone lets a password hold "?" and "#".
    before = re.split("[?#]", whole, maxsplit=1)[0]
    found, there, _ = (before if "@" in before else whole).rpartition("@")
    user, _, password = found.partition(":")
    return (user if there else None), password


def words_password(text: str) -> str:
    """The password in the words of libpq (`host=db password='two words'`), as it is written there; else empty."""
    found = _WORDS.search(text) if "://" not in text else None
    return (found["quoted"] or found["plain"] or "") if found else ""


def without_line_end(text: str) -> str:
    """A variable's value without the line ends behind it and the byte order mark before it."""
    return text.removeprefix("\ufeff").rstrip("\r\n")


def _in_file(path: str, place: str) -> str:
    value: Any = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    for key in place.split("."):
        value = value[int(key)] if isinstance(value, list) else value[unquote(key)]
    if not isinstance(value, str):
        raise TypeError("it is no text")
    return value


if __name__ == "__main__":
    try:
        sys.stdout.write(find(sys.argv[1]))
    except LookupError as error:
        sys.exit(str(error))
