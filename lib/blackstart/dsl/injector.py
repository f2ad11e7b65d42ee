"""An injector of one's own: a class that says what makes a fault, what takes it back and what shows it, as data.

It is asked while a run is planned, and does nothing itself: what it gives is carried out, undone and proved as it is
with every fault, by its guardian and by HEAL.sh, too, which have only the data.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from blackstart.model.expect import Condition
from blackstart.model.reading import Probe
from blackstart.model.step import Command, HttpCall

Steps = tuple[Command | HttpCall, ...]


@dataclass(frozen=True)
class InjectorState:
    """How the two states are told apart from outside. Neither may be true of what can't be read."""

    active: Condition
    inactive: Condition


class Timeline:
    """What is recorded of a run, and drawn, besides the steps and the two states, which always are."""

    def __init__(self) -> None:
        self.watched: tuple[Probe, ...] = ()

    def watch(self, probe: Probe) -> None:
        """Record what the probe reads, from the baseline to the end of the run."""
        self.watched += (probe,)


class Injector(ABC):
    """One kind of injection. Its parameters in a chaos block are those of its constructor: `int`, `float`, `str`,
    `timedelta`, `Literal[...]`, and one `Service`, which it acts on. A ValueError of the constructor is a mistake in
    the block."""

    def attach_timeline(self, timeline: Timeline) -> None:  # noqa: B027  (most have nothing to add)
        """Say what else is to be recorded."""

    @abstractmethod
    def activate(self) -> Steps:
        """The steps that make the fault."""

    @abstractmethod
    def deactivate(self) -> Steps:
        """The steps that take it back, also where only some of `activate` was done. They do nothing where nothing is
        to be taken back: they are carried out once before the fault, to show that they can be, and may be repeated."""

    @abstractmethod
    def get_state(self) -> InjectorState:
        """What shows that it is in force, and what shows that it is not."""
