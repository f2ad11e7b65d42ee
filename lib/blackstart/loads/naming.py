"""Names and keys of loads: what may stand in a history, and what makes keys distinct."""

import re
import uuid

_NAME = re.compile(r"[\w.-]{1,64}")
_PREFIX = re.compile(r"[\w.:/-]{1,100}")


def new_prefix() -> str:
    """A prefix that no other load has had, so that keys are distinct across runs."""
    return f"{uuid.uuid4().hex[:10]}-"


def check_name(name: str) -> None:
    """Raise ValueError for a name that can't stand in the history's `worker` column."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"a load's name is letters, digits, dots and hyphens (64 at most), not {name!r}")


def check_prefix(prefix: str) -> None:
    """Raise ValueError for a prefix that would make keys ambiguous or unreadable."""
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"key_prefix must be 1 to 100 letters, digits or any of . : / - _, not {prefix!r}")
