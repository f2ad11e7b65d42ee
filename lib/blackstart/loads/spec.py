"""Loads as JSON: what `python -m blackstart.loads` is given."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from blackstart.base.errors import did_you_mean
from blackstart.loads.operation import Operation, Retry
from blackstart.loads.stages import Stage

_PARTS: dict[str, Any] = {"operations": Operation, "operation": Operation, "stages": Stage, "retry": Retry}


class Load(Protocol):
    """Any load: a frozen dataclass in the file that its kind names, driven by the file of that name in `driving`."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """What stands before the `/` in the history's `worker` column."""
        ...


def kinds() -> dict[str, Any]:
    """Every kind of load and its class, found among the files of this folder."""
    found = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if not module.ispkg and not module.name.startswith("_"):
            load = getattr(importlib.import_module(f"blackstart.loads.{module.name}"), "LOAD", None)
            if load is not None:
                found[module.name] = load
    return found


def to_spec(load: Load) -> dict[str, Any]:
    """The load as JSON-able data."""
    return {"kind": load.kind, **dataclasses.asdict(load)}  # type: ignore[call-overload]


def from_spec(data: Mapping[str, Any]) -> Any:
    """The load behind a spec. Raises ValueError that names the field and what would be right."""
    fields = dict(data)
    kind = fields.pop("kind", None)
    known = kinds()
    if kind not in known:
        raise ValueError(f'no kind of load "{kind}".{did_you_mean(str(kind), known)}')
    return _make(known[kind], fields, f"{kind} load")


def _make(cls: Any, fields: Mapping[str, Any], what: str) -> Any:
    names = [field.name for field in dataclasses.fields(cls)]
    for name in fields:
        if name not in names:
            raise ValueError(f'{what}: unknown field "{name}".{did_you_mean(name, names)}')
    values = {name: _part(name, value) for name, value in fields.items()}
    try:
        return cls(**values)
    except TypeError as error:
        raise ValueError(f"{what}: {str(error).rpartition('__init__() ')[2]}") from error


def _part(name: str, value: Any) -> Any:
    if name not in _PARTS:
        return value
    if isinstance(value, list | tuple):
        return tuple(_part(name, item) for item in value)
    return _make(_PARTS[name], value, name) if isinstance(value, Mapping) else value
