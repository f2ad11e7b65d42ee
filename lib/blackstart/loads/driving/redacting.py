"""Secrets of a load: masked in whatever it writes down."""

from collections.abc import Callable, Iterable
from functools import lru_cache

from blackstart.base.secrets.redact import Redactor


def redactor(secrets: Iterable[str], urls: Iterable[str] = ()) -> Callable[[str], str]:
    """A mask that knows these secrets and the passwords in these URLs; remembers texts, since most rows repeat them."""
    mask = Redactor(secrets)
    mask.learn_environment()
    for url in urls:
        mask.learn_url(url)
    return lru_cache(maxsize=4096)(mask)
