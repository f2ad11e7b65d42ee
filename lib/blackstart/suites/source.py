"""What an experiment's file says of itself, read without importing it: listing tasks and finding targets stay cheap."""

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from blackstart.dsl.scan import names
from blackstart.dsl.slug import slug
from blackstart.dsl.strings import said

_NAMED = re.compile(r"^(?:def )?(experiment|command)\b", re.MULTILINE)


@dataclass(frozen=True)
class About:
    """The first paragraph of the docstring, the whole of it, the VARIANTS, and whether `experiment` is defined, or may
    be, for all that can be read; or a `command`, with its own SWITCHES and VALUES: names, and what `--help` says.
    `injectors` are the classes that are derived from Injector."""

    says: str
    doc: str = ""
    variants: tuple[str, ...] = ()
    declares: bool = False
    commands: bool = False
    injectors: tuple[str, ...] = ()
    switches: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


def about(path: Path) -> About:
    """What the file says; a file that can't be read says why."""
    try:
        tree = _tree(path)
    except (SyntaxError, ValueError, OSError) as error:
        return About(f"(can't be read: {error})", declares=True)
    doc = ast.get_docstring(tree) or ""
    says, variants = doc.split("\n\n")[0].replace("\n", " "), tuple(map(str, _literal(tree, "VARIANTS", ())))
    if any(_defines(node, "command") for node in tree.body):
        switches, values = (dict(_literal(tree, name, {})) for name in ("SWITCHES", "VALUES"))
        return About(says, doc, commands=True, switches=switches, values=values)
    injectors = tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef) and _injects(node))
    return About(says, doc, variants, any(_defines(node, "experiment") for node in tree.body), injectors=injectors)


def own_folders() -> list[Path]:
    """Where the user's own files are looked for, in this order."""
    return [Path("experiments"), *map(Path, filter(None, os.environ.get("BLACKSTART_PATH", "").split(os.pathsep)))]


def files(folder: Path) -> list[Path]:
    """The files of a folder of theirs that may define an experiment or an injector."""
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def experiments(folder: Path) -> dict[Path, About]:
    """The experiments in a suite's folder: the files that define `experiment`. What else is there helps them."""
    return {path: told for path, told in _named(folder).items() if told.declares}


def commands(folder: Path) -> dict[Path, About]:
    """Its commands that are no drills: the files that define `command`."""
    return {path: told for path, told in _named(folder).items() if told.commands}


@cache
def _named(folder: Path) -> dict[Path, About]:
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.py"))}
    # To parse a file takes ten times as long as to read it, and most name it nowhere at the beginning of a line.
    named = [path for path, text in texts.items() if _NAMED.search(text)]
    return {path: about(path) for path in named}


def scenarios(path: Path) -> list[str]:
    """The names of a specification's scenarios as they are typed, told without reading it as one: a listing loads no
    grammar. None of what can't be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        return [slug(said(name)) for name in names(text)]
    except (OSError, ValueError):
        return []


def specifications(folder: Path) -> list[Path]:
    """The specifications in a folder, whose scenarios are experiments."""
    return sorted(folder.glob("*.isl"))


def target_named(path: Path) -> str:
    """The `target` that the file's Experiment names; "" where it names none, or several, or computes it."""
    try:
        return _target(_tree(path))
    except (SyntaxError, ValueError, OSError):
        return ""


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())  # a byte order mark, or another encoding, as Python itself reads it


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name == name
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def _injects(node: ast.ClassDef) -> bool:
    return any(_called(base) == "Injector" for base in node.bases)


def _literal(tree: ast.Module, name: str, missing: Any) -> Any:
    """What a name stands for in the file, where that can be read without running it."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            try:
                value = ast.literal_eval(node.value)
                return value if isinstance(value, type(missing) | list) else missing
            except (ValueError, TypeError):
                return missing
    return missing


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
