"""The parts that the timeline is drawn with: its scale, labels, boxes, grid and patterns. Pure."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from blackstart.reports.markup import e

WIDTH, LEFT, RIGHT = 1040.0, 168.0, 46.0
LANE, GAP, CURVE, TOP = 24.0, 9.0, 40.0, 18.0
_LETTER = 6.9
_LABEL_AT_MOST = 22
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800)


@dataclass(frozen=True)
class Scale:
    """Where a moment stands in the drawing."""

    from_s: float
    to_s: float

    def x(self, at_s: float) -> float:
        """The horizontal place of a moment, kept inside the drawing."""
        share = (at_s - self.from_s) / max(self.to_s - self.from_s, 1e-6)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        """Round offsets in seconds from the start, at most a dozen."""
        length_s = self.to_s - self.from_s
        step_s = next((step for step in _STEPS_S if length_s / step <= 12), 3600.0)
        return [number * step_s for number in range(int(length_s / step_s) + 1)]


def label(text: str, y: float, height: float = LANE) -> Element:
    """The name of a row, to its left."""
    fits = text if len(text) <= _LABEL_AT_MOST else f"{text[: _LABEL_AT_MOST - 1]}…"
    return e("text", e("title", text), fits, class_="label", x=LEFT - 10, y=y + height / 2 + 4, text_anchor="end")


def box(kind: str, span: tuple[float, float], y: float, title: str, *, words: str = "", indent: float = 7.0) -> Element:
    """A stretch: a rectangle with its words, where they fit, and all of it as a tool tip."""
    from_x, to_x = span
    width = max(to_x - from_x, 1.5)
    room = int((width - indent - 4) / _LETTER)
    seen = words if len(words) <= room else f"{words[: room - 1]}…" if room > 3 else ""
    text = e("text", seen, x=from_x + indent, y=y + LANE / 2 + 4) if seen else None
    rect = e("rect", x=from_x, y=y, width=width, height=LANE, rx=2.0)
    return e("g", e("title", title), rect, text, class_=f"box {kind}")


def grid(scale: Scale, bottom: float) -> Element:
    """A line and an offset from the start at round times."""
    made: list[Element] = []
    tenths = any(offset_s % 1 for offset_s in scale.ticks())
    for offset_s in scale.ticks():
        x = scale.x(scale.from_s + offset_s)
        minutes, seconds = divmod(offset_s, 60)
        words = f"{int(minutes):02d}:{seconds:04.1f}" if tenths else f"{int(minutes):02d}:{int(seconds):02d}"
        made.append(e("line", x1=x, x2=x, y1=TOP, y2=bottom))
        made.append(e("text", words, x=x, y=12.0, text_anchor="middle"))
    return e("g", made, class_="grid")


def patterns() -> Element:
    """The hatchings that tell the kinds of readings and outcomes apart without colour."""
    slanted, crossed = "M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4", "M0,0 l8,8 M0,8 l8,-8"
    dots = [e("circle", cx=place, cy=place, r=1.3, class_="dot") for place in (2, 6)]
    return e(
        "defs",
        _pattern("unreachable", e("path", d=slanted, class_="ink")),
        _pattern("timed_out", *dots),
        _pattern("malformed", e("path", d=crossed, class_="ink")),
        _pattern("unreadable", e("path", d="M4,0 v8", class_="ink")),
        _pattern("absent", e("path", d="M0,4 h8", class_="ink")),
        _pattern("fail", e("path", d=slanted, class_="ink")),
        _pattern("info", e("path", d="M0,2 h8 M0,6 h8", class_="ink")),
    )


def _pattern(name: str, *shapes: Element) -> Element:
    ground = e("rect", width=8, height=8, class_=f"ground-{name}")
    return e("pattern", ground, shapes, id=f"pat-{name}", width=8, height=8, patternUnits="userSpaceOnUse")
