"""What a run came to as data for programs, in a versioned form: see "The result as JSON" in docs/ci.md. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from blackstart.base import clock
from blackstart.base.printable import one_line
from blackstart.model import verdict
from blackstart.model.verdict import Verdict
from blackstart.reports import standing
from blackstart.reports.story import RunView
from blackstart.reports.words import result

SCHEMA = 1
"""Raised where a field goes, or comes to mean another thing; not where one is added."""


def of_run(view: RunView, exit_code: int) -> dict[str, Any]:
    """A run that has a record. `exit_code`: of its process, which a signal makes another than the verdict's."""
    judgement, how = view.judgement, standing.of(view)
    return blank(view.name, judgement.verdict, exit_code, how.cause) | {
        "follows": how.follows,
        "besides": list(how.besides),
        "left_out": list(how.left_out),
        "still_broken": list(how.still_broken),
        "down": list(how.down),
        "trading": how.trading,
        "state": how.state,
        "abort": how.abort,
        "mend_first": list(how.first),
        "resume": how.resume,
        "lifted": how.lifted,
        "next": how.next,
        "target": view.target["name"],
        "run": view.run,
        "id": view.run_id,
        "began": clock.utc_iso(view.utc(view.from_s)),
        "took_s": round(view.to_s - view.from_s, 3),
        "faults": [change.what for change in view.changes],
        "restored": view.restored,
        "reasons": list(judgement.reasons),
        "expectations": [
            {"phase": f.phase, "name": f.name, "result": result(f), "expected": f.expected, "message": f.message}
            for f in judgement.findings
        ],
        "evidence": str(view.where),
        "log": str(view.where.with_name(f"{view.where.name}.log")),
        "again": view.again,
    }


def blank(experiment: str, came_to: Verdict | None, exit_code: int | None, cause: str) -> dict[str, Any]:
    """One without a record: refused before it began, or not run at all. Each field of a run is there, and says so."""
    return {
        "experiment": experiment,
        "target": None,
        "verdict": came_to,
        "exit_code": exit_code,
        "cause": cause,
        "follows": 0,
        "besides": [],
        "left_out": [],
        "still_broken": [],
        "down": [],
        "trading": "",
        "state": "",
        "abort": "",
        "mend_first": [],
        "resume": "",
        "lifted": "",
        "next": "",
        "run": None,
        "id": None,
        "began": None,
        "took_s": None,
        "faults": [],
        "restored": None,
        "reasons": [cause] if cause else [],
        "expectations": [],
        "evidence": None,
        "log": None,
        "again": None,
    }


def message(run: Mapping[str, Any], where: str, job: str) -> dict[str, Any]:
    """What a webhook is sent of a run: `text` as Slack, Mattermost and their like show it, `blackstart` for all others.
    `where` is the machine's name, `job` the URL of the pipeline's job, "" where it is none's.

    `text` has no line that Slack would read as markup: what a target says is no mention of everybody.
    """
    came_to = verdict.of(run["verdict"])
    said = f"{came_to.sign} {run['experiment']} on {run['target']}: {came_to.shown}"
    many = "1 expectation follows" if run["follows"] == 1 else f"{run['follows']} expectations follow"
    follows = f" ({many} from it)" if run["follows"] else ""
    lines = [said, f"{run['cause']}{follows}", *(f"STILL BROKEN: {line}" for line in run["still_broken"])]
    lines += [f"DOWN: {line}" for line in run["down"]]
    lines += [run["trading"], f"evidence: {run['evidence']}", f"on {where}", f"job: {job}" if job else ""]
    lines += [f"first: {line}" for line in run["mend_first"] if line != run["next"]]
    lines += [f"first: {run['lifted']}" if run["lifted"] else ""]
    lines += [f"{'heal' if run['still_broken'] else 'next'}: {run['next']}" if run["next"] else ""]
    again = "resume, once that is done" if run["mend_first"] else "resume"
    lines += [f"{again}: {run['resume']}" if run["resume"] else ""]
    text = "\n".join(one_line(line) for line in lines if line)
    for sign, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, entity)
    return {"text": text, "blackstart": {"schema": SCHEMA, "kind": "run", "where": where, "job": job, **run}}


def line(data: dict[str, Any]) -> str:
    """It as one line of ASCII that no printer has to change: what steers a CI server (`##[`) is written as a number."""
    return json.dumps(data, ensure_ascii=True).replace("##", "#\\u0023")
