"""What lib/blackstart is built by, read off its source: no central file knows a suite by its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import ROOT

# The modules that records named before their classes had tags: history, to which no suite is added.
_HISTORY = ("record_aliases.py",)


def central_mentions(root: Path) -> list[str]:
    """Where a file below `root` (a `blackstart` package) but outside of its `suites` names one: `path:line: text`.

    Looked for in identifiers, imports and strings; docstrings and comments may give examples.
    """
    named = [re.escape(path.parent.name).replace("_", "[-_]") for path in root.glob("suites/*/system.py")]
    suite = re.compile("|".join(named), re.IGNORECASE)
    found = []
    for path in sorted(root.rglob("*.py")):
        where = path.relative_to(root)
        of_a_suite = where.parts[0] == "suites" and len(where.parts) > 2
        if not of_a_suite and where.name not in _HISTORY:
            texts = _texts(ast.parse(path.read_text(encoding="utf-8")))
            found += [f"{where}:{line}: {text}" for line, text in texts if suite.search(text)]
    return found


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield line, node.value
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            if isinstance(text := getattr(node, field, None), str):
                yield line, text


def test_no_central_file_names_a_suite() -> None:
    assert central_mentions(ROOT / "lib" / "blackstart") == []


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ('"""As a corner-shop does."""\n# or a corner_shop\n', False),
        ('KINDS = ("corner-shop",)\n', True),
        ("from blackstart.suites.corner_shop import link\n", True),
        ("def corner_shop_only() -> None: ...\n", True),
        ('def told(kind: str) -> str:\n    """Of a corner-shop."""\n    return f"no {kind}"\n', False),
        ('def told(kind: str) -> str:\n    return f"no corner-shop but {kind}"\n', True),
    ],
)
def test_a_mention_of_a_suite_is_seen_wherever_it_is_more_than_an_example(
    tmp_path: Path, source: str, seen: bool
) -> None:
    (tmp_path / "suites" / "corner_shop").mkdir(parents=True)
    (tmp_path / "suites" / "corner_shop" / "system.py").write_text('SYSTEM = "corner-shop"\n')
    (tmp_path / "central.py").write_text(source)
    assert bool(central_mentions(tmp_path)) is seen
