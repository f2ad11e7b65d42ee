"""Where secrets stand in a target file and in the flags: each with the reference that leads there again. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from blackstart.base.secrets import references
from blackstart.base.secrets.redact import NO_SECRET, SECRET_NAME

Place = tuple[str, str]
"""A reference and the secret."""

# Headers that every client sends, and that tell nothing.
_OPEN_HEADERS = re.compile(
    r"(?:accept|cache-control|connection|content|expect|host|origin|pragma|referer|te|upgrade|user-agent|via"
    r"|x-(?:request|correlation|trace)-id)(?:-.*)?\Z",
    re.IGNORECASE,
)
_OPTION = re.compile(r"--?[A-Za-z][\w.-]*\Z")
_ASSIGNED = re.compile(r"-{0,2}(?P<name>[A-Za-z_][\w.-]*)=.+\Z", re.DOTALL)
_SECRET_OPTION = re.compile(
    r"(?!--?(?:no|max)-)--?(?:[^=]*(?:(?<!by)pass(?!ive|-?thr)|secret|token|api-?key|credential)[^=]*"
    r"|masterauth|pw|auth|key|(?:[^=]*-)?(?:jwt|bearer|private-?key))\Z",
    re.IGNORECASE,
)
# Called like secrets as well, and saying where one is, of what kind, or for how long.
_OPEN_OPTION = re.compile(
    r".*(?:file|[-_.](?:path|dir|name|type|ttl|port|stdin|policy|method|timeout))\Z", re.IGNORECASE
)
# To whom -a is a password: to others it is "attach", or "all".
_ASK_BY_A = re.compile(r"(?:.*/)?(?:[\w-]+-(?:cli|benchmark)|https?)\Z")
# Called like secrets, and none: the name of a header, and routes. Masked, they would be so wherever that word stands.
_OPEN_KEYS = ("key_header", "refuse_tokens", "accept_tokens")
_HEADER_OPTIONS = ("-H", "--header")
# `user:password` to curl; to others, such as `docker run`, it is a user and a group.
_CURL = re.compile(r"(?:.*/)?curl\Z")
_CURL_LOGIN = re.compile(r"(?:-[uU]|--(?:proxy-)?user)\Z")
_CURL_LOGIN_IN_ONE = re.compile(r"(?:-[uU]|--(?:proxy-)?user=)[^:]*:.")
_SHELL = re.compile(r"-[A-Za-z]*c\Z")
_DEEPEST = 3  # words within a word


def is_secret_header(name: str) -> bool:
    """Whether what a target sends in that header may be a secret: all that not every client sends."""
    return not _OPEN_HEADERS.match(name)


def in_table(table: Mapping[str, Any], path: str, facts: Collection[str] = ()) -> dict[str, str]:
    """The secrets of a target file, by reference. `facts` are those that a suite knows, as a lock's key: they are
    none."""
    told = table.get("facts")
    if isinstance(told, Mapping):
        table = {**table, "facts": {name: value for name, value in told.items() if name not in facts}}
    return dict(_in(table, path, ()))


def in_flags(given: Mapping[str, str]) -> dict[str, str]:
    """The secrets in flags; `given` maps environment names to values, wherever these came from."""
    return {
        references.env(name, *picks): secret
        for name, value in given.items()
        for picks, secret in (
            *_in_url(value),
            *(_in_line(value, "word") if name.endswith("_COMMAND") else ()),
            *([((), value)] if SECRET_NAME.search(name) else ()),  # as a webhook's URL is, the whole of it
        )
    }


def _in(value: Any, path: str, keys: tuple[str, ...]) -> Iterator[Place]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _in(item, path, (*keys, str(key)))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        words = [item if isinstance(item, str) else "" for item in value]
        for number, picks, secret in _in_words(words):
            yield references.file(path, (*keys, str(number)), *picks), secret
        for number, item in enumerate(value):
            yield from _in(item, path, (*keys, str(number)))
    elif isinstance(value, str) and value and not value.startswith("env:"):
        for picks, secret in _in_text(value, keys):
            yield references.file(path, keys, *picks), secret


def _in_text(value: str, keys: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    yield from _in_url(value)
    if len(keys) > 1 and keys[-2] == "headers":
        if is_secret_header(keys[-1]):
            yield (), value
            if " " in value:  # Bearer, Basic
                yield ("scheme",), value.partition(" ")[2].strip()
    elif SECRET_NAME.search(keys[-1]) and "://" not in value and keys[-1] not in _OPEN_KEYS:
        if not NO_SECRET.match(value):
            yield (), value
    elif keys[-1] in ("abort", "start", "process") or len(keys) > 1 and keys[-2] == "env":
        yield from _in_line(value, "word")


def _in_url(value: str) -> Iterator[tuple[tuple[str, ...], str]]:
    scheme, there, rest = value.partition("://")
    if not there and references.words_password(value):
        yield ("words",), references.words_password(value)
    if not there or " " in scheme:
        return
    name, password = references.login(value)
    if password:
        yield ("password",), password
    elif name and scheme.lower() in ("http", "https"):  # a token in the place of a user
        yield ("user",), name
    for item in rest.partition("?")[2].partition("#")[0].split("&"):
        key, _, text = item.partition("=")
        if text and SECRET_NAME.search(key):
            yield (f"query.{key}",), text


def _in_line(
    text: str, pick: str, depth: int = 0, ahead: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """`ahead` are words that stand before the line."""
    try:
        words = references.SPLIT[pick](text)
    except ValueError:
        return
    for number, picks, secret in _in_words((*ahead, *words), depth):
        if number >= len(ahead):
            yield (f"{pick}.{number - len(ahead)}", *picks), secret


def _in_words(words: Sequence[str], depth: int = 0) -> Iterator[tuple[int, tuple[str, ...], str]]:
    for number, word in enumerate(words):
        for picks, secret in _in_word(word, words[:number], depth):
            yield number, picks, secret


def _in_word(word: str, earlier: Sequence[str], depth: int) -> Iterator[tuple[tuple[str, ...], str]]:
    before = earlier[-1] if earlier else ""
    assigned = _ASSIGNED.match(word)
    value = word.partition("=")[2].strip()
    if _wants_secret(before, earlier) and not _OPTION.match(word) and word:
        if not NO_SECRET.match(word):
            yield (), word
        return
    head, colon, field = word.partition(":")
    in_header = before in _HEADER_OPTIONS and colon and is_secret_header(head)
    if in_header or _is_curls_login(word, earlier):
        yield ("field",), field.strip()
    elif re.match(r">.*\w", word) and _in_acl(earlier):
        yield ("rest",), word[1:]
    elif depth < _DEEPEST and re.search(r"\s", word):
        # A line of a shell; behind --user, the rules of a user of Redis, whose passwords begin with >.
        rules = before == "--user"
        yield from _in_line(word, "word" if rules else "shell", depth + 1, (before,) if rules else ())
    if assigned and _is_secret(assigned["name"]):
        if not NO_SECRET.match(value) and not _SHELL.match(before):  # of `sh -c "PASSWORD=… exec x"` see above
            yield ("after",), value
    elif assigned and depth < _DEEPEST:  # as in --env=REDIS_PASSWORD=…
        for picks, secret in _in_word(value, (), depth + 1):
            yield ("after", *picks), secret
    yield from _in_url(word)


def _is_curls_login(word: str, earlier: Sequence[str]) -> bool:
    behind = bool(earlier) and _CURL_LOGIN.match(earlier[-1]) and ":" in word
    return bool(behind or _CURL_LOGIN_IN_ONE.match(word)) and any(map(_CURL.match, earlier))


def _in_acl(earlier: Sequence[str]) -> bool:
    options = [number for number, word in enumerate(earlier) if word.startswith("--")]
    return bool(options) and earlier[options[-1]] == "--user" and len(earlier) > options[-1] + 1


def _wants_secret(option: str, earlier: Sequence[str]) -> bool:
    if option == "-a":
        return any(_ASK_BY_A.match(word) for word in earlier)
    return bool(_SECRET_OPTION.match(option)) and not _OPEN_OPTION.match(option)


def _is_secret(name: str) -> bool:
    named = SECRET_NAME.search(name) or _SECRET_OPTION.match(f"--{name}")
    return bool(named) and not _OPEN_OPTION.match(name)
