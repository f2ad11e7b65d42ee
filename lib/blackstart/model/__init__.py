"""The nouns of Blackstart. All of them are plain data; what does I/O says so."""

import importlib
from typing import Any

# Once one module: users' experiments may still ask for `blackstart.model.Experiment`.
_PLACES = {
    "change": ("Change", "Fault"),
    "experiment": ("Check", "Experiment", "LogRow", "Traffic"),
    "reading": ("Answer", "Endpoint", "Probe", "Reader", "Reading"),
    "step": ("Ask", "Command", "HttpCall"),
}


def __getattr__(name: str) -> Any:
    for place, names in _PLACES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{place}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
