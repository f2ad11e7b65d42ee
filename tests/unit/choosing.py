"""What the tests of the choice of a target share: a folder, an engine, files that may be meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from blackstart.commands import choose_target
from blackstart.commands.choose_target import target_for
from blackstart.model import flags
from blackstart.model.target import Target

VARIABLES = ("API", "TARGET", "REDIS_CONTAINER", "POSTGRES_CONTAINER", "REDIS_URL", "DATABASE_URL", "NONINTERACTIVE")


def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where nothing says which target is meant, on a machine where nothing runs."""
    monkeypatch.chdir(tmp_path)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    engine(tmp_path, monkeypatch)
    # Whatever else runs on this machine: nobody answers at the addresses of the defaults.
    monkeypatch.setattr(choose_target, "_answers", lambda name, address: False)
    return tmp_path


def engine(here: Path, monkeypatch: pytest.MonkeyPatch, *containers: str, publishes: str = "{}") -> None:
    """An engine that has these containers, each as a line of `ps`, whatever this machine has."""
    listed = "".join(f"{line} {number:064x}\n" for number, line in enumerate(containers))
    (here / "listed").write_text(listed.replace(" ", "\t"))
    script = f"#!/bin/sh\ncase $1 in ps) cat {here}/listed ;; inspect) echo '{publishes} bridge' ;; *) exit 1 ;; esac\n"
    (here / "engine").write_text(script)
    (here / "engine").chmod(0o755)
    monkeypatch.setenv("CONTAINER_ENGINE", str(here / "engine"))


def lab(state: Path, name: str = "trader", kind: str = "trader") -> Path:
    return written(state / "labs" / name / "target.toml", name, kind, "http://127.0.0.1:41000")


def own(here: Path, name: str, kind: str = "trader") -> Path:
    return written(here / "targets" / f"{name}.toml", name, kind, f"http://{name}:8000")


def written(path: Path, name: str, kind: str, api: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'name = "{name}"\nkind = "{kind}"\napi = "{api}"\n')
    return path


def chosen(kind: str = "trader", **options: Any) -> Target:
    return target_for(kind, flags.read(options))
