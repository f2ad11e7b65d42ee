"""Writes TOML; the standard library only reads it."""

import json
from collections.abc import Mapping
from typing import Any


def dumps(document: Mapping[str, Any]) -> str:
    """A document of tables, strings, numbers, booleans and lists; control tables are written inline."""
    return "\n".join(_table(document, ())).strip() + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in table.items() if not _is_section(key, value)}
    lines = [f"[{'.'.join(_key(part) for part in path)}]"] if path and plain else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    lines += [""] if plain else []
    for key, value in table.items():
        if _is_section(key, value):
            lines += _table(value, (*path, key))
    return lines


def _is_section(key: str, value: Any) -> bool:
    return isinstance(value, Mapping) and key not in ("control", "headers")


def _key(key: str) -> str:
    return key if key.replace("-", "").replace("_", "").isalnum() and key.isascii() else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items())} }}"
    return _text(str(value))


def _text(value: str) -> str:
    """JSON's escapes are a subset of TOML's, as long as characters outside ASCII stay as they are."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
