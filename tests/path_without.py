"""A PATH like this machine's own, on which some programs are missing: a bare machine, as the shell sees it."""

from pathlib import Path

import pytest

_made: dict[tuple[str, ...], Path] = {}


def path_without(folders: pytest.TempPathFactory, *missing: str) -> str:
    """A folder of links to everything that the system has, but for the programs named; made once."""
    if missing not in _made:
        folder = _made[missing] = folders.mktemp("path")
        for place in map(Path, ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")):
            for program in place.iterdir() if place.is_dir() else ():
                link = folder / program.name
                if program.name not in missing and not link.is_symlink():
                    link.symlink_to(program)
    return str(_made[missing])
