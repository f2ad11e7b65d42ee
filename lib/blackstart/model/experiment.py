"""An experiment as a declaration: hypothesis, faults, load, expectations, checks."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from blackstart.base.codec import plain
from blackstart.model.expect import Condition, Expectation
from blackstart.model.reading import Probe
from blackstart.model.step import Step


@plain("check")
class Check:
    """A pure function over history and final state, by name (see `blackstart.verdict.checks`), with its parameters.

    A `premise` is part of the proof that the fault took effect: where it does not hold the run is inconclusive,
    whatever else was seen.
    """

    check: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    hint: str = ""
    criterion: bool = True
    premise: bool = False


@plain("traffic")
class Traffic:
    """A load and when it flows.

    `throughout`: from the baseline to the end of the recovery. `fault`: as the fault itself or in place of one, until
    it has ended by itself. `recovery`: from the moment that the undo is proved, until it has ended by itself.

    `k6` is what a k6 script of the user's is given, in a `loads.K6`, where it can take this load's place although that
    has several operations; None where it can't.
    """

    load: Any
    flows: Literal["throughout", "fault", "recovery"] = "throughout"
    k6: Any = None


@plain("log_row")
class LogRow:
    """One row of the CSV log: what `probe` read last before the fault, during it, or at the end; at `peak` the highest.

    `words` translate readings, as in {"200": "ready", "503": "not_ready"}; numbers have `digits` decimals.
    """

    key: str
    probe: str
    at: Literal["before", "fault", "peak", "end"]
    words: Mapping[str, str] = field(default_factory=dict)
    digits: int = 0


@plain("evidence_row")
class EvidenceRow:
    """One row of `observed_results.md` and of the page: `text` is what was to be measured or done, `shows` the name of
    what tells it (see `blackstart.reports.observed`), with `params`. One with a `part` (Pre-test, …) is a row of the
    check list under that heading."""

    text: str
    shows: str
    params: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""


@plain("experiment")
class Experiment:
    """A hypothesis and what is needed to test it.

    `faults` are injected together, in order, and undone in reverse order. `baseline` must hold before anything is
    touched; `during` while the fault is in force; `recovery` after the undo; `always` from the fault to the end;
    `drained` once the load has ended: what it left in queues is worked off, before `collect` is read.
    `prepare` is carried out before the baseline, and not undone: it sets what belongs to the drill alone (a stock, an
    account).
    `stop_if` ends the fault at once; `refuse_if` refuses the run before anything is touched; `link` is how it is proved
    that a service is the target's own (see `blackstart.model.link`). `collect` names probes that are read once, at the
    end, for the checks; `collect_before`, those that are read once before anything is broken, to be compared with them.
    `hold_min_s` is how long the fault is in force at least, `hold_max_s` at most. `settle_s` is how long the system is
    watched after it has recovered: as long as its own slow work needs (a lock's refresh, its longest backoff, a
    heartbeat) to show that it does not stay.
    `needs` are what criteria of it are told by and only the target's file can say: a name of the system's
    `declarations`, and the names of these criteria; none where without it nothing of the experiment is left. `left_out`
    are those of them that this run does without because the operator chose so.
    `ends` names services that its own load may end or restart, besides those that its faults touch: they are no
    bystanders, which must be afterwards what they were before.
    """

    name: str
    target: str
    hypothesis: str
    baseline: tuple[Expectation, ...] = ()
    faults: tuple[Any, ...] = ()
    during: tuple[Expectation, ...] = ()
    recovery: tuple[Expectation, ...] = ()
    drained: tuple[Expectation, ...] = ()
    always: tuple[Expectation, ...] = ()
    stop_if: tuple[Condition, ...] = ()
    refuse_if: tuple[Condition, ...] = ()
    link: tuple[Any, ...] = ()
    prepare: tuple[Step, ...] = ()
    traffic: Traffic | None = None
    checks: tuple[Check, ...] = ()
    collect: tuple[Probe, ...] = ()
    collect_before: tuple[Probe, ...] = ()
    watch: tuple[Probe, ...] = ()
    log_rows: tuple[LogRow, ...] = ()
    log_title: str = ""
    log_facts: tuple[tuple[str, str], ...] = ()
    evidence_rows: tuple[EvidenceRow, ...] = ()
    hold_min_s: float = 1.0
    hold_max_s: float = 120.0
    settle_s: float = 5.0
    read_timeout_s: float = 2.0
    undo_timeout_s: float = 60.0
    total_max_s: float = 900.0
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ends: tuple[str, ...] = ()
