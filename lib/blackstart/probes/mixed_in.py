"""What many probes have in common, mixed into them."""

from typing import Self

from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Picked
from blackstart.model.target import Target


class AsAnswered(Conditions):
    """Mixed into a probe that reads what its endpoint answers, as it is."""

    def pick(self, answer: Answer) -> Picked:
        """The body, with the answer's note."""
        return "value", answer.body, answer.note


class Bound(Conditions):
    """Mixed into a probe that is made with all that it needs of a target."""

    def bind(self, target: Target) -> Self:
        """Itself."""
        return self
