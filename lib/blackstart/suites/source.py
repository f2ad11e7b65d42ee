"""What an experiment's file says of itself, read without importing it: listing tasks and finding targets stay cheap."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_NAMED = re.compile(r"^(?:def )?experiment\b", re.MULTILINE)


@dataclass(frozen=True)
class About:
    """The first paragraph of the docstring, the whole of it, the VARIANTS, and whether `experiment` is defined, or may
    be, for all that can be read."""

    says: str
    doc: str = ""
    variants: tuple[str, ...] = ()
    declares: bool = False


def about(path: Path) -> About:
    """What the file says; a file that can't be read says why."""
    try:
        tree = _tree(path)
    except (SyntaxError, ValueError, OSError) as error:
        return About(f"(can't be read: {error})", declares=True)
    doc = ast.get_docstring(tree) or ""
    return About(doc.split("\n\n")[0].replace("\n", " "), doc, _variants(tree), any(map(_declares, tree.body)))


@cache
def experiments(folder: Path) -> dict[Path, About]:
    """The experiments in a suite's folder: the files that define `experiment`. What else is there helps them."""
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.py"))}
    # To parse a file takes ten times as long as to read it, and most name it nowhere at the beginning of a line.
    named = [path for path, text in texts.items() if _NAMED.search(text)]
    return {path: told for path in named if (told := about(path)).declares}


def target_named(path: Path) -> str:
    """The `target` that the file's Experiment names; "" where it names none, or several, or computes it."""
    try:
        return _target(_tree(path))
    except (SyntaxError, ValueError, OSError):
        return ""


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())  # a byte order mark, or another encoding, as Python itself reads it


def _declares(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == "experiment"
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == "experiment" for target in targets)


def _variants(tree: ast.Module) -> tuple[str, ...]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "VARIANTS":
            try:
                return tuple(map(str, ast.literal_eval(node.value)))
            except (ValueError, TypeError):
                return ()
    return ()


def _target(tree: ast.Module) -> str:
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) == "Experiment":
            given = [keyword.value for keyword in node.keywords if keyword.arg == "target"] or node.args[1:2]
            constants = [value.value for value in given if isinstance(value, ast.Constant)]
            named.update(value for value in constants if isinstance(value, str))
    return named.pop() if len(named) == 1 else ""


def _called(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
