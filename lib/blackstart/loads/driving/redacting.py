"""Secrets of a load: read from the environment when it starts, masked in whatever it writes down."""

import os
from collections.abc import Callable, Iterable
from functools import lru_cache

from blackstart.base.secrets.redact import Redactor


def secret(reference: str) -> str:
    """The value behind `env:NAME`, or the text itself. Raises ValueError where the variable is not set."""
    if not reference.startswith("env:"):
        return reference
    if reference[4:] not in os.environ:
        raise ValueError(f"the environment variable {reference[4:]} is not set (the load refers to it as {reference})")
    return os.environ[reference[4:]]


def redactor(secrets: Iterable[str], urls: Iterable[str] = ()) -> Callable[[str], str]:
    """A mask that knows these secrets and the passwords in these URLs; remembers texts, since most rows repeat them."""
    mask = Redactor(secrets)
    mask.learn_environment()
    for url in urls:
        mask.learn_url(url)
    return lru_cache(maxsize=4096)(mask)
