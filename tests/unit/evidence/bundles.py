"""Sealed runs to do something to: a recorded drill, signed or not."""

from __future__ import annotations

from pathlib import Path

from blackstart.evidence import signing
from blackstart.reports import documents
from tests.unit.reports.drills import Drill, judged, told

NAME = "leader_lock_2026-11-20T14-30-00"
IMAGE, COMMIT = f"registry/trader@sha256:{'ab' * 32}", f"git+https://example.org/trader@{'c' * 40}"


def key(folder: Path, name: str = "key.pem") -> Path:
    """A new private key; its public one is beside it, `.pub`."""
    signing.make(folder / name)
    return folder / name


def sealed(reports: Path, signer: Path | None = None, run: str = NAME, **more: object) -> Path:
    """The folder of a run with all its documents, and its manifest signed by that key."""
    path = told(Drill(run=run, end_s=5.9, **more), reports)  # type: ignore[arg-type]
    said: list[str] = []
    documents.write(path, judged(path)[1], {signing.VARIABLE: str(signer or "")}, said.append)
    assert said == []
    return path
