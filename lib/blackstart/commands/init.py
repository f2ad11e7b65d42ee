"""`chaos.init`: a target file of what runs here, each value with where it came from, each link proved or not.

It asks what runs (containers, units, listening ports) what it is, in its own protocol; it changes nothing but the one
file. What it can't know it asks for, and unattended it leaves it open in the file, as comments.
"""

import os
import re
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blackstart.base import clock, writer
from blackstart.base.console import Console
from blackstart.base.errors import EXIT_HELD, BadFlag, Refused, did_you_mean
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke
from blackstart.commands.answer import answering
from blackstart.commands.starting import parts
from blackstart.commands.starting.draft import Draft, Sourced
from blackstart.commands.target_file import load, resolved, variables
from blackstart.model import flags
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites import systems

_FOLDER = Path("targets")
_CI_RUNS = "chaos.suite --keep-going"  # what the files for CI run where CHAOS_DRILLS says nothing


@answering()
def init(redactor: Redactor, options: Mapping[str, Any], name: str = "", kind: str = "", force: bool = False) -> int:
    """Look, ask, prove, write; returns the exit code. Raises Refused, and then has written nothing."""
    given = flags.read(options)
    if name and not re.fullmatch(r"[\w][\w.-]*", name):
        raise BadFlag(f"--name={name!r}: must be a word, as in --name staging: the file is {_FOLDER}/NAME.toml")
    if kind and kind not in systems.kinds():
        raise BadFlag(f'--kind: there is no kind "{kind}".{did_you_mean(kind, systems.kinds())}')
    if name or kind:
        _refuse_there(_FOLDER / f"{name or kind}.toml", force)
    console = Console(given.noninteractive, redactor)
    seen = parts.look(console.say)
    api, kind = parts.api_of(seen, given, kind, console)
    path = _FOLDER / f"{name or kind}.toml"
    _refuse_there(path, force)
    console.say(f"{api.value} is a {kind}'s ({api.by})")
    draft = parts.everything(_begun(name or kind, kind, api), seen, given, console)
    _write(path, redactor(draft.text()))
    console.say(f"written: {path}")
    _tell_next(path, draft, given)
    return EXIT_HELD


def _begun(name: str, kind: str, api: Sourced) -> Draft:
    made = Draft({"name": Sourced(name), "kind": Sourced(kind), "api": api})
    when = (
        f"Written by chaos.init at {clock.utc_iso()}: each value says where it came from. What stands in comments was"
    )
    return made.noted("", when, "left open. What else can be said: docs/targets.md")


def _refuse_there(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise Refused(
            f"{path} is there already, and was not touched. Give another --name, or overwrite it with --force"
        )


def _write(path: Path, text: str) -> None:
    """The file, as a whole or not at all, once it is seen that it can be read as a target. Raises Refused."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".toml")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
            resolved(load(Path(made), f"file {path}"))
            os.chmod(made, 0o644)
            os.replace(made, path)
        finally:
            Path(made).unlink(missing_ok=True)
    except OSError as error:
        raise Refused(
            f"{path} can't be written: {error.strerror}. Start it in a folder that you may write to"
        ) from error


def _tell_next(path: Path, draft: Draft, given: Flags) -> None:
    target = load(path)
    servers = target.system.by_flags.servers if target.system.by_flags else ()
    if absent := [name for name in servers if name not in target.services]:
        how = "Start them and write it anew with --force, or say there where they are"
        writer.line(f"not in {path}: {', '.join(absent)}. {how}")
    missing = [name for name, one in target.system.declarations.items() if parts.is_open(draft, one, name)]
    if missing:
        writer.line(f"left open in {path}: {', '.join(missing)}. Say them there, or leave out what is told by them:")
        writer.line(f"  --without {','.join(missing)}")
    if (drills := _drills(target, missing)) != _CI_RUNS:
        writer.line(f"in CI, in place of {_CI_RUNS}:")
        writer.line(f"  CHAOS_DRILLS={drills}")
    if named := variables(tomllib.loads(path.read_text(encoding="utf-8"))):
        writer.line(f"CI must set: {', '.join(named)}")
    drill = next(iter(target.system.order), "NAME")
    writer.line("see what a drill would do, which touches nothing:")
    writer.line(f"  {invoke()} chaos.plan {target.kind}/{drill} --target {target.name}")
    writer.line("and run it:")
    writer.line(f"  {invoke()} {target.system.collection}.{drill} --target {target.name}")


def _drills(target: Target, missing: Sequence[str]) -> str:
    """The drills that CI can run on it as it is."""
    without = f" --without {','.join(missing)}" if missing else ""
    return f"{target.system.collection}.suite --keep-going{without}"
