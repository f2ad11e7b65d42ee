"""What is secret in this run, by where it is. What is written down says where, never what: see `references`.

An undo may need a secret: a password in the command that starts a service again, in a header, in a URL. In memory it
has the secret itself; ledger, undo.json and HEAL.sh have a mark in its place, as in
`{{secret:0:file:/drills/trader.toml:headers.X-Ops-Key}}`. Whoever reads them looks there again.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from blackstart.base.errors import StepFailed
from blackstart.base.secrets import references
from blackstart.base.secrets.redact import MASK, deeper

_MARK = re.compile(r"\{\{secret:(?P<depth>[0-9]):(?P<reference>(?:env|file):[^{}\s'\"\\]+)\}\}")
_LEAST_LENGTH = 4  # as in `redact`: shorter ones would take ordinary words for secrets
_DEEPEST = 2


class SecretPlaceholders:
    """Secrets by their references. `learn` is told of each, so that it is masked wherever else it turns up."""

    def __init__(
        self, secrets: Mapping[str, str] | None = None, learn: Callable[[str], object] = lambda secret: None
    ) -> None:
        self.secrets: dict[str, str] = {}
        self._learn = learn
        for reference, value in (secrets or {}).items():
            self.add(reference, value)

    def add(self, reference: str, value: str) -> None:
        """Keep a secret. Where the same one stands in several places, the first is referred to."""
        if len(value) >= _LEAST_LENGTH and value not in self.secrets.values():
            self.secrets[reference] = value
        self._learn(value)

    def conceal(self, data: Any) -> Any:
        """Plain data with a mark in place of every secret; the names of classes stay (see `codec`)."""
        swaps = sorted(self._swaps(), key=lambda swap: -len(swap[0]))
        return _each_text(data, lambda text: _swapped(text, swaps)) if swaps else data

    def reveal(self, data: Any) -> Any:
        """The data with its secrets again. A mark whose secret can't be found stays: see `demand`."""
        return _each_text(data, lambda text: _MARK.sub(self._value, text) if "{{secret:" in text else text)

    def _value(self, mark: re.Match[str]) -> str:
        reference = mark["reference"]
        if reference not in self.secrets:
            try:
                self.secrets[reference] = references.find(reference)
            except LookupError:
                return mark[0]
            self._learn(self.secrets[reference])
        return deeper(self.secrets[reference], int(mark["depth"]))

    def _swaps(self) -> Iterable[tuple[str, str]]:
        for reference, value in self.secrets.items():
            for depth in range(_DEEPEST + 1 if "'" in value else 1):
                form, mark = deeper(value, depth), f"{{{{secret:{depth}:{reference}}}}}"
                # The password of a database is often its name: only where it is the password is it taken for one.
                head, tail = {"password": (":", "@"), "user": ("//", "@")}.get(reference.rpartition(":")[2], ("", ""))
                yield f"{head}{form}{tail}", f"{head}{mark}{tail}"


def marks(text: str) -> list[tuple[str, int, str]]:
    """Each mark in a text once: as it stands there, its depth and its reference."""
    return list(dict.fromkeys((mark[0], int(mark["depth"]), mark["reference"]) for mark in _MARK.finditer(text)))


def demand(data: Any) -> None:
    """Raise StepFailed, with what is wanted, where plain data still refers to secrets that could not be found."""
    text = json.dumps(data, default=str)
    if lost := list(dict.fromkeys(references.wanted(reference) for _, _, reference in marks(text))):
        raise StepFailed(f"a secret that it needs can't be found: {'; '.join(lost)}. Put it back there, and try again.")


def masked(text: str) -> str:
    """The text with its marks masked: for people."""
    return _MARK.sub(MASK, text)


def _swapped(text: str, swaps: Iterable[tuple[str, str]]) -> str:
    for form, mark in swaps:
        if form in text:
            # Never inside of a mark that is there already: a reference has the words of a path.
            text = "".join(part if _MARK.fullmatch(part) else part.replace(form, mark) for part in _split(text) if part)
    return text


def _split(text: str) -> list[str]:
    parts, at = [], 0
    for mark in _MARK.finditer(text):
        parts += [text[at : mark.start()], mark[0]]
        at = mark.end()
    return [*parts, text[at:]]


def _each_text(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, str):
        return change(data)
    if isinstance(data, dict):
        return {key: item if key == "is" else _each_text(item, change) for key, item in data.items()}
    if isinstance(data, list | tuple):
        return [_each_text(item, change) for item in data]
    return data
