"""What lib/blackstart is built by, read off its source: rooms whose imports run downhill, and no central file that
knows a suite by its name. The order of the rooms is that of the drawing in docs/design.md."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.environment import ROOT

# The modules that records named before their classes had tags: history, to which no suite is added.
_HISTORY = ("record_aliases.py",)
PACKAGE = ROOT / "lib" / "blackstart"
# At the root: the package itself, and the one module that people import.
AT_THE_ROOT = {"__init__", "__main__", "helpers"}
# A file's name is its role in the folder of a suite, or of a lab, which may have each; the language's, anywhere.
ROLES = {"suites/*": {"system.py", "readings.py", "link.py"}, "*": {"lab.py", "options.py"}}
LANGUAGE = {"__init__.py", "__main__.py"}
# Python files as long, and functions as long, as any may be; what they should be is less (docs/design.md).
LINES, FUNCTION_LINES = 400, 60


def rooms() -> list[str]:
    """The rooms, from the top floor down, as the page draws them."""
    return re.findall(r"^(\w+)/ ", (ROOT / "docs" / "design.md").read_text(encoding="utf-8"), re.MULTILINE)


def imports(root: Path) -> dict[str, dict[str, str]]:
    """For each module below `root` (a `blackstart` package), the modules of the package that it imports anywhere in its
    text, each with the place: `safety.lock` → {`base.errors`: `safety/lock.py:7`}. The package itself is ""."""
    parts = {path: path.relative_to(root).with_suffix("").parts for path in sorted(root.rglob("*.py"))}
    modules = {".".join(part for part in names if part != "__init__"): path for path, names in parts.items()}
    found: dict[str, dict[str, str]] = {module: {} for module in modules}
    for module, path in modules.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = list(_imported(node, path.relative_to(root)))
            for name in (name.removeprefix("blackstart").lstrip(".") for name in names if _ours(name)):
                there = name if name in modules else name.rpartition(".")[0]
                if there != module:
                    found[module][there] = f"{path.relative_to(root)}:{node.lineno}"
    return found


def _imported(node: ast.AST, where: Path) -> Iterator[str]:
    """What it imports, by its whole name: also relatively, and by `import_module` where the name is written there."""
    if isinstance(node, ast.ImportFrom):
        above = ["blackstart", *where.parts[: len(where.parts) - node.level]] if node.level else []
        yield from (".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.Call) and node.args and isinstance(name := node.args[0], ast.Constant):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("import_module", "__import__") and isinstance(name.value, str):
            yield name.value


def _ours(name: str) -> bool:
    return name == "blackstart" or name.startswith("blackstart.")


def loose(root: Path) -> list[str]:
    """Modules at the root that belong into a room, and folders that are none."""
    modules = {path.stem for path in root.glob("*.py")} - AT_THE_ROOT
    folders = {path.parent.name for path in root.glob("*/*.py")} ^ set(rooms())
    return sorted(modules | folders)


def uphill(root: Path) -> list[str]:
    """Imports from a room above one's own, each with its place."""
    # What people import, and what runs us, stand above all rooms.
    floor = dict.fromkeys(AT_THE_ROOT, -1) | {room: number for number, room in enumerate(rooms())}
    return [
        f"{place}: {module} imports {there}"
        for module, seen in imports(root).items()
        for there, place in seen.items()
        if module.split(".")[0] in floor and floor.get(there.split(".")[0], len(floor)) < floor[module.split(".")[0]]
    ]


def circle(root: Path) -> list[str]:
    """The modules of a circle of imports; empty where there is none."""
    try:
        TopologicalSorter({module: set(seen) for module, seen in imports(root).items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def crowded(root: Path) -> list[str]:
    """Names that more than two files have, but for those that say a file's role."""
    roles = {path for where, names in ROLES.items() for name in names for path in root.glob(f"{where}/{name}")}
    names = Counter(path.name for path in root.rglob("*.py") if path not in roles and path.name not in LANGUAGE)
    return sorted(name for name, count in names.items() if count > 2)


def test_the_house_has_the_rooms_of_its_drawing_and_no_module_stands_loose() -> None:
    assert len(rooms()) == 16 and loose(PACKAGE) == []
    assert len(list(PACKAGE.glob("*.py"))) <= 3


def test_imports_run_downhill_and_in_no_circle() -> None:
    assert uphill(PACKAGE) == []
    assert circle(PACKAGE) == []


def test_the_tool_and_its_labs_do_not_import_each_other() -> None:
    lab = ROOT / "lib" / "blackstart_lab"
    for package, other in ((PACKAGE, "blackstart_lab"), (lab, "blackstart")):
        seen = {(path.name, name) for path in package.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
                for name in _imported(node, path.relative_to(package.parent))}  # fmt: skip
        assert len(seen) > 100 and [one for one in sorted(seen) if one[1].split(".")[0] == other] == []


def kinds_asked(text: str) -> list[int]:
    """The lines that name a control's kind in a comparison, or ask for its class."""
    kinds = {"docker", "kubernetes", "manual", "process", "supervisor", "unit"}
    controls = {"Docker", "Kubernetes", "Manual", "Process", "Supervisor", "Systemd"}
    lines = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Compare):
            asked = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)} & kinds
        else:
            classes = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance" and node.args[1:]
            asked = {one.id for kind in classes or () for one in ast.walk(kind) if isinstance(one, ast.Name)} & controls
        lines += [node.lineno] if asked else []
    return lines


def test_no_fault_asks_a_control_for_its_kind() -> None:
    """What only some controls can do is a power of the interface, which the others answer with NotAvailable."""
    assert kinds_asked('a = control.kind == "docker"\nb = isinstance(control, (Docker, Systemd))\nc = kind == 1') == [
        1,
        2,
    ]
    found = {path.name: kinds_asked(path.read_text(encoding="utf-8")) for path in (PACKAGE / "faults").glob("*.py")}
    assert len(found) > 30 and {name: lines for name, lines in found.items() if lines} == {}


def test_no_file_and_no_function_is_longer_than_any_may_be() -> None:
    long = []
    for path in sorted((ROOT / "lib").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        long += [path.name] if text.count("\n") > LINES else []
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
        long += [f"{path.name}:{f.lineno}" for f in functions if (f.end_lineno or 0) - f.lineno >= FUNCTION_LINES]
    assert long == []


def test_no_file_name_stands_for_more_than_two_things() -> None:
    assert crowded(PACKAGE) == []
    assert crowded(ROOT / "lib" / "blackstart_lab") == []


def planted(root: Path, **files: str) -> Path:
    """A package of all rooms with these files, `base__clock="import os"` being base/clock.py."""
    for room in rooms():
        (root / room).mkdir(parents=True, exist_ok=True)
        (root / room / "__init__.py").write_text("")
    (root / "__init__.py").write_text("")
    for name, text in files.items():
        (root / f"{name.replace('__', '/')}.py").write_text(text)
    return root


def test_what_stands_loose_runs_uphill_in_a_circle_or_under_a_crowded_name_is_found(tmp_path: Path) -> None:
    whole = planted(tmp_path / "whole", base__clock="", model__step="from blackstart.base import clock\n")
    assert (loose(whole), uphill(whole), circle(whole), crowded(whole)) == ([], [], [], [])
    assert loose(planted(tmp_path / "loose", util="")) == ["util"]
    lazily = "def late() -> None:\n    from blackstart.engine.run import Run\n"
    assert uphill(planted(tmp_path / "up", base__clock=lazily, engine__run="Run = 1\n")) == [
        "base/clock.py:2: base.clock imports engine.run"
    ]
    above = planted(tmp_path / "above", base__clock="from ..engine import run\n", engine__run="")
    assert uphill(above) == ["base/clock.py:1: base.clock imports engine.run"]
    loaded = "import importlib\nimportlib.import_module('blackstart.engine.run')\n"
    helped = "from blackstart import helpers\n"
    named = planted(tmp_path / "named", base__clock=loaded, engine__run="", base__wire=helped, helpers="")
    assert [line.split(":")[0] for line in uphill(named)] == ["base/clock.py", "base/wire.py"]
    (planted(tmp_path / "attic") / "attic").mkdir()
    (tmp_path / "attic" / "attic" / "old.py").touch()
    assert loose(tmp_path / "attic") == ["attic"]
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from blackstart.model.step import Step\n"
    round_ = planted(tmp_path / "circle", model__step="import blackstart.model.reading\n", model__reading=typed)
    assert set(circle(round_)) == {"model.step", "model.reading"}
    for name in ("wire", "link"):
        files = {f"{room}__{name}": "" for room in ("base", "model", "proxy")}
        assert crowded(planted(tmp_path / name, **files)) == [f"{name}.py"]


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
    assert central_mentions(PACKAGE) == []


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
