"""What a toxic can be told: declared in its class, checked when it comes in, read as if it were a plain attribute."""

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

# The largest number that every JSON reader carries exactly; as milliseconds it is 285,616 years.
MOST = 2**53 - 1

V = TypeVar("V", int, str)


class Valued(Protocol):
    """Whatever carries the checked values: a stage, or a toxic."""

    @property
    def values(self) -> Mapping[str, Any]: ...


class Settings(Valued, Protocol):
    """What a stage knows of its toxic: the values, and what all its stages have in common."""

    @property
    def shared(self) -> dict[Any, Any]: ...


class Attribute(Generic[V]):
    """One attribute. `default` None means that it has to be given; an `extra` is unknown to Toxiproxy."""

    def __init__(self, default: V | None, *, extra: bool = False) -> None:
        self.default: V | None = default
        self.extra = extra
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, holder: Valued, owner: type | None = None) -> V:
        value: V = holder.values[self.name]
        return value

    def check(self, value: object) -> V:
        """The value as it is kept; ValueError says what it should have been."""
        raise NotImplementedError


class Whole(Attribute[int]):
    """A whole number of `unit`, from `least` to `most`."""

    def __init__(
        self, default: int | None, unit: str, *, least: int = 0, most: int = MOST, extra: bool = False
    ) -> None:
        super().__init__(default, extra=extra)
        self.unit, self.least, self.most = unit, least, most

    def check(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not self.least <= value <= self.most:
            raise ValueError(
                f"{self.name} must be a whole number of {self.unit} from {self.least} to {self.most}, not {value!r}"
            )
        return value


class OneOf(Attribute[str]):
    """One of a few words; the first is the default."""

    def __init__(self, *choices: str, extra: bool = False) -> None:
        super().__init__(choices[0], extra=extra)
        self.choices = choices

    def check(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ValueError(f"{self.name} must be one of {', '.join(self.choices)}, not {value!r}")
        return value


def declared(cls: type) -> dict[str, Attribute[Any]]:
    """The attributes that a class declares, in the order in which it does."""
    return {name: value for name, value in vars(cls).items() if isinstance(value, Attribute)}


def given_values(known: Mapping[str, Attribute[Any]], given: object) -> dict[str, Any]:
    """The values that a request gives, each checked. ValueError where one is not valid.

    A null counts as not given and capitals don't matter, as in Toxiproxy; an attribute that no one knows is refused,
    since a mistyped one would leave a toxic that does nothing.
    """
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ValueError(f"attributes must be an object, not {given!r}")
    new = {name.lower(): value for name, value in given.items() if value is not None}
    for name in new:
        if name not in known:
            raise ValueError(f"unknown attribute {name!r}, known are {', '.join(known) or 'none'}")
    return {name: known[name].check(value) for name, value in new.items()}


def complete(
    known: Mapping[str, Attribute[Any]], new: Mapping[str, Any], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """All values: the new ones, else those of `before`, else the defaults. ValueError where one is missing."""
    old = before or {name: attribute.default for name, attribute in known.items()}
    values = {name: new.get(name, old[name]) for name in known}
    for name, value in values.items():
        if value is None:
            raise ValueError(f"attribute {name} is missing")
    return values
