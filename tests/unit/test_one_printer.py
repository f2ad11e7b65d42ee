"""Nothing reaches people past the printer (`printable`, `writer` and `console` of base/), read off the source: a
text that a target, a file or a name has filled would steer their terminal or their CI server."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import ROOT

PACKAGES = (ROOT / "lib" / "blackstart", ROOT / "lib" / "blackstart_lab")
# What prints, each with the reason why it may.
ALLOWED = {
    "blackstart/base/writer.py": "the printer itself",
    "blackstart/base/printable.py": "the printer itself: its tables",
    "blackstart/base/live.py": "the printer itself: what a terminal shows while something goes on",
    "blackstart/base/secrets/references.py": "gives a secret to the shell of HEAL.sh, as it is",
    "blackstart/loads/driving/control.py": "speaks to the runner, in JSON",
    "blackstart/proxy/server.py": "its log, through a formatter of the printer's",
    "blackstart_lab/cli.py": "its refusals, through the lab's own printer",
    "blackstart_lab/printer.py": "the lab's own printer",
    "blackstart_lab/serving.py": "the log of a system under test",
    "blackstart_lab/gateway/__main__.py": "the log of a system under test",
    "blackstart_lab/trader/__main__.py": "the log of a system under test",
}
_CALLS = ("print", "pprint", "input", "logging.basicConfig")
_METHODS = ("print_exc", "print_exception", "StreamHandler")
_WRITTEN = [f"{stream}.{how}" for stream in ("stdout", "stderr") for how in ("write", "writelines", "buffer.write")]


def ways_out(source: str) -> Iterator[tuple[int, str]]:
    """Each place where a text could reach a terminal: its line, and by what."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            first = ast.unparse(node.args[0]) if node.args else ""
            last = name.rpartition(".")[2]
            written = any(f"sys.{stream}." in f"{name}." for stream in _WRITTEN)
            if name in _CALLS or last in _METHODS or written or (name == "os.write" and first in ("1", "2")):
                yield node.lineno, name
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            if {"tabulate", "rich"} & {name.partition(".")[0] for name in names}:
                yield node.lineno, "tabulate or rich"


def past_the_printer(root: Path, allowed: dict[str, str]) -> list[str]:
    return [
        f"{path.relative_to(root.parent)}:{line}: {what}"
        for path in sorted(root.rglob("*.py"))
        if str(path.relative_to(root.parent)) not in allowed
        for line, what in ways_out(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize("root", PACKAGES, ids=lambda path: path.name)
def test_nothing_is_printed_past_the_printer(root: Path) -> None:
    assert past_the_printer(root, ALLOWED) == []


def test_what_may_print_does() -> None:
    """An exception that is none any more goes."""
    printing = {line.partition(":")[0] for root in PACKAGES for line in past_the_printer(root, {})}
    assert printing == set(ALLOWED)


@pytest.mark.parametrize(
    "text",
    ["print(1)", "import sys\nsys.stdout.write('x')", "import sys\nsys.stderr.buffer.write(b'x')",
     "import os\nos.write(2, b'x')", "from tabulate import tabulate", "from rich.text import Text",
     "import traceback\ntraceback.print_exc()",
     "import logging\nlogging.basicConfig()"],
)  # fmt: skip
def test_a_way_past_it_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "new.py").write_text(text)
    assert len(past_the_printer(tmp_path / "package", {})) == 1
