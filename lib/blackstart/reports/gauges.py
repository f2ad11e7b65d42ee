"""What a system under load needed in each phase: processor, workers, memory, from watched readings. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from blackstart.model.reading import Reading
from blackstart.reports.story import RunView

HEADS = ("phase", "measured", "first", "least", "most", "last")


@dataclass(frozen=True)
class Gauge:
    """One gauge in one phase: its first and its last value, and the bounds of all."""

    phase: str
    name: str
    first: float
    least: float
    most: float
    last: float


def figures(gauge: Gauge) -> tuple[str, ...]:
    """First, least, most and last as text."""
    return tuple(f"{value:.10g}" for value in (gauge.first, gauge.least, gauge.most, gauge.last))


def by_phase(view: RunView) -> tuple[Gauge, ...]:
    """Every gauge that was read in a phase, phase by phase; nothing where none was."""
    found = view.readings(view.system.gauges)
    return tuple(
        Gauge(phase.name, called, values[0], min(values), max(values), values[-1])
        for phase in view.phases
        for probe, called in view.system.gauges.items()
        if (values := _values(found, probe, phase.from_s, phase.to_s))
    )


def _values(readings: Sequence[Reading], probe: str, from_s: float, to_s: float) -> list[float]:
    """Numbers only: a page that did not answer says nothing of the processor."""
    chosen = (r.number for r in readings if r.probe == probe and from_s <= r.answered_s < to_s)
    return [number for number in chosen if number is not None]
