"""The failure catalog as it is read: what stands open first, then each failure, then what is known to work. Pure."""

import re
from collections.abc import Iterator, Sequence
from statistics import median

from blackstart.base.durations import shown
from blackstart.model.verdict import Verdict
from blackstart.reports import catalog_lessons as lessons
from blackstart.reports.blocks import Block, Code, Grid, Heading, Paragraph, Points, Words
from blackstart.reports.catalog import Failure, Finding, Said, Seen, Setting, runs
from blackstart.reports.words import number

_NAMED_AT_MOST = 6
# What tells most of how a system bears a failure, first.
_TELLING = ("fault", "check", "always")
_PLACES_AT_MOST = 3
# A number as programs write it, which nobody reads.
_RAW = re.compile(r"(?<![\w.])\d+(?:\.\d+)?e\+\d+\b|(?<![\w.])\d{6,}\.0\b")


def blocks(
    found: Sequence[Failure],
    settings: Sequence[Setting],
    refused: int,
    left_out: Sequence[tuple[str, str]],
    invoke: str,
) -> Iterator[Block]:
    """The whole. `refused` runs touched nothing; `left_out` are those that can't be read, with the reason; `invoke` is
    what to type before a task's name."""
    every = [run for failure in found for run in failure.runs]
    yield Heading(1, "Failure catalog")
    yield Paragraph((_extent(every, refused, len(left_out)),))
    own = [failure for failure in found if not failure.mutant]
    yield Heading(2, "What stands open")
    yield from _open(own, invoke)
    yield Heading(2, "At a glance")
    yield Grid(
        ("system", "failure", "runs", "held", "broke", "inconclusive", "recovery: median (worst)", "last seen"),
        [_row(failure) for failure in own],
    )
    for system in dict.fromkeys(failure.system for failure in own):
        yield Heading(2, system)
        for failure in (failure for failure in own if failure.system == system):
            yield from _failure(failure, invoke)
    yield from lessons.defects([failure for failure in found if failure.mutant])
    yield from lessons.settings_seen(settings)
    yield from lessons.criteria(own, every, refused)
    if left_out:
        yield Heading(2, "Runs that are not in it")
        yield Points(list(_left_out(left_out)))


def _left_out(those: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Words]]:
    """Each reason once, with how many there are and where the first ones lie."""
    for reason in dict.fromkeys(why for _, why in those):
        where = [name for name, why in those if why == reason]
        more = len(where) - _PLACES_AT_MOST
        first = [word for name in where[:_PLACES_AT_MOST] for word in (Code(name), ", ")][:-1]
        yield f"{runs(len(where))}, {reason}", (*first, f", and {more} more" if more > 0 else "")


def _extent(every: Sequence[Seen], refused: int, left_out: int) -> str:
    if not every:
        return "No run has told of a failure yet."
    began = sorted(run.began for run in every)
    told = f"Made from {runs(len(every))}, {_at(began[0])} to {_at(began[-1])}"
    told += f"; refused before anything was touched: {refused}" if refused else ""
    told += f"; {left_out} could not be read, see the end" if left_out else ""
    return f"{told}. All times are UTC. It is made anew from the runs each time: what people know is in their notes."


def _open(own: Sequence[Failure], invoke: str) -> Iterator[Block]:
    points: list[tuple[str, Words]] = []
    for failure in own:
        newest = failure.newest
        name = f"{failure.experiment} on {failure.system}"
        if newest.verdict != Verdict.HELD:
            since = next((run for run in reversed(failure.runs) if run.verdict == Verdict.HELD), None)
            last = f"It last held on {_at(since.began)}." if since else "It has never held."
            points.append(
                (name, (f"{newest.verdict.shown} on {_at(newest.began)}: {_short(newest.reason).rstrip('.')}. {last}",))
            )
        points += [(f"{name}, again", (f"{told}.",)) for told in failure.again()]
        if missing := failure.undocumented():
            points.append((f"{name}, undocumented", _ask(missing, invoke)))
    if points:
        yield Points(points)
    else:
        yield Paragraph(
            ("Nothing: every failure held when it was last tried, and nothing that broke is undocumented.",)
        )


def _ask(missing: Sequence[Seen], invoke: str) -> Words:
    return (
        f"{runs(len(missing))} broke, and nobody said what was learned; for the last one: ",
        Code(f"{invoke} report.note {missing[-1].where} --learning '…' --improvement '…'"),
    )


def _row(failure: Failure) -> tuple[str | int, ...]:
    count = failure.verdicts
    broke = count[Verdict.BROKE] + count[Verdict.NOT_RESTORED]
    times = [run.recovered_s for run in failure.runs if run.recovered_s is not None]
    missed = "not seen" if _awaited(failure) else "nothing awaited"
    took = f"{_took(median(times))} ({_took(max(times))})" if times else missed
    return (
        failure.system, failure.experiment, len(failure.runs), count[Verdict.HELD], broke, count[Verdict.INCONCLUSIVE],
        took, _at(failure.newest.began),
    )  # fmt: skip


# ---------------------------------------------------------------- one failure


def _failure(failure: Failure, invoke: str) -> Iterator[Block]:
    newest = failure.newest
    broken = newest.restored is not None
    yield Heading(3, failure.experiment)
    yield Paragraph((newest.hypothesis,))
    yield Points(
        [
            ("Record", (_record(failure),)),
            ("How to trigger it", (Code(newest.again), f": {newest.method}")),
            *(("What broke", words) for words in _broken(failure)),
            *_unclear(failure),
            ("Behaviour", _behaviour(failure)),
            *([("Detection", (_detection(failure),))] if broken or _noticed(failure) else []),
            *([("Recovery", (_recovery(failure),))] if broken or _awaited(failure) or _drained(failure) else []),
            *(("Learned", (_quoted(said),)) for said in failure.learnings),
            *_prevention(failure, invoke),
            ("Evidence", ("the newest run is ", Code(newest.where))),
        ]
    )


def _record(failure: Failure) -> str:
    count, total = failure.verdicts, len(failure.runs)
    if count[Verdict.HELD] == total:
        told = {1: "held in its only run", 2: "held in both runs"}.get(total, f"held in all {total} runs")
    else:
        told = f"of {runs(total)}, " + ", ".join(f"{many} {verdict.shown}" for verdict, many in count.most_common())
    first, last = _at(failure.runs[0].began), _at(failure.newest.began)
    return f"{told}; first seen {first}, last seen {last}" if total > 1 else f"{told}, {first}"


def _broken(failure: Failure) -> Iterator[Words]:
    for name, cases in failure.broken.items():
        _, last = cases[-1]
        yield (Code(name), f" in {len(cases)} of {runs(len(failure.runs))}, last: {_short(last.message)}")


def _unclear(failure: Failure) -> list[tuple[str, Words]]:
    """The newest run of which nothing can be said, and how many such there are."""
    found = [run for run in failure.runs if run.verdict == Verdict.INCONCLUSIVE]
    if not found:
        return []
    of = f"{runs(len(found))}, the last on {_at(found[-1].began)}"
    return [("Inconclusive", (f"{of}: {_short(found[-1].reason)}",))]


def _behaviour(failure: Failure) -> Words:
    """What the newest run that held was seen to do."""
    run = next((run for run in reversed(failure.runs) if run.verdict == Verdict.HELD), None)
    if run is None:
        return ("it has not been seen to hold: what it does instead stands above",)
    seen = [f for f in run.findings if f.phase in _TELLING and f.result == Verdict.HELD]
    # That nothing else has changed is expected of every run, and tells the least.
    seen.sort(key=lambda f: (f.name.endswith("_as_before"), _TELLING.index(f.phase)))
    if not seen:
        return ("nothing was expected of it but its recovery",)
    told = [part for f in seen[:_NAMED_AT_MOST] for part in (Code(f.name), f" ({_seen(f)}), ")]
    more = len(seen) - _NAMED_AT_MOST
    return (*told, f"and {more} more expectations held" if more > 0 else "and that was all that was expected")


def _seen(finding: Finding) -> str:
    return _short(finding.message.removeprefix(f"{finding.expected}: "), 120)


def _detection(failure: Failure) -> str:
    seen = [run for run in failure.runs if run.detected_s is not None]
    felt = next((run.felt for run in reversed(failure.runs) if run.felt), "")
    if not seen:
        told = f"its clients notice ({felt}); " if felt else ""
        return f"{told}none of the system's own signals is awaited during the fault, so no time is known"
    times = [run.detected_s for run in seen if run.detected_s is not None]
    clients = f"; its clients notice, too ({felt})" if felt else ""
    since = "it began" if seen[-1].restored is None else "the fault took effect"
    return f"{_plain(seen[-1].detected_by)}, {_times(times)} after {since}{clients}"


def _noticed(failure: Failure) -> bool:
    return any(run.felt or run.detected_s is not None for run in failure.runs)


def _recovery(failure: Failure) -> str:
    times = [run.recovered_s for run in failure.runs if run.recovered_s is not None]
    waited = _awaited(failure)
    if not waited and (drained := _drained(failure)):
        return f"nothing is awaited but that what was left is worked off: {_times(drained)} after the load's end"
    if not waited:
        return "nothing is awaited after it"
    missed = f"; it did not come, or was not seen, in {len(waited) - len(times)}" if len(waited) > len(times) else ""
    if not times:
        return f"not seen in any of {runs(len(waited))}"
    since = "it was over" if waited[-1].restored is None else "the undo began"
    return f"by itself: all that was awaited was there {_times(times)} after {since}{missed}"


def _drained(failure: Failure) -> list[float]:
    return [run.drained_s for run in failure.runs if run.drained_s is not None]


def _awaited(failure: Failure) -> list[Seen]:
    """The runs in which a recovery was awaited."""
    return [
        run for run in failure.runs if any(f.phase == "recovery" and f.expected.startswith("ev") for f in run.findings)
    ]


def _times(times_s: Sequence[float]) -> str:
    if len(times_s) == 1 or not max(times_s):
        return _took(times_s[0])
    return f"{_took(median(times_s))} (median of {len(times_s)}, at worst {shown(max(times_s))})"


def _took(time_s: float) -> str:
    return shown(time_s) if time_s else "at once"


def _prevention(failure: Failure, invoke: str) -> list[tuple[str, Words]]:
    if failure.improvements:
        return [("Prevention", (_quoted(said),)) for said in failure.improvements]
    if not failure.broken:
        return [("Prevention", lessons.in_play(failure))]
    run = next(iter(failure.broken.values()))[-1][0]
    how = Code(f"{invoke} report.note {run.where} --improvement '…'")
    return [("Prevention", ("nobody has noted an improvement yet: ", how))]


def _quoted(said: Said) -> str:
    return f"{said.text} ({', '.join(filter(None, (said.by, _at(said.utc))))})"


def _at(utc: str) -> str:
    return utc[:16].replace("T", " ")


def _short(text: str, most: int = 240) -> str:
    told = _plain(" ".join(text.split()))
    return told if len(told) <= most else f"{told[: most - 1]}…"


def _plain(text: str) -> str:
    """The same, with its large numbers as people write them."""
    return _RAW.sub(lambda raw: number(float(raw[0])), text)
