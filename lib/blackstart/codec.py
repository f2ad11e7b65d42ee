"""Plain data in and out: declarations become JSON and come back as the same objects.

A class marked `@plain` is a frozen dataclass of scalars, tuples, string-keyed dicts and other plain objects.
Its JSON form carries `"is": "<module>:<Class>"`, so that the guardian, `chaos.heal` and `report.judge` can rebuild it
in another process. A class from a user's file is named by the file's path instead of a module.
"""

import dataclasses
import importlib
import sys
from functools import reduce
from typing import Any, TypeVar, dataclass_transform

from blackstart.errors import BadExperiment, Damaged

_MARK = "__blackstart_plain__"
# A dict of the user's own that has a key "is" is written as pairs, so that it is not taken for a class.
_PAIRS = "pairs"
T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def plain(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass that can be written as JSON and read back."""
    made = dataclasses.dataclass(frozen=True)(cls)
    setattr(made, _MARK, made)
    return made


def name_of(cls: type) -> str:
    """`module:Class`, or `/path/to/file.py:Class` for a class of a user's file. TypeError where none could find it."""
    if "<locals>" in cls.__qualname__:
        raise TypeError(f"{cls.__qualname__} is made inside a function, where no other process can find it")
    module = sys.modules.get(cls.__module__)
    where = getattr(module, "__blackstart_file__", None) or cls.__module__
    return f"{where}:{cls.__qualname__}"


def to_data(thing: Any) -> Any:
    """The JSON form of plain objects, tuples, dicts and scalars; TypeError names what is not plain."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        if getattr(type(thing), _MARK, None) is not type(thing):
            raise TypeError(f"{type(thing).__qualname__} is not marked @plain")
        fields = {f.name: to_data(getattr(thing, f.name)) for f in dataclasses.fields(thing)}
        return {"is": name_of(type(thing)), **fields}
    if isinstance(thing, list | tuple):
        return [to_data(item) for item in thing]
    if isinstance(thing, dict):
        items = {str(key): to_data(value) for key, value in thing.items()}
        return {"is": _PAIRS, _PAIRS: [[key, value] for key, value in items.items()]} if "is" in items else items
    if thing is None or isinstance(thing, str | int | float | bool):
        return thing
    raise TypeError(f"{thing!r} ({type(thing).__qualname__}) is not plain data")


def from_data(data: Any) -> Any:
    """The objects behind `to_data`'s form. Lists come back as tuples. Raises Damaged for what can't be rebuilt."""
    if isinstance(data, list):
        return tuple(from_data(item) for item in data)
    if isinstance(data, dict) and data.get("is") == _PAIRS:
        return _from_pairs(data)
    if isinstance(data, dict) and "is" in data:
        cls = _find(str(data["is"]))
        known = {f.name for f in dataclasses.fields(cls)}
        fields = {key: from_data(value) for key, value in data.items() if key in known}
        try:
            return cls(**fields)
        except (TypeError, ValueError) as error:
            raise Damaged(f"{data['is']} can't be rebuilt: {error}") from error
    if isinstance(data, dict):
        return {key: from_data(value) for key, value in data.items()}
    return data


def _from_pairs(data: dict[str, Any]) -> dict[str, Any]:
    try:
        return {str(key): from_data(value) for key, value in data[_PAIRS]}
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"a record has pairs that are none: {error}") from error


def _find(name: str) -> Any:
    where, _, qualname = name.rpartition(":")
    try:
        if where.endswith(".py"):
            from blackstart.discover import load_file  # noqa: PLC0415  (only needed for classes of a user's file)

            module = load_file(where)
        else:
            module = importlib.import_module(where)
        cls = reduce(getattr, qualname.split("."), module)
    except (ImportError, AttributeError, ValueError, OSError, BadExperiment) as error:
        raise Damaged(f"a record names {name}, which can't be found: {error}") from error
    if getattr(cls, _MARK, None) is not cls:
        raise Damaged(f"a record names {name}, which is not plain data")
    return cls
