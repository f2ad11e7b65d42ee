"""The mask for what a load writes down: the secrets in its headers, and what looks like one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from blackstart.loads.driving.prepared import Prepared
from blackstart.redact import Redactor


def redactor(operations: Sequence[Prepared]) -> Callable[[str], str]:
    """A mask that knows the secrets of these operations; remembers texts, since most rows repeat them."""
    mask = Redactor()
    mask.learn_environment()
    for operation in operations:
        mask.learn(*operation.secrets)
        mask.learn_url(operation.operation.url)
    return lru_cache(maxsize=4096)(mask)
