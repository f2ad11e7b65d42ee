"""Secrets never reach the disk or the terminal: what is known to be secret, and what looks like it, is masked."""

import base64
import html
import json
import os
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from blackstart.base.secrets import references

MASK = "[redacted]"
_URL_PASSWORD = re.compile(r"(?P<head>[a-z][a-z0-9+.\-]*://[^\s:/@\"']*:)(?P<secret>[^\s@/\"']+)(?=@)", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?P<head>\b(?:password|passwd|pwd|secret|token|api[_-]?key|ops[_-]?key|authorization|pgpassword)\b"
    r"(?:\\?[\"']?\s*[=:]\s*\\?[\"']?|\s+is:?\s+(?!not\b|no\b|an?\b|the\b|missing|empty|wrong|unknown|invalid)\\?[\"']?)"
    r"(?:bearer\s+|basic\s+)?)(?P<secret>[^\s\"'&,;\\}]+)",
    re.IGNORECASE,
)
# The same behind more of a variable's name, as in `export REDIS_PASSWORD=…`.
_VARIABLE = re.compile(
    r"(?P<head>(?:\b|(?<=-e))[A-Z][A-Z0-9_]*_(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|SECRET_KEY)=\\?[\"']?)"
    r"(?P<secret>[^\s\"'&,;\\}]{4,})"
)
_VARIABLE_ENDS = ("_PASSWORD=", "_PASSWD=", "_SECRET=", "_TOKEN=", "KEY=")
# What a client sends for `user:password@` in a URL, wherever it is quoted.
_BASIC = re.compile(r"(?P<head>\bbasic\s+)(?P<secret>[A-Za-z0-9+/]{6,}={0,2})(?![\w/+])", re.IGNORECASE)
_LOOKS_SECRET = re.compile(r"(passw|pwd|secret|token|key|authorization|basic)", re.IGNORECASE)
# Which environment variables hold secrets: by what their names contain, and by whole parts of their names.
SECRET_NAME = re.compile(
    r"passw|passphrase|pwd|secret|token|apikey|credential|signature|webhook|(?:^|[_.-])(?:key|auth|pass|sig)(?:[_.-]|$)",
    re.IGNORECASE,
)
_NO_SECRETS = ("PWD", "OLDPWD")
# What such a name may hold and is none: a switch or a way to log in, a file, what a shell puts in. Masked, it would be
# so wherever that word stands.
NO_SECRET = re.compile(
    r"(?:true|false|none|null|yes|on|off|default|trust|peer|ident|md5|scram-sha-256|required|optional"
    r"|(?:~|\.{1,2})?/[\w@./-]*\.\w+|/(?:run|etc|var|tmp|home|root|usr|opt|srv|mnt|dev)/.*"
    r"|\$(?:\{?[A-Z_][A-Z0-9_]*\}?|\(.*))\Z",
    re.DOTALL,
)
# A fencing token is a small number, and no secret.
_SMALL_NUMBER = re.compile(r"\d{1,9}")
_CLASS_NAME = re.compile(r"[a-z_]+(\.[a-z0-9_]+)?|user:[0-9a-f]{16}:[\w.]+")
_SECRET_FIELDS = ("password", "passwd", "secret", "authorization", "x-ops-key", "x-api-key", "token", "pgpassword")
# What is not percent-encoded, beside letters, digits, `_.-` and mostly `~`: in a query, in a path, by
# encodeURIComponent and encodeURI of JavaScript, in a user or password by Go, in a form by browsers and Java.
_LEFT_IN_URLS = ("", "/", "!'()*", "!'()*;/?:@&=+$,#", "$&+,;=", "*")
_HEX = re.compile(r"%[0-9A-F]{2}|(?<=\\u)[0-9a-f]{4}")
# What JSON need not escape: PHP does the slash, others what could end a script in a page (Go and Ruby, Gson, .NET).
_ESCAPED_IN_JSON = [
    str.maketrans({"/": r"\/"}),
    *(
        str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in signs})
        for signs in ("&<>\u2028\u2029", "&<>\u2028\u2029='")
    ),
]
_ESCAPED_BY_DOTNET = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "&<>'+`"})
_LEAST_LENGTH = 4  # shorter values would mask ordinary words
_DEEPEST = 3  # a command over SSH in HEAL.sh
_REMEMBERED = 4096
_REMEMBERED_LENGTH = 80
_LEAST_LENGTH_GUESSED = 6


class Redactor:
    """Masks known secrets (in every form in which they may be written) and everything that looks like a secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        self._seen: dict[str, str] = {}
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Secrets that must never be shown; also as they look in URLs and in JSON."""
        for value in secrets:
            if value and len(value) >= _LEAST_LENGTH:
                self._forms.extend(form for form in _forms(value) if form not in self._forms)
        self._forms.sort(key=len, reverse=True)
        self._seen.clear()

    def learn_url(self, url: str) -> None:
        """The password inside a URL or DSN, also as HTTP sends it; and what its query names like a secret."""
        user, password = references.login(url)
        _, _, behind = url.partition("://")
        if user is None and "@" in behind:  # one that is not encoded, as in `redis://:a/b@host`
            user, _, password = behind.rpartition("@")[0].partition(":")
        if password:
            self.learn(password, _encoded(f"{unquote(user or '')}:{unquote(password)}"))
        elif user and url.lower().startswith(("http://", "https://")):  # a token in the place of a user
            self.learn(user, _encoded(f"{unquote(user)}:"))
        self.learn(references.words_password(url))
        for item in behind.partition("?")[2].partition("#")[0].split("&"):
            name, _, value = item.partition("=")
            if SECRET_NAME.search(name):
                self.learn(value)

    def learn_environment(self) -> None:
        """Values of environment variables whose names look secret, and passwords in variables that hold URLs."""
        for name, text in os.environ.items():
            value = references.without_line_end(text)
            if "://" in value or "password" in value:
                self.learn_url(value)
            # A path that is there is where a secret lies, not the secret; masked, it would spoil all that names it.
            if SECRET_NAME.search(name) and name not in _NO_SECRETS and not _is_path(value):
                self.learn(*([value] if len(value) >= _LEAST_LENGTH_GUESSED else []))

    def scrub(self, value: Any) -> Any:
        """Plain data with every secret in its texts masked; numbers stay as they are."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {
                key if not isinstance(key, str) else self(key): self._item(key, item) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.scrub(item) for item in value]
        return value

    def _item(self, key: Any, item: Any) -> Any:
        if key == "is" and isinstance(item, str) and _CLASS_NAME.fullmatch(item):
            return item  # the name of a class (see `codec`): masked, nobody could judge the record again
        if key == "env" and isinstance(item, dict):  # what a command or a load is given, literally
            self.learn(*(text for name, text in item.items() if _is_literal_secret(name, text)))
        return MASK if isinstance(item, str) and str(key).lower() in _SECRET_FIELDS else self.scrub(item)

    def __call__(self, text: str) -> str:
        """`text` with every secret masked."""
        if len(text) > _REMEMBERED_LENGTH:
            return self._mask(text)
        # Fifty times a second the same names and words come by: remembering them keeps the journal cheap.
        known = self._seen.get(text)
        if known is None:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            known = self._seen[text] = self._mask(text)
        return known

    def _mask(self, text: str) -> str:
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\g<head>{MASK}", text)
        if _LOOKS_SECRET.search(text):
            text = _ASSIGNED.sub(_masked, text)
            if any(end in text for end in _VARIABLE_ENDS):  # cheaper than the pattern, which nearly no text has
                text = _VARIABLE.sub(_masked, text)
            text = _BASIC.sub(_basic, text)
        return text


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode().rstrip("=")


def _basic(match: re.Match[str]) -> str:
    try:
        plain = base64.b64decode(match["secret"] + "==")
    except ValueError:
        return match[0]
    return f"{match['head']}{MASK}" if b":" in plain else match[0]


def _is_literal_secret(name: Any, value: Any) -> bool:
    literal = isinstance(value, str) and not value.startswith("env:") and not NO_SECRET.match(value)
    return literal and bool(SECRET_NAME.search(str(name)))


def _is_path(value: str) -> bool:
    return value.startswith("/") and os.path.exists(value)


def _masked(match: re.Match[str]) -> str:
    if match["secret"] in ("null", "None", "true", "false"):
        return match[0]
    if match.re is _VARIABLE and NO_SECRET.match(match["secret"]):
        return match[0]
    if match["head"].lower().startswith("token") and _SMALL_NUMBER.fullmatch(match["secret"]):
        return match[0]
    return f"{match['head']}{MASK}"


def deeper(text: str, depth: int) -> str:
    """The text as it stands within so many levels of a shell's single quotes."""
    for _ in range(depth):
        text = text.replace("'", "'\"'\"'")
    return text


def _forms(secret: str) -> set[str]:
    """The secret as it may stand in URLs, JSON, Python, shell and HTML, and all of these inside of JSON."""
    forms = {secret, unquote(secret), _encoded(secret), repr(secret)[1:-1], html.escape(secret)}
    forms |= {
        html.escape(secret, quote=False),
        html.escape(secret).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    }
    forms |= {deeper(secret, depth) for depth in range(1, _DEEPEST + 1)}
    for safe in _LEFT_IN_URLS:
        for quoted in (quote, quote_plus):
            # A value of the environment need not be UTF-8.
            form = quoted(secret, safe, errors="surrogateescape")
            forms |= {one for form in (form, form.replace("~", "%7E")) for one in (form, _HEX.sub(_lower, form))}
    for ascii_only in (True, False):
        once = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        forms |= {once.translate(escaped) for escaped in _ESCAPED_IN_JSON}
        forms.add(_HEX.sub(_upper, once.translate(_ESCAPED_BY_DOTNET).replace('\\"', "\\u0022")))
    for form in tuple(forms):
        for ascii_only in (True, False):
            once = json.dumps(form, ensure_ascii=ascii_only)[1:-1]
            forms |= {once, json.dumps(once, ensure_ascii=ascii_only)[1:-1]}
    return {form for form in forms if len(form) >= _LEAST_LENGTH}


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()


def _upper(match: re.Match[str]) -> str:
    return match[0].upper()
