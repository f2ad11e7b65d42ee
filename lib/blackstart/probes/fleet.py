"""One reading over several instances: how many leaders there are altogether. All of them must answer."""

from dataclasses import replace
from typing import Literal, Self

from blackstart.base import clock
from blackstart.base.codec import plain
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Endpoint, Joining, Picked, Probe, Reader
from blackstart.model.target import Target
from blackstart.probes.metrics import AGGREGATES


@plain("probe.fleet")
class Fleet(Conditions):
    """The aggregate of the same reading from several instances, read one right after the other.

    Where one of them gives no value, the reading is what that one gave: absence is never counted as 0. With
    `absent_members` those without the series (an instance that has never led) are left out, as long as one has it.
    """

    members: tuple[Probe, ...]
    aggregate: Literal["sum", "max", "min"]
    name: str
    absent_members: bool = False

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("a fleet needs at least one member")

    def bind(self, target: Target) -> Self:
        """With every member bound."""
        return replace(self, members=tuple(member.bind(target) for member in self.members))

    def endpoint(self) -> Endpoint:
        """All members' endpoints, read in turn."""
        return FleetEndpoint(tuple(member.endpoint() for member in self.members))

    def pick(self, answer: Answer) -> Picked:
        """The aggregate, or the first member's reading that is no value."""
        values: list[float] = []
        for member, part in zip(self.members, answer.body, strict=True):
            if part.kind != "answer":
                return part.kind, None, f"{member.name}: {part.note}"
            kind, value, note = member.pick(part)
            if kind == "absent" and self.absent_members:
                continue
            if kind != "value" or isinstance(value, bool) or not isinstance(value, int | float):
                return kind if kind != "value" else "unreadable", None, f"{member.name}: {note or value}"
            values.append(float(value))
        if not values:
            return "absent", None, f"none of {', '.join(member.name for member in self.members)} shows the series"
        return "value", AGGREGATES[self.aggregate](values), ""


@plain("endpoint.fleet")
class FleetEndpoint:
    """Several endpoints read as one."""

    members: tuple[Endpoint, ...]

    def open(self) -> Reader:
        """A reader that holds one for each member."""
        return _FleetReader([member.open() for member in self.members])

    def joined(self, other: object) -> "FleetEndpoint | None":
        """One for both, where that can be said of each member."""
        if not isinstance(other, FleetEndpoint) or len(other.members) != len(self.members):
            return None
        members: list[Endpoint] = []
        for one, another in zip(self.members, other.members, strict=True):
            both = one if one == another else one.joined(another) if isinstance(one, Joining) else None
            if both is None:
                return None
            members.append(both)
        return FleetEndpoint(tuple(members))

    def tell(self, reader: Reader) -> None:
        """Hand it on to the members' readers."""
        for member, inner in zip(self.members, reader.readers, strict=True):  # type: ignore[attr-defined]
            if isinstance(member, Joining):
                member.tell(inner)

    def describe(self) -> str:
        """All members."""
        return " and ".join(member.describe() for member in self.members)


class _FleetReader:
    def __init__(self, readers: list[Reader]) -> None:
        self.readers = readers

    def read(self, timeout_s: float) -> Answer:
        ends_s = clock.now_s() + timeout_s
        parts = [reader.read(max(0.001, ends_s - clock.now_s())) for reader in self.readers]
        return Answer("answer", tuple(parts))

    def close(self) -> None:
        for reader in self.readers:
            reader.close()
