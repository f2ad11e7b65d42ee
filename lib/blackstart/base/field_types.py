"""Whether a value from a record may stand in a field of one of our classes, by the type that is declared for it.

A record may come from anywhere. What is checked here need not be doubted wherever it is used. The classes of a user's
own file are its own affair.
"""

import math
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


@cache
def of(cls: type) -> dict[str, Any]:
    """The declared types of its fields."""
    return get_type_hints(cls) if cls.__module__.partition(".")[0] == "blackstart" else {}


def fits(value: Any, kind: Any) -> bool:
    """Whether the value is of that type. What a type does not say of it is not looked at."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return any(fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is tuple:
        return isinstance(value, tuple) and _each_fits(value, parts)
    if origin in (dict, Mapping):
        return isinstance(value, dict) and all(fits(item, parts[1]) for item in value.values())
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if not isinstance(kind, type) or kind is Any:
        return True
    return _has_all_of(value, kind) if getattr(kind, "_is_protocol", False) else isinstance(value, kind)


def _each_fits(value: tuple[Any, ...], parts: tuple[Any, ...]) -> bool:
    if parts[1:] == (Ellipsis,):
        return all(fits(item, parts[0]) for item in value)
    return len(value) == len(parts) and all(map(fits, value, parts))


def _finite(value: float) -> bool:
    try:
        return not math.isnan(float(value))
    except OverflowError:
        return False


def _has_all_of(value: Any, protocol: type) -> bool:
    names = {*vars(protocol), *vars(protocol).get("__annotations__", {})}
    return all(hasattr(type(value), name) or hasattr(value, name) for name in names if not name.startswith("_"))
