"""What a fault turns a target into: changes that know how they are undone and proved."""

from collections.abc import Collection
from typing import Protocol

from blackstart.base.codec import plain
from blackstart.model.expect import Condition
from blackstart.model.step import Step
from blackstart.model.target import Target


@plain("change")
class Change:
    """One thing that will be different, and how it is put right again.

    `undo` is idempotent. `gone` proves that the change is undone, `bites` that it took effect; both are conditions that
    must all hold at once. `undo_is_noop` says that the undo does nothing to a healthy system, so that it can be
    rehearsed. `rights` are harmless commands that fail where a right is missing. `ends_with_network` says that it is
    kept by the network namespace of the run alone (a rule, a queue), and ends with it.
    """

    what: str
    service: str
    do: tuple[Step, ...]
    undo: tuple[Step, ...]
    bites: tuple[Condition, ...]
    gone: tuple[Condition, ...]
    rights: tuple[Step, ...] = ()
    undo_is_noop: bool = False
    lease_s: float = 600.0
    undo_by_hand: bool = False
    ends_with_network: bool = False


def no_proof(what: str, unproved: Collection[str]) -> str:
    """For people: a change that is not proved undone, and what was last read of each proof that is missing."""
    return ": ".join(filter(None, (f"{what}: no proof that it was undone", "; ".join(unproved))))


class Fault(Protocol):
    """One way to break one thing, as plain data. Planning reads facts (through controls) and touches nothing."""

    def plan(self, target: Target) -> tuple[Change, ...]:
        """The changes that this fault means on this target. Raises Refused where the target can't have it."""
        ...

    def describe(self) -> str:
        """What it does in a few words, as in "stop redis"."""
        ...
