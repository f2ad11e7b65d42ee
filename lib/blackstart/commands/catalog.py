"""What `report.catalog` does: reads every run there is, and writes what they tell together."""

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from blackstart.base import writer
from blackstart.base.codec import from_data
from blackstart.base.errors import EXIT_HELD, Damaged, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.base.state import invoke
from blackstart.commands.answer import answering
from blackstart.evidence import journal, manifest, notes, runs
from blackstart.model.experiment import Experiment
from blackstart.model.verdict import Verdict
from blackstart.reports import blocks, catalog, catalog_text, observation

_RESULTS = "results/chaos.json"


@answering(of_record=True)
def write(redactor: Redactor, reports: str, out: str) -> int:
    """Write the catalog as Markdown and as a page, and print where."""
    found: list[catalog.Seen] = []
    left_out: list[tuple[str, str]] = []
    for folder in _each_once(Path(reports)):
        try:
            found.append(seen(folder))
        except (Damaged, OSError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            other = f"its record has another form ({type(error).__name__})"
            left_out.append((str(folder), str(error) if isinstance(error, Damaged) else other))
    if not found and not left_out:
        raise Refused(f"there are no runs in {reports}. Name another folder with --reports.")
    failures = catalog.failures(found)
    refused = sum(run.verdict == Verdict.REFUSED for run in found)
    made = list(catalog_text.blocks(failures, catalog.settings(failures), refused, left_out, invoke()))
    path = Path(out) if out else Path(reports) / "catalog.md"
    texts = {path: blocks.markdown(made), path.with_suffix(".html"): blocks.page("Failure catalog", made)}
    for file, text in texts.items():
        try:
            file.write_text(redactor(text), encoding="utf-8", errors="replace")
        except OSError as error:
            raise Refused(f"{file} can't be written: {error.strerror}. Name another file with --out.") from error
        writer.page(str(file.absolute()))
    writer.page(f"runs: {len(found)}, failures: {len(failures)}, runs left out: {len(left_out)}")
    return EXIT_HELD


def _each_once(reports: Path) -> list[Path]:
    """The runs, each in one place: of copies, as jobs hand them on, the one to which most was noted."""
    folders = sorted(runs.beneath(reports), key=_noted_bytes)
    return sorted({journal.anchor(folder) or str(folder): folder for folder in folders}.values())


def _noted_bytes(folder: Path) -> int:
    path = folder / notes.NAME
    return path.stat().st_size if path.is_file() else 0


def seen(folder: Path) -> catalog.Seen:
    """A run as it was sealed. Raises Damaged, and what a document of another form raises."""
    runs.refuse_endless(folder)
    head = runs.head(folder)
    if not all((folder / name).is_file() for name in (_RESULTS, manifest.NAME)):
        raise Damaged("it was killed before its end; `report.bundle` gives it the reports that it did not come to")
    data = (folder / _RESULTS).read_bytes()
    _refuse_altered(folder, hashlib.sha256(data).hexdigest())
    added = notes.read(folder)
    if added.damage:
        raise Damaged(f"its notes: {added.damage}")
    said: dict[str, Any] = {kind: added.of(kind) for kind in ("learning", "improvement")}
    document = json.loads(data)
    return catalog.seen(str(folder), head, document, _method(head, document), said)


def _refuse_altered(folder: Path, sha256: str) -> None:
    """Raise Damaged where the document is not the one that was sealed."""
    sealed = json.loads((folder / manifest.NAME).read_bytes())
    if {one["path"]: one["sha256"] for one in sealed["files"]}.get(_RESULTS) != sha256:
        raise Damaged(f"its {_RESULTS} is not what was sealed; `report.verify` tells more")


def _method(head: dict[str, Any], document: dict[str, Any]) -> str:
    """As the experiment declares it; of a class of the user's own that nobody loaded, what was broken alone."""
    whats = [one["stats"]["what"] for one in catalog.changes(document)]
    with contextlib.suppress(Damaged):
        made = from_data(head["experiment"])
        if isinstance(made, Experiment):
            return observation.method_of(made, whats)
    return f"{', '.join(whats) or 'not recorded'}."
