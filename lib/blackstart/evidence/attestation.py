"""What stands beside a manifest: the Statements on it, signed where there is a key, and whether they still say so.

`manifest.json.intoto.jsonl` has one Statement a line: in its DSSE envelope where it is signed, bare where it is not, so
that nobody's verifier takes it for one that is. A signed one is a Sigstore bundle, too, in a file of its own. Nothing
in them is free: a Statement follows from the manifest and results/chaos.json, a signature from that and the key.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from blackstart.evidence import dsse, manifest, statements
from blackstart.evidence.found import Found, unread
from blackstart.evidence.manifest import SIGSTORE, STATEMENTS, canonical
from blackstart.evidence.signing import Signer, Verifier

RESULTS = "results/chaos.json"


def write(folder: Path, sealed: Mapping[str, Any], signer: Signer | None) -> None:
    """Put the Statements on the disk, in the place of those that are there. Raises OSError."""
    lines = []
    for kind, payload in _payloads(folder, sealed).items():
        (folder / SIGSTORE[kind]).unlink(missing_ok=True)
        if signer is None:
            lines.append(payload)
            continue
        made = dsse.envelope(payload, signer.keyid, signer.sign(dsse.encoding(payload)))
        lines.append(canonical(made))
        (folder / SIGSTORE[kind]).write_bytes(canonical(dsse.sigstore_bundle(made)))
    (folder / STATEMENTS).write_bytes(b"".join(line + b"\n" for line in lines))


def signed_by(folder: Path) -> str:
    """The id of the key that the Statements of a folder name as theirs, checked by nobody; "" where there is none."""
    with suppress(OSError, ValueError, RecursionError):
        return dsse.signature_of(json.loads(manifest.small(folder / STATEMENTS).partition(b"\n")[0]))[0]
    return ""


def check(folder: Path, sealed: Mapping[str, Any], key: Verifier | None) -> Iterator[Found]:
    """Whether they are what follows from manifest and results, and signed by `key`, where one is given."""
    if sealed["schemaVersion"] != manifest.SCHEMA:
        yield from (Found("wrong", name, "was added: bundles of that form have none") for name in _there(folder))
        yield Found("wrong" if key else "note", manifest.NAME, "is unsigned, as all bundles of that form")
        return
    try:
        data = manifest.small(folder / STATEMENTS)
    except OSError as error:
        yield unread(STATEMENTS, error)
        return
    payloads = _payloads(folder, sealed)
    lines = data.split(b"\n")
    if len(lines) != len(payloads) + 1 or lines[-1]:
        yield Found("wrong", STATEMENTS, f"has {len(lines) - 1} lines, and should have {len(payloads)}")
        return
    found = [
        item
        for place, (kind, payload) in enumerate(payloads.items())
        for item in _line(folder, kind, payload, lines[place], f"line {place + 1}", key)
    ]
    unsigned = sum(line == payload for line, payload in zip(lines, payloads.values(), strict=False))
    if 0 < unsigned < len(payloads):
        yield Found("wrong", STATEMENTS, "is signed in part only")
    elif unsigned:
        told = "are unsigned: whoever can write to the folder can have made them"
        yield Found("wrong" if key else "note", STATEMENTS, f"{told}; --key asks for a signature" if key else told)
    elif not key and not found:
        told = f"is signed by the key {signed_by(folder)}, which was not checked: name it with --key FILE"
        yield Found("note", STATEMENTS, told)
    elif key and not found:
        yield Found("note", STATEMENTS, f"is signed by the key {key.keyid}, which is the given one")
    yield from found


def _line(folder: Path, kind: str, payload: bytes, line: bytes, place: str, key: Verifier | None) -> Iterator[Found]:
    """What is wrong with one Statement, and with the Sigstore bundle of it."""
    beside = folder / SIGSTORE[kind]
    if line == payload:
        if os.path.lexists(beside):
            yield Found("wrong", beside.name, "was added: the Statement is unsigned")
        return
    try:
        made = json.loads(line)
    except (ValueError, RecursionError):
        yield Found("wrong", STATEMENTS, f"{place} is not JSON")
        return
    if not isinstance(made, dict) or "payload" not in made:
        yield Found("wrong", STATEMENTS, f"{place} is not what follows from the bundle: {_difference(payload, made)}")
        return
    try:
        keyid, signature = dsse.signature_of(made)
    except ValueError as error:
        yield Found("wrong", STATEMENTS, f"the signature in {place} can't be read: {error}")
        return
    if canonical(dsse.envelope(payload, keyid, signature)) != line:
        signed = dsse.payload_of(made)
        told = _difference(payload, signed) if signed != json.loads(payload) else "it is written in another way"
        yield Found("wrong", STATEMENTS, f"{place} is not what follows from the bundle: {told}")
        return
    if key and keyid != key.keyid:
        yield Found("wrong", STATEMENTS, f"{place} is signed by the key {keyid}, and the given one is {key.keyid}")
    elif key and not key.signed(dsse.encoding(payload), signature):
        yield Found("wrong", STATEMENTS, f"the signature in {place} is not that of the key {keyid}")
    try:
        if manifest.small(beside) != canonical(dsse.sigstore_bundle(made)):
            yield Found("wrong", beside.name, f"was altered: it is not {place} of {STATEMENTS} as a Sigstore bundle")
    except OSError as error:
        yield unread(beside.name, error)


def _difference(payload: bytes, there: Any) -> str:
    """The first field in which two documents differ, as `predicate.result is "PASSED", and should be "FAILED"`."""
    return next(_differences("", json.loads(payload), there), "it is written in another way")


def _differences(at: str, wanted: Any, there: Any) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(there, dict):
        for key in sorted({*wanted, *there}):
            if (key in wanted) != (key in there):
                yield f"{at}{key} is {'missing' if key in wanted else 'too much'}"
            else:
                yield from _differences(f"{at}{key}.", wanted[key], there[key])
    elif wanted != there:
        told, other = (text if len(text) <= 80 else f"{text[:79]}…" for text in map(json.dumps, (there, wanted)))
        yield f"{at.rstrip('.') or 'it'} is {told}, and should be {other}"


def _payloads(folder: Path, sealed: Mapping[str, Any]) -> dict[str, bytes]:
    return {kind: canonical(statement) for kind, statement in statements.of(sealed, results(folder)).items()}


def results(folder: Path) -> Any:
    """What is in a run's results/chaos.json; None where that can't be read."""
    with suppress(OSError, ValueError, RecursionError):
        return json.loads(manifest.small(folder / RESULTS))
    return None


def _there(folder: Path) -> list[str]:
    return [name for name in manifest.ATTESTED if os.path.lexists(folder / name)]
