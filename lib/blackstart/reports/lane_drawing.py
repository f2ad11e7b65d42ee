"""The lanes of the timeline: what each probe read, as boxes or as a curve, with its transitions; and the load. Pure."""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element

from blackstart.reports.drawing import CURVE, LANE, LEFT, RIGHT, WIDTH, Scale, box, label
from blackstart.reports.lanes import Lane, Stretch
from blackstart.reports.load_view import OUTCOMES, Bucket
from blackstart.reports.markup import e
from blackstart.reports.story import RunView, Transition

_MARK = 8.5  # radius of a transition's number
Place = tuple[float, float]


def stretch_text(view: RunView, stretch: Stretch) -> str:
    """`503 from 00:02.277 to 00:05.577 (66 readings)`."""
    between = f"from {view.offset(stretch.from_s)} to {view.offset(stretch.to_s)}"
    if stretch.kind == "gap":
        return f"no reading {between}"
    note = f": {stretch.note}" if stretch.note and stretch.kind != "value" else ""
    return f"{stretch.text} {between} ({stretch.count} readings{note})"


def lane_row(lane: Lane, view: RunView, scale: Scale, y: float) -> tuple[Element, float]:
    """One probe's row and its height."""
    height = CURVE if lane.curve else LANE
    marks = [mark for mark in view.transitions if mark.probe == lane.probe]
    numbers = list(_marks(marks, view, scale, y + (height - LANE) / 2))
    rule = e("line", class_="rule", x1=LEFT, x2=WIDTH - RIGHT, y1=y + height / 2, y2=y + height / 2)
    curve = _curve(lane, scale, y, height) if lane.curve else []
    boxes = _boxes(lane, marks, view, scale, y)
    limits = _limits(lane.probe, view, scale, y, height)
    return e("g", label(lane.probe, y, height), rule, boxes, curve, limits, numbers), height


def _boxes(lane: Lane, marks: Sequence[Transition], view: RunView, scale: Scale, y: float) -> Iterator[Element]:
    for stretch in lane.stretches:
        if stretch.kind == "gap" or (lane.curve and stretch.kind == "value"):
            continue
        span = scale.x(stretch.from_s), scale.x(stretch.to_s)
        marked = any(abs(scale.x(mark.interval.middle_s) - span[0]) < _MARK + 4 for mark in marks)
        told = f"{lane.probe}: {stretch_text(view, stretch)}"
        yield box(_style(stretch, lane), span, y, told, words=stretch.text, indent=14.0 if marked else 7.0)


def _style(stretch: Stretch, lane: Lane) -> str:
    if stretch.kind != "value":
        return str(stretch.kind)
    return "value same" if stretch.value == lane.before else "value other"


def _curve(lane: Lane, scale: Scale, y: float, height: float) -> list[Element]:
    low, high = min(value for _, value in lane.curve), max(value for _, value in lane.curve)
    span = high - low or 1.0
    places = [(scale.x(at_s), y + height - 3 - (value - low) / span * (height - 6)) for at_s, value in lane.curve]
    points = " ".join(f"{x:.1f},{place:.1f}" for x, place in _thin(places))
    told = f"{lane.probe}: {len(lane.curve)} values from {low:.6g} to {high:.6g}"
    ends = [_scale_text(f"{value:.4g}", place) for value, place in ((high, y + 10), (low, y + height))]
    return [e("g", e("title", told), e("polyline", class_="curve", points=points)), *ends]


def _scale_text(text: str, y: float) -> Element:
    return e("text", text, class_="scale", x=WIDTH - RIGHT + 5, y=y)


def _thin(places: Sequence[Place]) -> Iterator[Place]:
    """First, lowest and highest of each unit of width: nothing that can be seen is lost."""
    column: list[Place] = []
    for place in places:
        if column and place[0] - column[0][0] >= 1.0:
            yield from _ends(column)
            column = []
        column.append(place)
    yield from _ends(column)


def _ends(column: Sequence[Place]) -> list[Place]:
    return sorted({min(column, key=lambda place: place[1]), max(column, key=lambda place: place[1])})


def _marks(marks: Sequence[Transition], view: RunView, scale: Scale, y: float) -> Iterator[Element]:
    last_x = -100.0
    for mark in marks:
        from_x, to_x = scale.x(mark.interval.from_s), scale.x(mark.interval.to_s)
        last_x = x = max((from_x + to_x) / 2, last_x + 2 * _MARK + 1)
        between = f"{view.offset(mark.interval.from_s)} and {view.offset(mark.interval.to_s)}"
        yield e(
            "g",
            e("title", f"{mark.number}: {mark.what}, between {between}"),
            e("rect", class_="between", x=from_x, y=y - 3, width=max(to_x - from_x, 1.5), height=LANE + 6),
            e("circle", cx=x, cy=y + LANE / 2, r=_MARK),
            e("text", mark.number, x=x, y=y + LANE / 2 + 4, text_anchor="middle"),
            class_="mark",
        )


def _limits(probe: str, view: RunView, scale: Scale, y: float, height: float) -> Iterator[Element]:
    """The latest moments allowed, where the run went on for that long."""
    named: dict[float, list[str]] = {}
    for limit in view.limits:
        if limit.probe == probe and limit.at_s <= view.to_s:
            named.setdefault(limit.at_s, []).append(limit.name)
    for at_s, names in named.items():
        x = scale.x(at_s)
        told = e("title", f"limit of {', '.join(names)}: {view.offset(at_s)}")
        line = e("line", x1=x, x2=x, y1=y - 3, y2=y + height + 3)
        flag = e("path", d=f"M{x:.1f},{y - 3:.1f} l-6,-3.5 v7 z")
        yield e("g", told, line, flag, class_="limit")


def load_row(loaded: Sequence[Bucket], scale: Scale, y: float) -> tuple[Element, float]:
    """Requests per second, stacked by outcome, and the row's height."""
    most = max(sum(bucket.counts.values()) for bucket in loaded) or 1
    bars: list[Element] = []
    for bucket in loaded:
        x, foot = scale.x(bucket.from_s), y + CURVE
        width = max(scale.x(bucket.to_s) - x - 0.6, 0.6)
        for word in OUTCOMES:
            height = bucket.counts[word] / most * CURVE
            if height:
                foot -= height
                bars.append(e("rect", class_=f"load {word}", x=x, y=foot, width=width, height=height))
    rate_per_s = most / (loaded[0].to_s - loaded[0].from_s)
    told = e("title", "requests per second, by when they were due")
    return e("g", told, label("load", y, CURVE), bars, _scale_text(f"{rate_per_s:.3g}/s", y + 10)), CURVE
