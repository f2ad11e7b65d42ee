"""Plain data in and out: declarations become JSON and come back as the same objects.

A class marked `@plain` is a frozen dataclass of scalars, tuples, string-keyed dicts and other plain objects. Its JSON
form carries `"is": "<tag>"`, so that the guardian, `chaos.heal` and `report.judge` can rebuild it in another process.

A record is data, never code. A tag means a class only in a closed registry: ours have tags of their own
(`@plain("step.command")`) and are looked for in this package's files alone; one of a user's file is called
`user:<first 16 digits of the file's sha256>:<Class>`, and is known once that file was loaded because the user named it.
"""

import dataclasses
import hashlib
import importlib
import json
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, dataclass_transform, overload

import blackstart
from blackstart.base import field_types, record_aliases
from blackstart.base.errors import Damaged, NotLoaded

_TAG = "__blackstart_tag__"
_CLASSES: dict[str, type] = {}
_PACKAGE = Path(blackstart.__file__).parent
_TAGGED = re.compile(r'^ *@plain\("([\w.]+)"\)$', re.MULTILINE)
_USERS = re.compile(r"user:(?P<digest>[0-9a-f]{16}):(?P<name>[\w.]+)")
# A dict of the user's own that has a key "is" is written as pairs, so that it is not taken for a class.
_PAIRS = "pairs"
_SHOWN = 60
T = TypeVar("T")


@overload
@dataclass_transform(frozen_default=True)
def plain(given: type[T]) -> type[T]: ...


@overload
@dataclass_transform(frozen_default=True)
def plain(given: str) -> Callable[[type[T]], type[T]]: ...


def plain(given: type[T] | str) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a frozen dataclass that can be written as JSON and read back: `@plain`, in this package
    `@plain("a.tag")`, which stays when the class is moved or renamed."""
    if isinstance(given, str):
        return lambda cls: _registered(cls, given)
    return _registered(given, f"user:{digest_of(_file_of(given))}:{given.__qualname__}")


def _registered(cls: type[T], tag: str) -> type[T]:
    if not tag.startswith("user:") and cls.__module__.partition(".")[0] != "blackstart":
        raise TypeError(f"{cls.__qualname__}: a tag is for Blackstart's own classes; write @plain alone")
    made = dataclasses.dataclass(frozen=True)(cls)
    setattr(made, _TAG, tag)
    if "<locals>" not in tag:
        _CLASSES[tag] = made
    return made


def _file_of(cls: type) -> Path | None:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return Path(file) if file else None


def digest_of(path: Path | None) -> str:
    """What a user's file is called in records: the first 16 digits of its sha256; "" where there is no such file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path else ""
    except OSError:
        return ""


def tag_of(cls: type) -> str:
    """What the class is called in records. TypeError where no other process could find it."""
    tag: str = vars(cls).get(_TAG, "")
    if not tag:
        raise TypeError(f"{cls.__qualname__} is not marked @plain")
    if "<locals>" in tag:
        raise TypeError(f"{cls.__qualname__} is made inside a function, where no other process can find it")
    if tag.startswith("user::"):
        raise TypeError(f"{cls.__qualname__} is not made in a file, where another process could find it")
    return tag


def sources(data: Any) -> dict[str, str]:
    """The modules, with their files, of the user's classes in `to_data`'s form: for another process of this run."""
    names = set(_USERS.findall(json.dumps(data)))
    classes = [_CLASSES[tag] for digest, name in names if (tag := f"user:{digest}:{name}") in _CLASSES]
    return {cls.__module__: str(_file_of(cls)) for cls in classes}


def to_data(thing: Any) -> Any:
    """The JSON form of plain objects, tuples, dicts and scalars; TypeError names what is not plain."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        tag = tag_of(type(thing))
        return {"is": tag, **{f.name: to_data(getattr(thing, f.name)) for f in dataclasses.fields(thing)}}
    if isinstance(thing, list | tuple):
        return [to_data(item) for item in thing]
    if isinstance(thing, dict):
        items = {str(key): to_data(value) for key, value in thing.items()}
        return {"is": _PAIRS, _PAIRS: [[key, value] for key, value in items.items()]} if "is" in items else items
    if thing is None or isinstance(thing, str | int | float | bool):
        return thing
    raise TypeError(f"{thing!r} ({type(thing).__qualname__}) is not plain data")


def from_data(data: Any) -> Any:
    """The objects behind `to_data`'s form. Lists come back as tuples. Raises Damaged for what can't be rebuilt,
    NotLoaded for a class of a user's file that was not loaded."""
    try:
        return _rebuilt(data)
    except RecursionError as error:
        raise Damaged("a record is nested too deeply") from error


def _rebuilt(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_rebuilt(item) for item in data)
    if isinstance(data, dict) and data.get("is") == _PAIRS:
        return _from_pairs(data)
    if isinstance(data, dict) and "is" in data:
        return _object(str(data["is"]), data)
    if isinstance(data, dict):
        return {key: _rebuilt(value) for key, value in data.items()}
    return data


def _object(name: str, data: dict[str, Any]) -> Any:
    cls = _find(name)
    fields = {f.name: _rebuilt(data[f.name]) for f in dataclasses.fields(cls) if f.name in data}
    for field, kind in field_types.of(cls).items():
        if field in fields and not field_types.fits(fields[field], kind):
            raise Damaged(f"{name} can't be rebuilt: its {field} can't be {str(fields[field])[:_SHOWN]!r}")
    try:
        return cls(**fields)
    except RecursionError:
        raise
    except Exception as error:  # whatever a class makes of values that it was not written for
        raise Damaged(f"{name} can't be rebuilt: {type(error).__name__}: {error}") from error


def _from_pairs(data: dict[str, Any]) -> dict[str, Any]:
    try:
        return {str(key): _rebuilt(value) for key, value in data[_PAIRS]}
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"a record has pairs that are none: {error}") from error


def _find(name: str) -> Any:
    tag = record_aliases.TAGS.get(name, name)
    if tag not in _CLASSES and tag in modules():
        importlib.import_module(modules()[tag])
    if tag in _CLASSES:
        return _CLASSES[tag]
    if users := _USERS.fullmatch(tag):
        raise NotLoaded(users["name"], users["digest"])
    raise Damaged(f"a record names {name!r}, which is no class of Blackstart's, so nothing is loaded for it")


@cache
def modules() -> dict[str, str]:
    """The module of each tag, as the files of this package have them: a record can name a tag, never a file."""
    found: dict[str, str] = {}
    for path in sorted(_PACKAGE.rglob("*.py")):
        parts = path.relative_to(_PACKAGE.parent).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        found |= dict.fromkeys(_TAGGED.findall(path.read_text(encoding="utf-8")), module)
    return found
