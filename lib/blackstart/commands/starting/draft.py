"""A target file in the making: every value with where it came from, and what was left open, as TOML with comments."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import tomlkit
from tomlkit.items import Table

from blackstart.base.printable import one_line
from blackstart.commands.target_file import from_table, resolved
from blackstart.model.target import Target


@dataclass(frozen=True)
class Sourced:
    """A value, and where it is from."""

    value: Any
    by: str = ""


@dataclass(frozen=True)
class Draft:
    """`top` are the keys above all tables; `services` their keys by name; `tables` other tables by name. `notes` stand
    above the service or table of that name ("": at the top of the file), `open` lines below it, all as comments."""

    top: Mapping[str, Sourced]
    services: Mapping[str, Mapping[str, Sourced]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Sourced]] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    open: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def with_service(self, name: str, keys: Mapping[str, Sourced]) -> "Draft":
        """With that service in place of what it said of it."""
        return replace(self, services={**self.services, name: keys})

    def with_top(self, key: str, told: Sourced) -> "Draft":
        """With a key above all tables."""
        return replace(self, top={**self.top, key: told})

    def with_table(self, name: str, keys: Mapping[str, Sourced]) -> "Draft":
        """With that table."""
        return replace(self, tables={**self.tables, name: keys})

    def noted(self, name: str, *lines: str) -> "Draft":
        """With these notes above it."""
        return replace(self, notes={**self.notes, name: (*self.notes.get(name, ()), *lines)})

    def left_open(self, name: str, *lines: str) -> "Draft":
        """With these lines below it, as comments."""
        return replace(self, open={**self.open, name: (*self.open.get(name, ()), *lines)})

    def target(self) -> Target:
        """What it says so far. Raises BadTarget."""
        return resolved(from_table(tomlkit.parse(self.text()).unwrap(), "what was found", "what runs here"))

    def text(self) -> str:
        """The file."""
        made = tomlkit.document()
        for line in (*self.notes.get("", ()), ""):
            made.add(tomlkit.comment(one_line(line)) if line else tomlkit.nl())
        _fill(made, self.top)
        for line in self.open.get("", ()):
            made.add(tomlkit.comment(one_line(line)))
        for name in dict.fromkeys((*self.tables, *(one for one in self.open if one and "." not in one))):
            self._add(made, name, self.tables.get(name))
        services = tomlkit.table(is_super_table=True)
        for name, keys in self.services.items():
            services.add(name, self._table(keys, f"services.{name}"))
        text = tomlkit.dumps(made)
        text += "\n" + tomlkit.dumps({"services": services}) if self.services else ""
        unknown = [one for one in self.open if one.startswith("services.") and one[9:] not in self.services]
        lines = [
            f"# {one_line(line)}" if line else ""
            for one in unknown
            for line in ("", *self.notes.get(one, ()), *self.open[one])
        ]
        return text.rstrip("\n") + "\n" + "".join(f"{line}\n" for line in lines)

    def _add(self, made: tomlkit.TOMLDocument, name: str, keys: Mapping[str, Sourced] | None) -> None:
        made.add(tomlkit.nl())
        if keys is not None:
            made.add(name, self._table(keys, name))
            return
        for line in (*self.notes.get(name, ()), *self.open.get(name, ())):
            made.add(tomlkit.comment(one_line(line)))

    def _table(self, keys: Mapping[str, Sourced], called: str) -> Table:
        made = tomlkit.table()
        for line in self.notes.get(called, ()):
            made.add(tomlkit.comment(one_line(line)))
        _fill(made, keys)
        for line in self.open.get(called, ()):
            made.add(tomlkit.comment(one_line(line)))
        return made


def _fill(made: Any, keys: Mapping[str, Sourced]) -> None:
    for key, told in keys.items():
        value = tomlkit.item(told.value)
        if isinstance(told.value, dict):
            value = tomlkit.inline_table()
            value.update(told.value)
        if told.by:
            value.comment(one_line(told.by))
        made.add(key, value)
