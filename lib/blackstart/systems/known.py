"""What is known of a kind of target, whatever experiment touches it: proofs, states that forbid it, its metrics.

A kind has them in `<kind>_links.py` beside this file, as `links(target)`, `forbidding()` and `metrics_pages()`.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from blackstart.expect import Condition
from blackstart.link import Proof
from blackstart.target import Target


def links(target: Target) -> tuple[Proof, ...]:
    """Proofs that the target's services are its own. None for a kind that is not known. Raises BadTarget."""
    return tuple(_asked(target.kind, "links", target))


def forbidding(target: Target) -> tuple[Condition, ...]:
    """In any of these conditions a target of this kind is not touched unless it is allowed by name."""
    return tuple(_asked(target.kind, "forbidding"))


def metrics_page(kind: str) -> str:
    """Where a target of this kind shows its metrics; empty for a kind of which nothing is known."""
    return next(iter(_asked(kind, "metrics_pages")), "")


def _asked(kind: str, function: str, *arguments: Target) -> tuple[Any, ...]:
    name = f"{kind.replace('-', '_')}_links"
    if not name.isidentifier() or not Path(__file__).with_name(f"{name}.py").is_file():
        return ()
    known = getattr(importlib.import_module(f"blackstart.systems.{name}"), function, None)
    return tuple(known(*arguments)) if known else ()
