"""What a bundle says for itself to verifiers that know nothing of Blackstart: in-toto Statements. Pure.

A Statement is about its subjects, by their digests: the manifest, and through it every file of the run; what was
tested, where the operator has said that. The first is a test result as in-toto defines it. It knows no word between
passed and failed, so that only what held has passed; the exact verdict is in the second, of a type of our own.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from blackstart.evidence import manifest
from blackstart.model.finding import TOLD_ALONE
from blackstart.model.verdict import Verdict

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
VERDICT = "urn:blackstart:verdict:v1"


def of(sealed: Mapping[str, Any], results: Any) -> dict[str, dict[str, Any]]:
    """The Statements on a bundle by their kinds, as in `manifest.SIGSTORE`: `sealed` is its manifest, `results` what is
    in its results/chaos.json, None where there is none that can be read."""
    tests = [*_tests(results)]
    predicates: dict[str, tuple[str, dict[str, Any]]] = {
        "test-result": (TEST_RESULT, _test_result(sealed, tests)),
        "verdict": (VERDICT, _verdict(sealed, tests)),
    }
    subject = {"name": manifest.NAME, "digest": {"sha256": hashlib.sha256(manifest.canonical(sealed)).hexdigest()}}
    return {
        kind: {"_type": STATEMENT, "subject": [subject, *sealed["tested"]], "predicateType": type_, "predicate": said}
        for kind, (type_, said) in predicates.items()
    }


def _tests(results: Any) -> Iterator[tuple[str, str]]:
    """(scenario/phase/name, what it came to) of every expectation and check. What is not of that form is left out: the
    manifest binds the file, whatever is in it."""
    for scenario in _tables(results, "scenarios"):
        for one in _tables(scenario, "assertions"):
            place = (scenario.get("name"), one.get("type"), one.get("name"))
            yield "/".join(map(str, place)), str(one.get("result"))


def _tables(data: Any, key: str) -> Iterator[dict[str, Any]]:
    found = data.get(key) if isinstance(data, dict) else None
    yield from (item for item in (found if isinstance(found, list) else []) if isinstance(item, dict))


def _test_result(sealed: Mapping[str, Any], tests: list[tuple[str, str]]) -> dict[str, Any]:
    kinds = {Verdict.HELD: "passedTests", **dict.fromkeys(TOLD_ALONE, "warnedTests")}
    lists: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for name, result in tests:
        lists[kinds.get(result, "failedTests")].append(name)
    made_of = (("experiment", sealed["spec"]), ("target", sealed["target"]))
    return {
        "result": "PASSED" if sealed["verdict"] == Verdict.HELD else "FAILED",
        "configuration": [
            {"name": f"{what}/{told.get('name')}", "digest": {"sha256": told.get("sha256")}} for what, told in made_of
        ],
        **lists,
    }


def _verdict(sealed: Mapping[str, Any], tests: list[tuple[str, str]]) -> dict[str, Any]:
    known = {str(verdict): verdict.exit_code for verdict in Verdict}
    return {
        "run": sealed["run"],
        "bundleId": sealed["bundleId"],
        "generatedAt": sealed["generatedAt"],
        "verdict": sealed["verdict"],
        "exitCode": known.get(sealed["verdict"]),
        "reason": sealed["reason"],
        "expectations": [{"name": name, "result": result} for name, result in tests],
    }
