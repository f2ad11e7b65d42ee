"""What an HTTP endpoint says: its status, a field of its JSON, its text."""

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.env import secret
from blackstart.base.secrets.redact import Redactor
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Picked, Reader, ReadingKind
from blackstart.model.target import Target
from blackstart.probes.read import whole_number

Pairs = tuple[tuple[str, str], ...]
MAX_BODY_BYTES = 4 * 1024 * 1024
# Parsed answers that several probes share; larger ones are not kept.
_SHARED_BYTES = 64 * 1024
_BAD_STATUS = 400
# A login, or a form of the answer, that is ours to name.
_OURS = (401, 403, 406, 407)
_LOGIN = (401, 403)
_REDIRECT = range(300, 400)
_BARE_INFINITY = re.compile(r"(?<=: )-?inf(?=[,}])")


def pairs(items: Mapping[str, str] | Iterable[tuple[str, str]]) -> Pairs:
    """Names and values in one order, so that equal ones are equal and can be hashed."""
    return tuple(
        sorted((str(name), str(value)) for name, value in (items.items() if isinstance(items, Mapping) else items))
    )


def target_headers(target: Target, url: str) -> Pairs:
    """The target's headers for a URL of its own; a stranger never gets them. Raises BadTarget for a missing secret."""
    bases = [target.api, *(service.url for service in target.services.values())]
    if not any(base and (url == base or url.startswith(base.rstrip("/") + "/")) for base in bases):
        return ()
    for reference in target.headers.values():
        secret(reference)  # fails here rather than in the middle of a run
    return pairs(target.headers)


@plain("endpoint.http_get")
class HttpGet:
    """GET of one URL. Header values may be `env:NAME` and are looked up when the reader is opened.

    Where `series` are named, a page of them may be longer than `max_bytes`: of such a one only they are kept.
    """

    url: str
    headers: Pairs = ()
    max_bytes: int = MAX_BODY_BYTES
    series: tuple[str, ...] = ()
    loads: ClassVar[tuple[str, ...]] = ("blackstart.probes.http_client",)

    def open(self) -> Reader:
        """A reader that keeps its connection. Raises BadTarget for a URL that is none or a missing variable."""
        from blackstart.probes.http_client import HttpReader  # noqa: PLC0415  (declarations load no client)

        headers = [(name, secret(value)) for name, value in self.headers]
        return HttpReader(self.url, headers, self.max_bytes, self.series)

    def joined(self, other: object) -> "HttpGet | None":
        """One that reads what both do, where they differ in their series alone."""
        if not isinstance(other, HttpGet) or not (self.series and other.series):
            return None
        both = replace(self, series=tuple(sorted({*self.series, *other.series})))
        return both if replace(other, series=both.series) == both else None

    def tell(self, reader: Reader) -> None:
        """Which series are wanted of a long page."""
        reader.want(self.series)  # type: ignore[attr-defined]

    def describe(self) -> str:
        """`GET http://localhost:8000/ready`, without secrets."""
        return Redactor()(f"GET {self.url}")


class OverHttp(Conditions):
    """Mixed into every probe of one URL: `path` and `headers` become those of the target."""

    path: str
    headers: Pairs

    def bind(self, target: Target) -> Self:
        """The probe with its whole URL and the target's headers."""
        url = target.url(self.path)
        headers = self.headers or target_headers(target, url)
        return replace(self, path=url, headers=headers)  # type: ignore[type-var]

    def endpoint(self) -> HttpGet:
        """GET of the URL."""
        return HttpGet(self.path, self.headers)


@plain("probe.http_status")
class HttpStatus(OverHttp):
    """The status code of a GET: a number. A redirect is 302, not where it leads."""

    path: str
    name: str = ""
    headers: Pairs = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"status of {self.path}")

    def pick(self, answer: Answer) -> Picked:
        """The status."""
        return "value", answer.status, status_note(answer, self.headers) if answer.status in _LOGIN else ""


@plain("probe.http_json")
class HttpJson(OverHttp):
    """One field of a JSON answer, whatever the status: `field` is a dotted path, with numbers for places in a list.

    Alternatives are separated by `|`, as in `is_paused|paused`: the first that is there counts. `repr_in` names a text
    field that may end in a Python dict (`"error: 503: {...}"`), where the field is looked for if it is not there
    otherwise. A missing field is `absent`, one with several values `unreadable`; with a status from 400 up both are
    `malformed`, but for a login or form that is ours to name (401, 403, 406, 407).
    """

    path: str
    field: str
    name: str = ""
    repr_in: str = ""
    headers: Pairs = ()

    def __post_init__(self) -> None:
        if not all(self.field.split("|")):
            raise ValueError(f"a field must be a path, as in status or orders.0.id, not {self.field!r}")
        object.__setattr__(self, "name", self.name or f"{self.field} of {self.path}")

    def pick(self, answer: Answer) -> Picked:
        """The field's value: text, number, truth value or None."""
        if answer.status in _REDIRECT:
            return bad_status(answer), None, status_note(answer, self.headers)
        try:
            data = parse_json(answer.body)
        except ValueError as error:
            return no_json(answer, error, self.headers)
        places, refused = [data], (answer.status or 0) >= _BAD_STATUS
        kind: ReadingKind
        if self.repr_in:
            places.append(inner_repr(data, self.repr_in))
        for place in places:
            for path in self.field.split("|"):
                found, value = look_up(place, path)
                if found and isinstance(value, dict | list):
                    kind = bad_status(answer) if refused else "unreadable"
                    return kind, None, f"{path} is a {type(value).__name__}, not a single value"
                if found:
                    return "value", value, ""
        kind = bad_status(answer) if refused else "absent"
        told = status_note(answer, self.headers)
        return kind, None, f"{told}, no field {self.field.replace('|', ' or ')}"


@plain("probe.http_text")
class HttpText(OverHttp):
    """The text of an answer as it stands, for final states that a check reads. A status from 400 up is malformed,
    one of 401, 403, 406, 407 unreadable."""

    path: str
    name: str = ""
    headers: Pairs = ()
    max_bytes: int = MAX_BODY_BYTES

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"text of {self.path}")

    def endpoint(self) -> HttpGet:
        """GET of the URL."""
        return HttpGet(self.path, self.headers, self.max_bytes)

    def pick(self, answer: Answer) -> Picked:
        """The text."""
        if answer.status in _REDIRECT or (answer.status or 0) >= _BAD_STATUS:
            return bad_status(answer), None, status_note(answer, self.headers)
        try:
            return "value", answer.body.decode("utf-8"), ""
        except UnicodeDecodeError as error:
            return "unreadable", None, f"not UTF-8: {error.reason} at byte {error.start}"


def bad_status(answer: Answer) -> ReadingKind:
    """What an answer is that is not the one to read, by its status."""
    return "unreadable" if answer.status in _OURS or answer.status in _REDIRECT else "malformed"


def status_note(answer: Answer, headers: Pairs) -> str:
    """`status 503`; where a login is refused, also by which header it was asked for, or that there was none."""
    if answer.status in _REDIRECT:
        return f"status {answer.status}, a redirect, which is not followed: name the path that it leads to"
    if answer.status not in _LOGIN:
        return f"status {answer.status}"
    names = ", ".join(name for name, _ in headers)
    without = 'without a header of the target file, as headers = { X-Ops-Key = "env:OPS_KEY" } would be'
    return f"status {answer.status} {f'with the header {names}' if names else without}"


def parse_json(body: bytes) -> Any:
    """The JSON in `body`. Raises ValueError; also for one that is nested too deeply."""
    return _parse_shared(body) if len(body) <= _SHARED_BYTES else _parse(body)


def no_json(answer: Answer, error: ValueError, headers: Pairs = ()) -> Picked:
    """The reading of what `parse_json` raised: an encoding or depth that we don't read is not the target's failure."""
    beyond_us = isinstance(error, UnicodeDecodeError) or isinstance(error.__cause__, RecursionError)
    ours = beyond_us and (answer.status or 0) < _BAD_STATUS
    what = "" if (answer.status or 0) >= _BAD_STATUS else f", not JSON: {error}"  # an error's own page is any text
    return "unreadable" if ours else bad_status(answer), None, f"{status_note(answer, headers)}{what}"


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise
    except ValueError:  # a whole number of more digits than Python takes, and maybe not the one that is asked for
        return json.loads(body, parse_int=whole_number)


_parse_shared = lru_cache(maxsize=8)(_parse)


def look_up(data: Any, path: str) -> tuple[bool, Any]:
    """Whether `path` (dots, and numbers for places in a list) is in `data`, and what is there."""
    for part in path.split("."):
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and part.isascii() and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        else:
            return False, None
    return True, data


def inner_repr(data: Any, field: str) -> Any:
    """The Python dict that a text field ends in, or None."""
    found, text = look_up(data, field)
    if not found or not isinstance(text, str) or "{" not in text:
        return None
    try:
        # A heartbeat that was never seen prints as `inf`, which is no Python literal.
        return ast.literal_eval(_BARE_INFINITY.sub("1e999", text[text.index("{") :]))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
