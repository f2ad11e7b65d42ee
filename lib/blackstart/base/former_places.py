"""Where an experiment of a user's own still finds what it imports, after the modules have moved."""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from types import ModuleType

_MOVED = {
    "blackstart.errors": "blackstart.base.errors",
    "blackstart.expect": "blackstart.model.expect",
    "blackstart.flags": "blackstart.model.flags",
    "blackstart.target": "blackstart.model.target",
}
# Each kind of system had a module of its readings here.
_SYSTEMS = "blackstart.systems"


def keep() -> None:
    """From now on the former names lead to the modules of today, whose very classes and functions they have."""
    if not any(isinstance(finder, _Former) for finder in sys.meta_path):
        sys.meta_path.append(_Former())


class _Former(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == _SYSTEMS:
            return spec_from_loader(fullname, _From(""), is_package=True)
        place = _MOVED.get(fullname, "")
        if fullname.startswith(f"{_SYSTEMS}."):
            suite = f"blackstart.suites.{fullname.rpartition('.')[2]}"
            place = f"{suite}.readings" if find_spec(suite) else ""
        return spec_from_loader(fullname, _From(place)) if place else None


class _From(Loader):
    def __init__(self, place: str) -> None:
        self._place = place

    def exec_module(self, module: ModuleType) -> None:
        if self._place:
            names = vars(importlib.import_module(self._place))
            vars(module).update({name: value for name, value in names.items() if not name.startswith("__")})
