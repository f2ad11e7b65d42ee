"""The toxics, one file each: the file `latency.py` holds the class `Latency`, whose type is "latency".

A new toxic is a new file here with a subclass of `Stage` (or of `Holding`, where it keeps data back): it declares its
attributes and overrides what it does otherwise than passing everything on. Nothing else has to know of it.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from blackstart.proxy.stage import Stage


@cache
def kinds() -> dict[str, type[Stage]]:
    """Every toxic by its type, found in this folder."""
    found: dict[str, type[Stage]] = {}
    for module in sorted(info.name for info in iter_modules(__path__)):
        kind = getattr(import_module(f"{__name__}.{module}"), module.title().replace("_", ""))
        kind.type = module
        found[module] = kind
    return found
