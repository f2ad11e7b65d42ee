"""The timeline of a run as a drawing: phases, faults in force, a lane of readings per probe, transitions, load. Pure.

Nothing is told by colour alone: every kind of reading has its own pattern, stretches carry their words, transitions
their numbers, and `as_text` says all of it again.
"""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from blackstart.evidence.events import EventName
from blackstart.reports.drawing import GAP, LANE, TOP, WIDTH, Scale, box, grid, label, patterns
from blackstart.reports.lane_drawing import lane_row, load_row
from blackstart.reports.load_view import Bucket
from blackstart.reports.markup import e
from blackstart.reports.story import RunView


def timeline(view: RunView, loaded: Sequence[Bucket] = ()) -> Element:
    """The drawing as an `svg` element."""
    scale = Scale(view.from_s, max(view.to_s, view.from_s + 0.001))
    rows: list[Element] = []
    y = TOP + 8
    for row, height in _rows(view, scale, loaded, y):
        rows.append(row)
        y += height + GAP
    return e(
        "svg",
        e("title", f"Timeline of {view.run}", id="drawing-title"),
        e("desc", as_text(view), id="drawing-desc"),
        patterns(),
        grid(scale, y - GAP),
        _shade(view, scale, y - GAP),
        rows,
        class_="timeline",
        role="img",
        viewBox=f"0 0 {WIDTH:.0f} {y:.0f}",
        aria_labelledby="drawing-title drawing-desc",
    )


def _rows(view: RunView, scale: Scale, loaded: Sequence[Bucket], y: float) -> Iterator[tuple[Element, float]]:
    yield _phase_row(view, scale, y), LANE
    y += LANE + GAP
    for number, change in enumerate(view.changes):
        yield _fault_row(view, scale, y, number, change.what), LANE
        y += LANE + GAP
    for lane in view.lanes:
        row, height = lane_row(lane, view, scale, y)
        yield row, height
        y += height + GAP
    if loaded:
        yield load_row(loaded, scale, y)


def _phase_row(view: RunView, scale: Scale, y: float) -> Element:
    boxes = [
        box(
            f"phase p{place % 2}",
            (scale.x(phase.from_s), scale.x(phase.to_s)),
            y,
            f"{phase.name}: {view.offset(phase.from_s)} to {view.offset(phase.to_s)}",
            words=phase.name,
        )
        for place, phase in enumerate(view.phases)
    ]
    return e("g", label("phase", y), boxes)


def fault_spans(view: RunView, number: int) -> list[tuple[str, str, float, float]]:
    """(style, words, from, to) of one change: until it takes effect, in force, until it is proved undone."""
    entry = f"{view.run}#{number}"
    did_s, undo_s = (_at(view, name, entry) for name in (EventName.DO, EventName.UNDO))
    if did_s is None:
        return []
    gone_s = view.undone_s(number)
    end_s = view.to_s if gone_s is None else gone_s
    undo_or_end_s, bit_s = end_s if undo_s is None else undo_s, view.bit_s(number)
    if bit_s is None:
        spans = [("doing", "no effect proved", did_s, undo_or_end_s)]
    else:
        spans = [("doing", "taking effect", did_s, bit_s), ("force", "in force", bit_s, undo_or_end_s)]
    if undo_s is not None:
        spans.append(("stuck", "NOT UNDONE", undo_s, end_s) if gone_s is None else ("doing", "undoing", undo_s, end_s))
    return [span for span in spans if span[3] >= span[2]]


def _at(view: RunView, name: EventName, entry: str) -> float | None:
    return next((float(event["at"]) for event in view.record.of(name) if event.get("change") == entry), None)


def _fault_row(view: RunView, scale: Scale, y: float, number: int, what: str) -> Element:
    boxes = [
        box(
            f"fault {style}",
            (scale.x(from_s), scale.x(to_s)),
            y,
            f"{what}, {words}: {view.offset(from_s)} to {view.offset(to_s)}",
            words=words,
        )
        for style, words, from_s, to_s in fault_spans(view, number)
    ]
    return e("g", label(what, y), boxes)


def _shade(view: RunView, scale: Scale, bottom: float) -> Element | None:
    """The time in which the fault was in force, behind all lanes."""
    bit_s = view.bit_s()
    if bit_s is None:
        return None
    from_x = scale.x(bit_s)
    to_x = scale.x(view.to_s if view.gone_s is None else view.gone_s)
    return e("rect", class_="shade", x=from_x, y=TOP, width=max(to_x - from_x, 1.5), height=bottom - TOP)


def as_text(view: RunView) -> str:
    """What the drawing shows, in sentences."""
    told = [f"{phase.name} from {view.offset(phase.from_s)} to {view.offset(phase.to_s)}" for phase in view.phases]
    for number, change in enumerate(view.changes):
        told += [
            f"{change.what}, {words} from {view.offset(from_s)} to {view.offset(to_s)}"
            for _, words, from_s, to_s in fault_spans(view, number)
        ]
    told += [f"{mark.number}: {mark.what} at {view.offset(mark.interval.middle_s)}" for mark in view.transitions]
    return ". ".join(told) + "."
