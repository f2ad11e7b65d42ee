"""Python files of the user's own, imported by their path, as the user named them."""

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from blackstart.base import former_places
from blackstart.base.errors import BadExperiment

_USERS = "blackstart_user_"


def load_file(path: str, sha256: str = "") -> ModuleType:
    """Import a user's file by its path. Raises BadExperiment that names the line of a mistake, and where the file is
    not the one with that `sha256`.

    What is executed is what stands in it and was hashed: never what Python has kept compiled beside it.
    """
    real = Path(path).resolve()
    name = f"{_USERS}{hashlib.sha256(str(real).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, real)
    if spec is None or spec.loader is None:
        raise BadExperiment(f"{path} can't be imported")
    former_places.keep()
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        source = real.read_bytes()
        if sha256 and hashlib.sha256(source).hexdigest() != sha256:
            raise OSError("it has just been changed")
        exec(compile(source, str(real), "exec", dont_inherit=True), vars(module))
    except Exception as error:
        del sys.modules[name]
        raise BadExperiment(f"{path}: {mistake_in(error)}") from error
    return module


def load_again(module: str, file: str) -> ModuleType:
    """The module that another process of this run has loaded. Raises BadExperiment, or what its import raises."""
    return load_file(file) if module.startswith(_USERS) else importlib.import_module(module)


def mistake_in(error: Exception) -> str:
    """What went wrong in a file, and in which line of which file."""
    line = error.__traceback__
    while line is not None and line.tb_next is not None:
        line = line.tb_next
    where = f"line {line.tb_lineno} of {line.tb_frame.f_code.co_filename}" if line else "its import"
    return f"{type(error).__name__} in {where}: {error}"
