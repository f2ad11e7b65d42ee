"""The timeline of a run as a drawing: phases, faults in force, a lane of readings per probe, transitions, load. Pure.

Nothing is told by colour alone: every kind of reading has its own pattern, stretches carry their words, transitions
their numbers, and `as_text` says all of it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from blackstart.evidence.events import EventName
from blackstart.reports.drawing import GAP, LANE, TOP, WIDTH, Scale, box, grid, label, patterns
from blackstart.reports.lane_drawing import lane_row, load_row
from blackstart.reports.load_view import Bucket
from blackstart.reports.markup import e
from blackstart.reports.story import Story


def timeline(story: Story, loaded: Sequence[Bucket] = ()) -> Element:
    """The drawing as an `svg` element."""
    scale = Scale(story.from_s, max(story.to_s, story.from_s + 0.001))
    rows: list[Element] = []
    y = TOP + 8
    for row, height in _rows(story, scale, loaded, y):
        rows.append(row)
        y += height + GAP
    return e(
        "svg",
        e("title", f"Timeline of {story.run}", id="drawing-title"),
        e("desc", as_text(story), id="drawing-desc"),
        patterns(),
        grid(scale, y - GAP),
        _shade(story, scale, y - GAP),
        rows,
        class_="timeline",
        role="img",
        viewBox=f"0 0 {WIDTH:.0f} {y:.0f}",
        aria_labelledby="drawing-title drawing-desc",
    )


def _rows(story: Story, scale: Scale, loaded: Sequence[Bucket], y: float) -> Iterator[tuple[Element, float]]:
    yield _phase_row(story, scale, y), LANE
    y += LANE + GAP
    for number, change in enumerate(story.changes):
        yield _fault_row(story, scale, y, number, change.what), LANE
        y += LANE + GAP
    for lane in story.lanes:
        row, height = lane_row(lane, story, scale, y)
        yield row, height
        y += height + GAP
    if loaded:
        yield load_row(loaded, scale, y)


def _phase_row(story: Story, scale: Scale, y: float) -> Element:
    boxes = [
        box(
            f"phase p{place % 2}",
            (scale.x(phase.from_s), scale.x(phase.to_s)),
            y,
            f"{phase.name}: {story.offset(phase.from_s)} to {story.offset(phase.to_s)}",
            words=phase.name,
        )
        for place, phase in enumerate(story.phases)
    ]
    return e("g", label("phase", y), boxes)


def fault_spans(story: Story, number: int) -> list[tuple[str, str, float, float]]:
    """(style, words, from, to) of one change: until it takes effect, in force, until it is proved undone."""
    entry = f"{story.run}#{number}"
    did_s, undo_s = (_at(story, name, entry) for name in (EventName.DO, EventName.UNDO))
    if did_s is None:
        return []
    gone = any(event["change"] == entry and event["ok"] for event in story.record.of(EventName.GONE))
    gone_s = story.times.gone_s if gone else None
    end_s = story.to_s if gone_s is None else gone_s
    undo_or_end_s, bit_s = end_s if undo_s is None else undo_s, story.times.bit_s
    if bit_s is None:
        spans = [("doing", "no effect proved", did_s, undo_or_end_s)]
    else:
        spans = [("doing", "taking effect", did_s, bit_s), ("force", "in force", bit_s, undo_or_end_s)]
    if undo_s is not None:
        spans.append(("stuck", "NOT UNDONE", undo_s, end_s) if gone_s is None else ("doing", "undoing", undo_s, end_s))
    return [span for span in spans if span[3] >= span[2]]


def _at(story: Story, name: EventName, entry: str) -> float | None:
    return next((float(event["at"]) for event in story.record.of(name) if event.get("change") == entry), None)


def _fault_row(story: Story, scale: Scale, y: float, number: int, what: str) -> Element:
    boxes = [
        box(
            f"fault {style}",
            (scale.x(from_s), scale.x(to_s)),
            y,
            f"{what}, {words}: {story.offset(from_s)} to {story.offset(to_s)}",
            words=words,
        )
        for style, words, from_s, to_s in fault_spans(story, number)
    ]
    return e("g", label(what, y), boxes)


def _shade(story: Story, scale: Scale, bottom: float) -> Element | None:
    """The time in which the fault was in force, behind all lanes."""
    if story.times.bit_s is None:
        return None
    from_x = scale.x(story.times.bit_s)
    to_x = scale.x(story.to_s if story.gone_s is None else story.gone_s)
    return e("rect", class_="shade", x=from_x, y=TOP, width=max(to_x - from_x, 1.5), height=bottom - TOP)


def as_text(story: Story) -> str:
    """What the drawing shows, in sentences."""
    told = [f"{phase.name} from {story.offset(phase.from_s)} to {story.offset(phase.to_s)}" for phase in story.phases]
    for number, change in enumerate(story.changes):
        told += [
            f"{change.what}, {words} from {story.offset(from_s)} to {story.offset(to_s)}"
            for _, words, from_s, to_s in fault_spans(story, number)
        ]
    told += [f"{mark.number}: {mark.what} at {story.offset(mark.interval.middle_s)}" for mark in story.transitions]
    return ". ".join(told) + "."
