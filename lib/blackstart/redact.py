"""Secrets never reach the disk or the terminal: what is known to be secret, and what looks like it, is masked."""

import json
import os
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote, urlsplit

MASK = "[redacted]"
_URL_PASSWORD = re.compile(r"(?P<head>[a-z][a-z0-9+.\-]*://[^\s:/@\"']*:)(?P<secret>[^\s@\"']+)(?=@)", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?P<head>\b(?:password|passwd|pwd|secret|token|api[_-]?key|ops[_-]?key|authorization|pgpassword)\b"
    r"\\?[\"']?\s*[=:]\s*\\?[\"']?(?:bearer\s+|basic\s+)?)(?!\d{1,9}\b)(?P<secret>[^\s\"'&,;\\}]+)",
    re.IGNORECASE,
)
_LOOKS_SECRET = re.compile(r"(passw|pwd|secret|token|key|auth(?!or)|credential)", re.IGNORECASE)
_SECRET_FIELDS = ("password", "passwd", "secret", "authorization", "x-ops-key", "x-api-key", "token", "pgpassword")
_LEAST_LENGTH = 4  # shorter values would mask ordinary words
_LEAST_LENGTH_GUESSED = 6


class Redactor:
    """Masks known secrets (in every form in which they may be written) and everything that looks like a secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        self.learn(*secrets)

    def learn(self, *secrets: str) -> None:
        """Secrets that must never be shown; also as they look in URLs and in JSON."""
        for value in secrets:
            if value and len(value) >= _LEAST_LENGTH:
                forms = {value, quote(value, safe=""), json.dumps(value)[1:-1], unquote(value)}
                self._forms.extend(form for form in forms if form not in self._forms)
        self._forms.sort(key=len, reverse=True)

    def learn_url(self, url: str) -> None:
        """The password inside a URL or DSN."""
        try:
            password = urlsplit(url).password
        except ValueError:
            password = None
        if password:
            self.learn(password)

    def learn_environment(self) -> None:
        """Values of environment variables whose names look secret, and passwords in variables that hold URLs."""
        for name, value in os.environ.items():
            if _LOOKS_SECRET.search(name) and len(value) >= _LEAST_LENGTH_GUESSED:
                self.learn(value)
            elif "://" in value:
                self.learn_url(value)

    def scrub(self, value: Any) -> Any:
        """Plain data with every secret in its texts masked; numbers stay as they are."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {
                key: MASK if isinstance(item, str) and key.lower() in _SECRET_FIELDS else self.scrub(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.scrub(item) for item in value]
        return value

    def __call__(self, text: str) -> str:
        """`text` with every secret masked."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        if "://" in text:
            text = _URL_PASSWORD.sub(rf"\g<head>{MASK}", text)
        if _LOOKS_SECRET.search(text):
            text = _ASSIGNED.sub(rf"\g<head>{MASK}", text)
        return text
