"""The history as Elle reads it, and the verdicts that elle-cli's own examples are published with."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.commands import report
from blackstart.evidence.history import History, Row
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.model.experiment import Check
from blackstart.reports import elle
from blackstart.verdict.keyed_operations import Meaning
from blackstart.verdict.linearizability import Operation, Search
from blackstart.verdict.sequential_models import MODELS
from tests.unit.histories import history_of
from tests.unit.reports.drills import EXPERIMENT, Drill, told

VERBS = {"w": "write", "append": "append", "r": "read"}
WRITES = {"put-1": "1", "put-2": "2"}


def row(op: str, start_s: float, end_s: float, detail: str = "", status: int = 200, key: str = "k") -> Row:
    outcome: Any = "ok" if status < 400 else "fail" if status < 500 else "info"
    return Row(op, key, 1, start_s, start_s, end_s, outcome, status, "api", detail, "load/0")


def exported(history: History, **params: Any) -> list[dict[str, Any]]:
    """The events, each of which JSON keeps as it is."""
    made = list(elle.events(history, Meaning(**params)))
    assert json.loads(json.dumps(made)) == made
    return made


def read_back(events: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Operation]]:
    """The operations of such events, each of one key; the place of an event in the list is its time, as Elle has it."""
    open_: dict[int, tuple[int, list[Any]]] = {}
    for at, event in enumerate(events):
        if event["type"] == "invoke":
            assert event["process"] not in open_, "a process has one request under way"
            open_[event["process"]] = at, event["value"]
            continue
        start, asked = open_.pop(event["process"])
        assert len(asked) == len(event["value"]) == 1
        ((verb, key, value),) = event["value"]
        if event["type"] == "fail" or (event["type"] == "info" and verb == "r"):
            continue
        answer = tuple(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
        end = at if event["type"] == "ok" else math.inf
        did = Operation(VERBS[verb], None, answer, start, end) if verb == "r" else None
        yield key, did or Operation(VERBS[verb], str(value), None, start, end)


def verdict(model: str, events: Iterable[dict[str, Any]]) -> bool | None:
    keys: dict[str, list[Operation]] = {}
    for key, one in read_back(events):
        keys.setdefault(key, []).append(one)
    return all(Search(MODELS[model], operations, 10**6).run() for operations in keys.values())


def written(*lines: tuple[int, str, str, str, Any]) -> list[dict[str, Any]]:
    """Events of one key each: process, type, verb, key, value."""
    return [{"process": one, "type": kind, "f": "txn", "value": [list(rest)]} for one, kind, *rest in lines]


def one_by_one(*done: tuple[int, str, str, Any, str]) -> list[dict[str, Any]]:
    """Requests one after the other: process, verb, key, value, and how it ended."""
    return written(*(
        (one, kind, verb, key, value) for one, verb, key, value, end in done for kind in ("invoke", end)
    ))  # fmt: skip


# Names, histories and verdicts are those of https://github.com/ligurio/elle-cli, test/test-data (65c1464): all in
# which a request is one operation on one key. (A register's value that nobody wrote is none of Elle's anomalies, and is
# one of ours.)
PUBLISHED = {
    "rw-register-keys-linearizable-valid": (
        "register", True, one_by_one((0, "w", "x", 1, "ok"), (1, "r", "x", 1, "ok"))
    ),
    "rw-register-keys-linearizable-anomaly": (
        "register", False,
        one_by_one((0, "w", "x", 1, "ok"), (1, "r", "x", 2, "ok"), (0, "r", "x", 1, "ok")),
    ),
    "rw-register-partial-info": (
        "register", True,
        one_by_one((0, "w", "x", 1, "ok"), (1, "r", "x", 1, "info"), (2, "r", "x", 1, "info")),
    ),
    "rw-register-anomaly-g1a-aborted-read": (
        "register", False, one_by_one((0, "w", "x", 2, "fail"), (1, "r", "x", 2, "ok"))
    ),
    "rw-register-valid-overwrite-read": (
        "register", True, one_by_one((0, "w", "x", 1, "ok"), (0, "w", "x", 2, "ok"), (0, "r", "x", 2, "ok"))
    ),
    "rw-register-valid-read-nil": ("register", True, one_by_one((0, "r", "x", None, "ok"))),
    "rw-register-valid-single-write-read": (
        "register", True, one_by_one((0, "w", "x", 2, "ok"), (0, "r", "x", 2, "ok"))
    ),
    "rw-register-valid-write-only": ("register", True, one_by_one((0, "w", "x", 1, "ok"), (1, "w", "y", 2, "ok"))),
    "rw-register-keys-sequential-valid": (
        "register", True,
        one_by_one(*(
            (process, verb, key, value, "ok")
            for keys, values in (("xyz", (1, 2, 3)), ("yzx", (1, 2, 4)), ("zxy", (1, 3, 4)), ("xyz", (2, 3, 4)))
            for verb in "wr"
            for process, (key, value) in enumerate(zip(keys, values, strict=True))
        )),
    ),
    "rw-register-keys-sequential-anomaly": (
        "register", False, one_by_one((0, "r", "x", 1, "ok"), (0, "w", "x", 1, "ok"))
    ),
    "list-append-valid-single-append-read": (
        "list", True, one_by_one((0, "append", "1", 1, "ok"), (0, "r", "1", [1], "ok"))
    ),
    "list-append-valid-read-empty": ("list", True, one_by_one((0, "r", "1", [], "ok"))),
    "list-append-valid-append-only": (
        "list", True, one_by_one((0, "append", "1", 1, "ok"), (0, "append", "1", 2, "ok"))
    ),
    "list-append-valid-multiple-processes": (
        "list", True,
        one_by_one((0, "append", "1", 1, "ok"), (1, "append", "1", 2, "ok"), (2, "r", "1", [1, 2], "ok")),
    ),
    "list-append-valid-info-read": (
        "list", True, one_by_one((0, "append", "1", 1, "ok"), (0, "r", "1", None, "info"))
    ),
    "list-append-anomaly-incompatible-order": (
        "list", False,
        one_by_one(
            (0, "append", "1", 1, "ok"), (0, "append", "1", 3, "ok"), (1, "r", "1", [1, 3], "ok"),
            (0, "append", "1", 2, "ok"), (1, "r", "1", [1, 2, 3], "ok"),
        ),
    ),
    "list-append-anomaly-duplicate-elements": (
        "list", False, one_by_one((0, "append", "1", 1, "ok"), (1, "r", "1", [1, 1], "ok"))
    ),
    "list-append-anomaly-g1a-aborted-read": (
        "list", False, one_by_one((0, "append", "1", 1, "fail"), (1, "r", "1", [1], "ok"))
    ),
    "list-append-dirty-update-info-fail": (
        "list", False,
        one_by_one(
            *((0, "append", "1", at + 1, end) for at, end in enumerate(
                ["ok", "info", "info", "ok", "fail", "info", "fail", "fail", "ok", "info", "ok"]
            )),
            (1, "r", "1", list(range(1, 12)), "ok"),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_verdicts_of_elle_cli_are_ours(name: str) -> None:
    model, valid, events = PUBLISHED[name]
    assert verdict(model, events) is valid


def test_each_request_is_a_transaction_of_one_key_and_each_process_has_one_under_way() -> None:
    rows = [
        row("put-1", 1.0, 2.0), row("put-2", 1.5, 3.0, status=503), row("get", 2.5, 2.75, "1"),
        row("put-1", 2.5, 4.0, status=429), row("get", 5.0, 6.0, "", 404, "other"), row("unrelated", 1.0, 9.0),
    ]  # fmt: skip
    events = exported(history_of(rows), model="register", reads=["get"], writes=WRITES)
    assert [(one["type"], one["process"], one["time"], one["value"]) for one in events] == [
        ("invoke", 0, 0, [["w", "k", 1]]),
        ("invoke", 1, 500_000_000, [["w", "k", 2]]),
        ("ok", 0, 1_000_000_000, [["w", "k", 1]]),
        ("invoke", 0, 1_500_000_000, [["r", "k", None]]),
        ("invoke", 2, 1_500_000_000, [["w", "k", 1]]),
        ("ok", 0, 1_750_000_000, [["r", "k", 1]]),
        ("info", 1, 2_000_000_000, [["w", "k", 2]]),
        ("fail", 2, 3_000_000_000, [["w", "k", 1]]),
        ("invoke", 0, 4_000_000_000, [["r", "other", None]]),
        ("ok", 0, 5_000_000_000, [["r", "other", None]]),
    ]
    assert [one["index"] for one in events] == list(range(10)) and {one["f"] for one in events} == {"txn"}


def test_what_touches_is_told_as_overlapping() -> None:
    events = exported(
        history_of([row("put-1", 1, 2), row("get", 2, 3, "1")]), model="register", reads=["get"], writes=WRITES
    )
    assert [one["type"] for one in events] == ["invoke", "invoke", "ok", "ok"]


def test_a_list_and_an_idempotency_key_are_told_in_elles_words() -> None:
    rows = [row("put-1", 1, 2), row("put-2", 3, 4), row("get", 5, 6, '["1", "x"]')]
    events = exported(history_of(rows), model="list", reads=["get"], writes=WRITES)
    assert [one["value"] for one in events if one["type"] == "ok"] == [
        [["append", "k", 1]], [["append", "k", 2]], [["r", "k", [1, "x"]]],
    ]  # fmt: skip
    rows = [
        row("new", 1, 2, "s-1", 201),
        row("new", 3, 4, "s-1"),
        row("other", 5, 6, "", 409),
        row("new", 7, 8, "", 503),
    ]
    events = exported(history_of(rows), model="idempotency")
    assert [one["value"] for one in events if one["type"] == "ok"] == [
        [["r", "k", None], ["w", "k", "s-1"]], [["r", "k", "s-1"]],
    ]  # fmt: skip
    assert len(events) == 4  # a conflict and an unknown creation can't be said


ROWS = st.builds(
    lambda op, start, took, detail, status, key: row(op, start, start + took, detail, status, key),
    st.sampled_from(["put-1", "put-2", "get"]), st.integers(0, 9), st.integers(0, 6),
    st.sampled_from(["1", "2", "null"]), st.sampled_from([200, 200, 200, 429, 404, 503]),
    st.sampled_from(["a", "b"]),
)  # fmt: skip


@given(st.lists(ROWS, max_size=9))
def test_what_is_exported_has_the_verdict_of_what_it_was_made_from(rows: list[Row]) -> None:
    history, meaning = history_of(rows), Meaning("register", reads=["get"], writes=WRITES)
    ours = all(Search(MODELS["register"], operations, 10**6).run() for _, operations in meaning.by_key(history))
    assert verdict("register", elle.events(history, meaning)) is ours


def run_with(folder: Path, *checks: Check, rows: Iterable[Row] = ()) -> Path:
    path = told(Drill(experiment=EXPERIMENT.__class__(**{**vars(EXPERIMENT), "checks": checks})), folder)
    with HistoryWriter(path / "history.csv") as writer:
        for one in rows:
            writer.append(one)
    return path


def test_a_run_is_exported_beside_its_folder_as_one_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = Check("linearizable", "one_session", {"model": "idempotency"})
    path = run_with(tmp_path, check, rows=[row("new", 1, 2, "s-1", 201), row("new", 3, 4, "s-1")])
    assert report.export("", str(tmp_path), "", "") == 0
    made = path.with_name(f"{path.name}.elle.json")
    assert capsys.readouterr().out == f"{made}: 4 events, for elle-cli --model rw-register\n"
    assert [event["type"] for event in json.loads(made.read_text(encoding="utf-8"))] == ["invoke", "ok"] * 2
    empty = run_with(tmp_path / "empty", check)
    assert report.export(str(empty), str(tmp_path), "", str(tmp_path / "x.json")) == 0
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("checks", "asked", "why"),
    [
        ((), "", "it has no such check"),
        ((Check("linearizable", "a", {"model": "list"}),), "b", "--check must be one of a"),
        ((Check("linearizable", "a"), Check("linearizable", "b")), "", "--check must be one of a, b"),
        ((Check("linearizable", "a", {"model": "queue"}),), "", 'nobody knows the model "queue"'),
    ],
)
def test_a_run_whose_requests_mean_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], checks: tuple[Check, ...], asked: str, why: str
) -> None:
    run_with(tmp_path, *checks)
    assert report.export("", str(tmp_path), asked, "") == 40
    assert why in capsys.readouterr().err
    assert not list(tmp_path.glob("*.elle.json"))
