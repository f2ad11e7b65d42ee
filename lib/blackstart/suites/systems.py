"""What is known of a kind of target, whatever experiment touches it. A suite is a folder beside this file.

Its `system.py` has the descriptor, `SYSTEM`. Its `link.py`, where there is one, may have `links(target)`, the proofs
that the target's services are its own, `forbidding()`, the conditions in which it is not touched unless allowed, and
`tried(target)`, facts that are tried where a target does not say them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blackstart.model.system import System

if TYPE_CHECKING:
    from blackstart.model.expect import Condition
    from blackstart.model.link import Proof
    from blackstart.model.target import Target

_HERE = Path(__file__).parent


def kinds() -> list[str]:
    """Every kind that has a suite."""
    return sorted(path.parent.name.replace("_", "-") for path in _HERE.glob("*/system.py"))


@cache
def of(kind: str) -> System:
    """What is known of that kind; of one without a suite, what holds of any. Imports that suite's descriptor alone."""
    return importlib.import_module(_module(kind, "system")).SYSTEM if kind in kinds() else System(kind)


def links(target: Target) -> tuple[Proof, ...]:
    """Proofs that the target's services are its own. None for a kind that is not known. Raises BadTarget."""
    return tuple(_asked(target.kind, "links", target))


def forbidding(target: Target) -> tuple[Condition, ...]:
    """In any of these conditions a target of this kind is not touched unless it is allowed by name."""
    return tuple(_asked(target.kind, "forbidding"))


def tried(target: Target) -> tuple[tuple[Mapping[str, Any], Condition], ...]:
    """Facts that are tried where a target does not say them, each group with the condition that proves it."""
    return tuple(_asked(target.kind, "tried", target))


def _asked(kind: str, function: str, *arguments: Target) -> tuple[Any, ...]:
    if kind not in kinds() or not (folder(kind) / "link.py").is_file():
        return ()
    known = getattr(importlib.import_module(_module(kind, "link")), function, None)
    return tuple(known(*arguments)) if known else ()


def folder(kind: str) -> Path:
    """Where its suite is, or would be."""
    return _HERE / kind.replace("-", "_")


def _module(kind: str, name: str) -> str:
    return f"{__package__}.{kind.replace('-', '_')}.{name}"
