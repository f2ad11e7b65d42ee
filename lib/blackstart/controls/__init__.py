"""Controls: how a service is stopped, started, killed and paused. One file, one way; found by looking in this folder.

What a control is and can do says `blackstart.model.control`. A file here that has `KINDS` adds its kinds of control: a
mapping from the table's telling key (`docker`, `supervisor`, …) to what reads the table. Nothing else knows of it.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from blackstart.base.errors import BadTarget, NotAvailable, Refused, StepFailed, did_you_mean
from blackstart.base.printable import kind_of
from blackstart.controls.steps.shell import ssh_host
from blackstart.model.control import Control, State
from blackstart.model.target import Service


def of(service: Service) -> Control:
    """The control that a service's table describes. Raises BadTarget with what would be right."""
    where = f"[services.{service.name}] control"
    kinds = _kinds()
    telling = [key for key in service.control if key in kinds]
    if not service.control:
        raise BadTarget(f'{where} is missing: say how it is stopped and started, as in {{ docker = "{service.name}" }}')
    if not telling:
        keys = list(service.control)
        near = [key for key in keys if get_close_matches(key, kinds)] or keys
        raise BadTarget(f'{where} does not say which kind it is: "{near[0]}" is none.{did_you_mean(near[0], kinds)}')
    return kinds[telling[0]](where, service.control)


def resolved(service: Service) -> Control:
    """The service's control, exactly as found now. Raises Refused: whatever goes wrong, nothing was touched."""
    try:
        return of(service).resolve()
    except StepFailed as error:
        raise Refused(f"{service.name} can't be looked up: {error}") from error


def read_state(control: Control, name: str) -> State:
    """The state now, for planning. Raises Refused where it can't be seen."""
    try:
        return control.read_state()
    except StepFailed as error:
        raise Refused(f"the state of {name} can't be seen: {error}") from error


def offers(service: Service, power: Callable[[Control], object]) -> bool:
    """Whether the service has a control with that power, told from its table alone: `power` asks for what is pure."""
    try:
        power(of(service))
    except (NotAvailable, BadTarget):
        return False
    return True


def host_of(service: Service) -> str | None:
    """The machine that the service's control acts on; None for this one, and where it has no control."""
    return of(service).host if service.control else None


def read_table(where: str, table: Mapping[str, Any], kinds: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """The table's values, each of the kind that `kinds` says for its key. Raises BadTarget naming key and place."""
    for key, value in table.items():
        if key not in kinds:
            raise BadTarget(f'{where}: unknown key "{key}".{did_you_mean(key, kinds)}')
        if not isinstance(value, kinds[key]):
            raise BadTarget(f'{where}: "{key}" must be {_words(kinds[key])}, not {kind_of(value)}')
        if value in ("", []):
            raise BadTarget(f'{where}: "{key}" is empty')
    if "host" in table:
        try:
            ssh_host(table["host"])
        except BadTarget as error:
            raise BadTarget(f"{where}: {error.args[0]}") from error
    return dict(table)


@cache
def _kinds() -> dict[str, Callable[[str, Mapping[str, Any]], Control]]:
    kinds: dict[str, Callable[[str, Mapping[str, Any]], Control]] = {}
    for found in pkgutil.iter_modules(__path__):
        kinds |= getattr(importlib.import_module(f"{__name__}.{found.name}"), "KINDS", {})
    return kinds


def _words(kinds: type | tuple[type, ...]) -> str:
    words = {str: "text", bool: "true or false", dict: "a table", list: "a list", int: "a whole number"}
    return " or ".join(words[kind] for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
