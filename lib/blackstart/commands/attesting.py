"""What the report tasks do by which others can trust a run: verify it, bundle it, make the key that signs it."""

import os
from collections.abc import Iterator
from pathlib import Path

from blackstart.base import clock, writer
from blackstart.base.console import Console
from blackstart.base.errors import EXIT_BROKE, EXIT_HELD, Damaged, Refused
from blackstart.base.printable import table as tabular
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke
from blackstart.commands import user_experiment
from blackstart.commands.answer import answering
from blackstart.engine import recording
from blackstart.evidence import archive, attestation, folder, journal, manifest, runs, signing, verify
from blackstart.evidence.events import EventName
from blackstart.evidence.found import Found
from blackstart.model.verdict import Verdict
from blackstart.verdict import from_folder
from blackstart.verdict.judge import Judgement


@answering(of_record=True)
def check(_: Redactor, run: str, reports: str, key: str = "", experiment: str = "") -> int:
    """Verify a run's files, and the chain of all bundles beside it; or one zip. With a `key`, also that it has signed
    them; with the file of the user's own `experiment`, a run of that is judged again, too. 0 all as sealed, 20
    something wrong, 30 unsure."""
    known = signing.public(Path(key)) if key else None
    zipped = next((path for path in (Path(reports, run), Path(run)) if archive.is_zip(path)), None)
    if zipped:
        try:
            with archive.unpacked(zipped) as unpacked:
                found = [*verify.verify(unpacked, known), *_judged_again(unpacked, experiment)]
        except Damaged as damage:
            found = [Found("wrong", zipped.name, str(damage))]
        return _told(zipped.name, found)
    path = runs.find(run, Path(reports))
    if strange := [Found("wrong", os.path.relpath(one, path), what) for one, what in runs.endless(path)]:
        return _told(path.name, strange)
    found = [*verify.verify(path, known), *verify.verify_chain(path.parent), *_judged_again(path, experiment)]
    return _told(path.name, found)


def _told(name: str, found: list[Found]) -> int:
    writer.page(*tabular([(item.level, item.where, item.what) for item in found], tablefmt="plain"))
    code = verify.exit_code(found)
    first = next((f"{item.where} {item.what}" for item in found if item.level == "wrong"), "")
    told = {EXIT_HELD: "every file is as it was sealed", EXIT_BROKE: f"SOMETHING IS WRONG, first of all: {first}"}
    writer.page(f"{name}: {told.get(code, 'nothing is known to be wrong, but not all can be told: see above')}")
    return code


def _judged_again(path: Path, experiment: str) -> Iterator[Found]:
    """Whoever forges a bundle can make all its hashes fit: what was sealed as held or broke must be judged so again."""
    try:
        said = manifest.read(path)["verdict"]
    except Damaged:
        return  # which is said
    if doubt := _doubt(path, said, experiment):
        yield Found("unsure", manifest.NAME, doubt)


def _doubt(path: Path, said: str, experiment: str) -> str:
    """Why that verdict on a run is not the one that its record gives; "" where it is. Only these two are certain to
    be judged again as they were: of all others something may have been mended, or found out, since."""
    if said not in (Verdict.HELD, Verdict.BROKE):
        return ""
    try:
        if experiment:
            user_experiment.load(experiment, path)
        user_experiment.demand(path)
    except Damaged as damage:
        return f"says {said}, and it can't be judged again: {damage}"
    again = from_folder.judge_folder(path).verdict
    return "" if again == said else f"says {said}, and judged again it is {again.shown}: see `report.judge`"


@answering(of_record=True)
def bundle(redactor: Redactor, run: str, reports: str, out: str, experiment: str = "") -> int:
    """Make one zip of a run that is as it was sealed; one that was killed is sealed first."""
    signer = signing.from_environ(os.environ)
    path = _find(run, reports)
    if not (path / manifest.NAME).exists():
        if _wrong(path):
            return EXIT_BROKE
        _seal(path, experiment, redactor)
    elif signer:
        _sign(path, signer, experiment)
    if _wrong(path):
        return EXIT_BROKE
    file = Path(out) if out else path.with_name(f"{path.name}.zip")
    if file.absolute().is_relative_to(path.absolute()):
        raise Refused(f"{file} is inside of the run; write it elsewhere with --out")
    try:
        digest = archive.pack(path, file)
    except OSError as error:
        raise Refused(f"the bundle can't be written to {file}: {error.strerror}. Name a file with --out.") from error
    writer.page(f"{file.absolute()}: sha256 {digest}")
    key = " --key FILE.pub" if attestation.signed_by(path) else ""
    writer.page(f"verify it with: {invoke()} report.verify --run {file}{key}")
    return EXIT_HELD


def _wrong(path: Path) -> bool:
    """Whether a run is not as it was sealed, or recorded; then that is told."""
    found = verify.verify(path)
    return verify.exit_code(found) == EXIT_BROKE and _told(path.name, found) != EXIT_HELD


def _seal(path: Path, experiment: str, redactor: Redactor) -> None:
    """Give a run that was killed the reports, the manifest and the verdict that it did not come to. Raises Refused
    while it, or its guardian, is at work."""
    with folder.at_work(path) as free:
        if not free:
            raise Refused(f"{path}: the run, or its guardian, is still at work there; what is broken: chaos.status")
        if experiment:
            user_experiment.load(experiment, path)
        user_experiment.demand(path)
        record = journal.read(path / "journal.jsonl")
        last = record.last(EventName.VERDICT)
        judgement = from_folder.judge_folder(path) if last else from_folder.judge_killed(path)
        if last:
            _refuse_doubtful(path, str(last["verdict"]), "")
            given = next(verdict for verdict in Verdict if verdict == last["verdict"])
            judgement = Judgement(given, tuple(last["reasons"]), judgement.findings)
        of = folder.Folder(path.name, path, clock.utc_now())
        recording.write(of, recording.view_of(of, judgement), Console(True, redactor))
    if not (path / manifest.NAME).exists():
        raise Refused(f"{path} could not be sealed: see above")
    writer.page(f"sealed: {path.name}, {judgement.verdict.shown}: {'; '.join(judgement.reasons)}")


def _refuse_doubtful(path: Path, said: str, experiment: str) -> None:
    """Raise Damaged where our name would stand under a verdict that the run's record does not give."""
    if doubt := _doubt(path, said, experiment):
        raise Damaged(f"{path.name} is not bundled: it {doubt}")


def _sign(path: Path, signer: signing.Signer, experiment: str) -> None:
    """Sign what is sealed, where nobody has signed it yet. Raises Damaged for what is not judged again as it says."""
    sealed, by = manifest.read(path), attestation.signed_by(path)
    if by and by != signer.keyid:
        writer.page(f"signed already, by the key {by}, and left so")
    elif not by and sealed["schemaVersion"] == manifest.SCHEMA:
        _refuse_doubtful(path, sealed["verdict"], experiment)
        attestation.write(path, sealed, signer)


@answering(of_record=True)
def keygen(_: Redactor, out: str) -> int:
    """Make a key, and say what to do with it."""
    file = Path(out)
    public, keyid = signing.make(file)
    writer.page(
        f"{file}: the private key, yours alone: {signing.VARIABLE}={file} signs what runs leave",
        f"{public}: the public key, for those who verify it: report.verify --key {public}",
        f"its id: {keyid}",
    )
    return EXIT_HELD


def _find(run: str, reports: str) -> Path:
    found = runs.find(run, Path(reports))
    runs.refuse_endless(found)
    return found
