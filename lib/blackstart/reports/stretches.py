"""The stretches of a schedule: when each was, and what became of the requests that were due in it. Pure."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from blackstart.base.durations import shown
from blackstart.evidence.events import EventName
from blackstart.evidence.history import History
from blackstart.reports import fates
from blackstart.reports.csv_log import line
from blackstart.reports.sections import section, table
from blackstart.reports.story import RunView
from blackstart.reports.words import ms

NAME = "stretches.csv"
HEADS = ("stretch", "began", "ended", "late by", "outcome", "requests", "share", "P50 ms", "P99 ms")


def rows(view: RunView, history: History | None) -> list[tuple[str, ...]]:
    """A row per stretch and outcome, in order; none without a schedule. A stretch in which nothing was due has one."""
    figures = fates.by_phase(history, view.stretches, view.system, view.usual) if history else ()
    of = {each.phase: each.fates for each in figures}
    late_s = dict(_late(view))
    return [
        (
            stretch.name,
            view.offset(stretch.from_s),
            view.offset(stretch.to_s),
            shown(late_s.get(stretch.name, 0.0)),
            *told,
        )
        for stretch in view.stretches
        for told in [_figures(fate) for fate in of.get(stretch.name, ())] or [("nothing was due", "0", "", "", "")]
    ]


def _figures(fate: fates.Fate) -> tuple[str, ...]:
    return fate.name, str(fate.count), f"{fate.share:.1%}", ms(fate.p50_ms), ms(fate.p99_ms)


def _late(view: RunView) -> Iterator[tuple[str, float]]:
    """By how much the beginning or the end of each came later than planned, whichever did more."""
    worst: dict[str, float] = {}
    for event in view.record.of(EventName.INSTANT):
        name, late_s = str(event["stretch"]), float(event["began"]) - float(event["planned"])
        worst[name] = max(worst.get(name, 0.0), late_s)
    yield from worst.items()


def as_csv(view: RunView, history: History | None) -> str:
    """The same as a file for spreadsheets."""
    return "".join(f"{line(row)}\n" for row in (HEADS, *rows(view, history)))


def part(view: RunView, history: History | None) -> Element | None:
    """The part of a run's page; None without a schedule."""
    told = rows(view, history)
    caption = f"{view.latencies_text} A request belongs to the stretch in which it was due."
    return section("Stretch by stretch", table(HEADS, told, "numbers", caption), id_="stretches") if told else None
