"""Finds the user's own injectors: classes derived from Injector, in files beside their experiments."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from blackstart.base.errors import BadExperiment
from blackstart.base.user_files import load_file
from blackstart.dsl.custom import Known
from blackstart.dsl.injector import Injector
from blackstart.dsl.vocabulary import INJECTIONS
from blackstart.suites.source import about, files, own_folders

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Own(Mapping[str, type[Injector]]):
    """Each by the name that a chaos block injects it by. A file is executed when its class is asked for.

    Raises BadExperiment where one name would mean two injections."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Path, str]] = {}
        for path in (path for folder in own_folders() for path in files(folder)):
            for cls in about(path).injectors:
                name = injected_as(cls)
                other = self._found.get(name, (None, ""))[0] or ("Blackstart" if name in INJECTIONS else None)
                if other:
                    raise BadExperiment(f"{path}: {cls} is injected as {name}, which is one of {other}'s; rename it")
                self._found[name] = (path, cls)

    def __getitem__(self, name: str) -> type[Injector]:
        path, cls = self._found[name]
        found = getattr(load_file(str(path)), cls, None)
        if not (isinstance(found, type) and issubclass(found, Injector)):
            raise BadExperiment(f"{path}: {cls} is not derived from blackstart.dsl.injector.Injector")
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def injected_as(cls: str) -> str:
    """`DiskFull` and `DiskFullInjector` are `disk_full`."""
    return _WORD.sub("_", cls.removesuffix("Injector")).lower()


def words() -> Known:
    """What every chaos block may inject here."""
    return Known(Own())
