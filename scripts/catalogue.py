"""Writes docs/catalogue.md: what the code says of its own faults, probes, checks, loads, controls and experiments."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

FAULTS, PROBES, CHECKS = "blackstart.faults", "blackstart.probes", "blackstart.verdict.checks"
REPORTS = "blackstart.reports.observed"
LOADS, CONTROLS, SUITES = "blackstart.loads", "blackstart.controls", "blackstart.suites"
PAGE = Path(__file__).resolve().parent.parent / "docs" / "catalogue.md"
INTRO = """# Catalogue

What experiments are made of, as the code says it of itself. This page is generated: after a change of the code,
`.venv/bin/python scripts/catalogue.py` writes it anew. How the parts are put together is in
[experiments.md](experiments.md). A parameter without a default must be given; `…` is a default that is not short.
"""


def faults() -> Iterator[tuple[str, ...]]:
    """Each class that plans changes."""
    for cls, module in _classes(FAULTS, lambda cls: hasattr(cls, "plan")):
        yield _call(cls), f"`{module.__name__}`", f"{_first(module)} {_first(cls)}"


def probes() -> Iterator[tuple[str, ...]]:
    """Each class that picks a reading."""
    for cls, module in _classes(PROBES, lambda cls: hasattr(cls, "pick") and is_dataclass(cls)):
        yield _call(cls), f"`{module.__name__}`", _first(cls)


def checks() -> Iterator[tuple[str, ...]]:
    """Each function that has its file's name."""
    for module in _modules(CHECKS):
        name = module.__name__.rpartition(".")[2]
        function = vars(module).get(name)
        if inspect.isfunction(function):
            yield (
                f"`{name}`",
                _parameters(function, "history", "final", "evidence"),
                f"{_first(module)} {_first(function)}",
            )


def loads() -> Iterator[tuple[str, ...]]:
    """Each kind of load, and what it is made of."""
    parts = ("Operation", "Retry", "Stage")
    for cls, _ in _classes(LOADS, lambda cls: "kind" in vars(cls) or cls.__name__ in parts):
        yield f"`{cls.__name__}`", _parameters(cls), _first(cls)


def controls() -> Iterator[tuple[str, ...]]:
    """Each file that reads a kind of control table."""
    for module in _modules(CONTROLS):
        if hasattr(module, "KINDS"):
            yield ", ".join(f"`{key}`" for key in module.KINDS), _first(module)


def evidence_rows() -> Iterator[tuple[str, ...]]:
    """Each thing that a row of the observed results can show."""
    for name, function in importlib.import_module(REPORTS).SHOWN.items():
        yield f"`{name}`", _parameters(function, "run"), _first(function)


def experiments() -> Iterator[tuple[str, ...]]:
    """Each file of each shipped suite that has an experiment."""
    for suite in _modules(SUITES):
        for module in filter(lambda module: hasattr(module, "experiment"), _modules(suite.__name__)):
            variants = ", ".join(f"`{one}`" for one in getattr(module, "VARIANTS", ()))
            name = module.__name__.rpartition("suites.")[2].replace("_", "-").replace(".", "/")
            yield f"`{name}`", variants, _first(module)


# Heading, what stands above the table, the table's head, what gives its rows.
SECTIONS: tuple[tuple[str, str, tuple[str, ...], Callable[[], Iterator[tuple[str, ...]]]], ...] = (
    ("Faults", "What an Experiment has as `faults`.", ("Fault", "Import from", "Does"), faults),
    ("Probes", "What expectations are about.", ("Probe", "Import from", "Reads"), probes),
    (
        "Checks",
        'Named in `Check("exactly_once", "name_of_yours", {…})`.',
        ("Check", "Parameters", "Holds when"),
        checks,
    ),
    ("Loads", "What a Traffic carries; all of them are in `blackstart.loads`.", ("Load", "Parameters", "Is"), loads),
    ("Controls", "How a service of a target is stopped and started.", ("Telling key", "Is"), controls),
    (
        "Evidence rows",
        'Named in `EvidenceRow("Recovery time", "recovery", {…})`; what is not found in the record is `not observed`.',
        ("Shows", "Parameters", "Is"),
        evidence_rows,
    ),
    ("Experiments", "What `chaos.plan` and `chaos.run` take.", ("Experiment", "Variants", "Hypothesis"), experiments),
)


def page() -> str:
    """The whole page."""
    return "\n".join([INTRO, *(_section(*section) for section in SECTIONS)]).rstrip("\n") + "\n"


def _section(heading: str, says: str, head: tuple[str, ...], rows: Callable[[], Iterator[tuple[str, ...]]]) -> str:
    lines = [head, ("---",) * len(head), *([cell.replace("|", r"\|") for cell in row] for row in rows())]
    return "\n".join([f"## {heading}\n", f"{says}\n", *(f"| {' | '.join(line)} |" for line in lines), ""])


def _modules(package: str) -> Iterator[Any]:
    for found in pkgutil.iter_modules(getattr(importlib.import_module(package), "__path__", ())):
        if not found.name.startswith("_"):
            yield importlib.import_module(f"{package}.{found.name}")


def _classes(package: str, wanted: Callable[[type], bool]) -> Iterator[tuple[type, Any]]:
    for module in _modules(package):
        for name, cls in vars(module).items():
            own = inspect.isclass(cls) and cls.__module__ == module.__name__ and cls.__name__ == name
            if own and not name.startswith("_") and wanted(cls):
                yield cls, module


def _first(thing: Any) -> str:
    """The first paragraph of its docstring."""
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def _call(cls: type) -> str:
    return f"`{cls.__name__}({_names(cls)})`"


def _parameters(of: Callable[..., Any], *given: str) -> str:
    names = _names(of, *given)
    return f"`{names}`" if names else ""


def _names(of: Callable[..., Any], *given: str) -> str:
    return ", ".join(_shown(one) for one in inspect.signature(of).parameters.values() if one.name not in given)


def _shown(parameter: inspect.Parameter) -> str:
    value = parameter.default
    if value is parameter.empty:
        return parameter.name
    return f"{parameter.name}={repr(value) if value is None or isinstance(value, str | int | float) else '…'}"


if __name__ == "__main__":
    PAGE.write_text(page())
