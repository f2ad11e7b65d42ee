"""What a task came to, as one line of JSON: the last of its standard output, where --json asks for it."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from blackstart.base import writer
from blackstart.base.errors import BlackstartError, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import suite_summary
from blackstart.commands.answer import INTERRUPTED, Terminated, code_of, terminable
from blackstart.evidence import journal
from blackstart.model import flags
from blackstart.model.verdict import Verdict
from blackstart.reports import documents, result_json, standing
from blackstart.reports.story import RunView
from blackstart.suites import systems
from blackstart.verdict.from_folder import Result

_STANDS = (("state", "trading"), ("resume", "resume"))


def view_of(result: Result) -> RunView:
    """A run that has a record. Raises Damaged, or anything else, where that can't be read."""
    path = result.evidence.path
    record = journal.read(result.evidence.journal)
    return RunView(record, result.judgement, path, documents.guardian_of(path), systems.of)


class JsonOutput:
    """Gathers what is to be told. `wanted`: somebody reads it. `name`: what the one run is asked for by."""

    def __init__(self, wanted: bool, name: str = "") -> None:
        self.wanted = wanted
        self.name = name
        self.runs: list[dict[str, Any]] = []
        self.head: dict[str, Any] = {}
        self.headlines: list[tuple[str, str]] = []

    def ran(self, result: Result, title: str = "") -> int:
        """A run has ended, called `title` in its suite, which tells of it, too. Returns its exit code."""
        if self.wanted or title:
            told, headline = self._of(result)
            self.runs.append(told | ({"experiment": title} if title else {}))
            if result.exit_code:
                self.headlines.append((title, headline))
        return result.exit_code

    def _of(self, result: Result) -> tuple[dict[str, Any], str]:
        """What its record says, with the headline; what the judgement says, where the record can't be read."""
        try:
            view = view_of(result)
            return result_json.of_run(view, result.exit_code), standing.of(view).headline
        except Exception:  # the judgement has told already what is wrong with it, and the run has its verdict
            judgement, path = result.judgement, result.evidence.path
            cause = next(iter(judgement.reasons), judgement.verdict.says)
            told = result_json.blank(self.name, judgement.verdict, result.exit_code, cause)
            return told | {"reasons": list(judgement.reasons), "run": result.evidence.run, "evidence": str(path)}, cause

    def ends(self) -> list[tuple[str, str]]:
        """(what it is about, what is said of it) of all that did not hold, and of how the system stands now."""
        seen: dict[str, Any] = next((run for run in reversed(self.runs) if run["trading"]), {})
        first = [("mend first", line) for line in seen.get("mend_first", ())]
        state, resume = ([(about, seen[field])] if seen.get(field) else [] for about, field in _STANDS)
        return [*self.headlines, *state, *first, *resume]

    def paused_by(self) -> str:
        """Which run has carried out PAUSE_ON_FAIL, in a sentence; "" where none has."""
        asked = next((run for run in self.runs if run["abort"] not in ("", "not asked for")), None)
        if not asked:
            return ""
        came = "has paused" if asked["abort"] == "paused" else "was to pause"
        return f"{asked['experiment']} {came} trading (PAUSE_ON_FAIL)"

    def left_out(self, title: str, why: str, verdict: Verdict | None = None) -> None:
        """An experiment has no run: it was refused, or not even tried."""
        code = verdict.exit_code if verdict else None
        self.runs.append(result_json.blank(title, verdict, code, why.removeprefix("Not started: ")))
        if verdict:
            self.headlines.append((title, why.partition("\n")[0]))

    def interrupted(self, title: str, code: int) -> None:
        """An experiment was interrupted before it had a run."""
        self.runs.append(result_json.blank(title, None, code, INTERRUPTED))

    def ended(self, code: int) -> int:
        """Several have been run, with this exit code of all: its cause is that of the first run with it."""
        codes = (code, Verdict.REFUSED.exit_code) if code else ()  # beside others, a refused one is missing data
        causes = (run["cause"] for each in codes for run in self.runs if run["exit_code"] == each)
        self.head = {"verdict": suite_summary.verdict_of(code), "exit_code": code, "cause": next(causes, "")}
        return code


@contextlib.contextmanager
def of_run(options: Mapping[str, Any], redactor: Redactor, name: str) -> Iterator[JsonOutput]:
    """Of a task that runs one experiment; also where it is refused, interrupted, or fails by a mistake."""
    last = JsonOutput(flags.wants_json(options), name)
    try:
        with terminable():
            yield last
    except (Exception, KeyboardInterrupt, Terminated) as error:
        _print(last, redactor, "run", result_json.blank(name, *_came_to(error)))
        raise
    _print(last, redactor, "run", last.runs[-1] if last.runs else {})


@contextlib.contextmanager
def of_suite(options: Mapping[str, Any], redactor: Redactor, task: str) -> Iterator[JsonOutput]:
    """Of a task that runs several; also where it is refused, interrupted, or fails by a mistake."""
    last = JsonOutput(flags.wants_json(options))
    try:
        with terminable():
            yield last
    except (Exception, KeyboardInterrupt, Terminated) as error:
        last.head = dict(zip(("verdict", "exit_code", "cause"), _came_to(error), strict=True))
        raise
    finally:
        _print(last, redactor, "suite", {"suite": task, **last.head, "runs": last.runs})


def _came_to(error: BaseException) -> tuple[Verdict | None, int, str]:
    if isinstance(error, KeyboardInterrupt | Terminated):
        return None, code_of(error), INTERRUPTED
    if isinstance(error, BlackstartError):
        told = str(error if isinstance(error, Refused) else Refused(error))
        return Verdict.REFUSED, Verdict.REFUSED.exit_code, told.removeprefix("Not started: ")
    return None, Verdict.INCONCLUSIVE.exit_code, f"{type(error).__name__}: {error}"  # a mistake of ours is no verdict


def _print(last: JsonOutput, redactor: Redactor, kind: str, data: Mapping[str, Any]) -> None:
    if last.wanted:
        told = redactor.scrub({"schema": result_json.SCHEMA, "kind": kind, **data})
        writer.line(result_json.line(told))
