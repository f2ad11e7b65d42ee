"""The summary of a run with a load, in the form of the gateway's plan: baseline, fault injection, recovery. Pure."""

from collections.abc import Iterator, Sequence

from blackstart.evidence.history import History
from blackstart.reports import breaker, fates, figures, gauges, observation, observed, standing, stretches
from blackstart.reports.fates import PhaseFigures
from blackstart.reports.markdown import cell, code, grid, standing_lines
from blackstart.reports.story import RunView
from blackstart.reports.words import ms, verdict_says

NAME = "summary.md"


def text(view: RunView, history: History) -> str:
    phases = fates.by_phase(history, view.phases, view.system, view.usual)
    of = {each.phase: each for each in phases}
    damage = f" {history.unreadable} lines of the history can't be read." if history.unreadable else ""
    parts = [
        *_head(view),
        "- **Baseline (No Fault)**:",
        *_figures(of.get("baseline")),
        *_fault(view, of.get("fault")),
        *_recovery(view, of.get("recovery")),
        "",
        *_table(phases),
        "",
        *_stretches(view, history),
        *_observed(view, history),
        *_gauges(view),
        f"{view.latencies_text}{damage}",
    ]
    return "\n".join(parts) + "\n"


def _head(view: RunView) -> Iterator[str]:
    yield f"# {cell(view.name)} on {cell(view.target['name'])}: {view.judgement.verdict.shown}"
    yield ""
    yield f"**Run ID**: {code(view.run_id)}"
    what = ", ".join(change.what for change in view.changes) or "no fault"
    yield f"**Scenario**: {cell(view.name)} ({cell(what)})"
    yield f"**Began**: {view.began_text}, evidence {code(view.run)}"
    yield f"**Verdict**: {view.judgement.verdict.shown}. {verdict_says(view)}"
    yield from standing_lines(standing.of(view))
    yield from (f"- {cell(reason)}" for reason in view.judgement.reasons)
    yield ""
    yield f"**Hypothesis**: {cell(observation.hypothesis(view))}"
    yield f"**Method**: {cell(observation.method(view))}"
    yield "**Observation**:"
    yield ""
    yield from (f"- {cell(line)}" for line in observation.lines(view))
    yield ""


def _figures(of: PhaseFigures | None) -> Iterator[str]:
    if of is None:
        yield "  - no requests were due"
        return
    yield f"  - RPS: {of.rate_per_s:.0f}"
    others = [f"{fate.share:.1%} ({fate.name.title()})" for fate in of.fates if fate.name != "served"]
    yield f"  - Success Rate: {of.success:.1%}" + (f": {' / '.join(others)}" if others else "")
    if of.sent:
        yield f"  - Availability: {of.available / of.sent:.2%} ({of.available} of {of.sent} sent)"
    waits = [
        f"{fate.p95_ms:.1f}ms" + (f" ({fate.name.title()})" if fate.name != "served" else "")
        for fate in of.fates
        if fate.p95_ms is not None
    ]
    yield f"  - P95 Latency: {' / '.join(waits) or 'nothing was answered'}"


def _fault(view: RunView, of: PhaseFigures | None) -> Iterator[str]:
    times = view.times
    from_s, to_s = view.bit_s() or times.did_s, times.undid_s
    if from_s is None:
        yield "- **Fault Injection**: the run did not get there"
        return
    until = view.offset(to_s)[:5] if to_s is not None else "never undone"
    yield f"- **Fault Injection ({view.offset(from_s)[:5]} - {until})**:"
    yield f"  - Fault: {', '.join(code(change.what) for change in view.changes) or 'none'}"
    seen = breaker.changes(view)
    for change in seen[1:]:
        if change.at_s >= from_s and (to_s is None or change.at_s < to_s):
            told = f"changed to **{cell(change.state)}** at {_when(view, change)}"
            yield f"  - Observed Behavior: Circuit Breaker State {told}."
    took = breaker.steps(view, seen).to_open_s
    if took is not None:
        yield f"  - Time To Open: {took:.2f}s after the fault took effect"
    for mark in view.transitions:
        if mark.phase == "fault" and mark.probe not in view.system.breaker:
            yield f"  - Observed Behavior: {cell(mark.what)} at {view.offset(mark.interval.to_s)} ({cell(mark.name)})."
    yield from _figures(of)


def _recovery(view: RunView, of: PhaseFigures | None) -> Iterator[str]:
    yield "- **Recovery**:"
    undone_s, seen = view.times.undid_s, breaker.changes(view)
    if undone_s is None:
        yield "  - the run did not get there"
        return
    after = [change for change in seen[1:] if change.at_s >= undone_s]
    for change in after:
        after_s = change.at_s - undone_s
        yield f"  - Circuit State: **{cell(change.state)}** at {_when(view, change)}, {after_s:.2f}s after the undo"
    if seen and not after:
        yield f"  - Circuit State: **{cell(seen[-1].state)}** all the time"
    yield f"  - Full Recovery Time: {_full_recovery(view, undone_s, seen)}"
    yield from _figures(of)


def _full_recovery(view: RunView, undone_s: float, seen: Sequence[breaker.Change]) -> str:
    """From the beginning of the mending until all that was waited for had come, and the breaker stayed closed."""
    if seen and seen[-1].state != "CLOSED":
        return f"never, the breaker was {cell(seen[-1].state)} in the end"
    rows = view.experiment.evidence_rows if view.experiment else ()
    by = next((str(row.params.get("by", "")) for row in rows if row.shows == "recovery"), "")
    found = figures.recovery(view, by) or figures.Recovery(None)
    if found.missed:
        return f"never, {', '.join(map(cell, found.missed))} did not come or did not last"
    closed = [change.at_s - undone_s for change in seen[1:] if change.at_s >= undone_s]
    took = [found.took_s] if found.took_s is not None else []
    return f"{max(0.0, *took, *closed):.2f}s" if took or closed else "not observed: nothing was awaited"


def _when(view: RunView, change: breaker.Change) -> str:
    return f"{view.offset(change.at_s)} ({view.utc_text(change.at_s)})"


def _table(phases: Sequence[PhaseFigures]) -> Iterator[str]:
    rows = [
        (each.phase, fate.name, fate.count, f"{fate.share:.1%}", *map(ms, (fate.p50_ms, fate.p95_ms, fate.p99_ms)))
        for each in phases
        for fate in each.fates
    ]
    heads = ("phase", "outcome", "requests", "share", "P50 ms", "P95 ms", "P99 ms")
    yield from grid(rows, heads)


def _stretches(view: RunView, history: History) -> Iterator[str]:
    if rows := stretches.rows(view, history):
        yield from grid(rows, stretches.HEADS)
        yield ""


def _observed(view: RunView, history: History) -> Iterator[str]:
    rows = [(row.text, row.told) for row in observed.rows(view, history) if not row.part]
    if rows:
        yield from grid(rows, ("observed", ""))
        yield ""


def _gauges(view: RunView) -> Iterator[str]:
    rows = [(each.phase, each.name, *gauges.figures(each)) for each in gauges.by_phase(view)]
    if rows:
        yield from grid(rows, gauges.HEADS)
        yield ""
