"""What a chaos block says, as data. Where a node stands in its file does not count when two are compared.

Times are in seconds, shares (`99%`) are fractions of 1; names stand as they are written.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Place:
    """Where something begins: line and column, from 1, the column in characters."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True)
class Node:
    """A part of a document. Its place tells people where it stands."""

    place: Place = field(default=Place(), compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Text(Node):
    """`"a string"`, its escapes resolved."""

    value: str


@dataclass(frozen=True)
class Number(Node):
    """`10`, `0.8`."""

    value: int | float


@dataclass(frozen=True)
class Duration(Node):
    """`500ms`, `1.5h`, `2 seconds`, `5.seconds`."""

    seconds: float


@dataclass(frozen=True)
class Percent(Node):
    """`99%`, which is 0.99."""

    share: float


@dataclass(frozen=True)
class Truth(Node):
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True)
class Null(Node):
    """`null`."""


@dataclass(frozen=True)
class Name(Node):
    """An identifier: `result`, `UNAVAILABLE`, `exactly_one_created`."""

    name: str


@dataclass(frozen=True)
class Attribute(Node):
    """`of.name`, as in `result.error.code`."""

    of: Expression
    name: str


@dataclass(frozen=True)
class Argument(Node):
    """One argument of a call. `name` is None where it has none."""

    name: str | None
    value: Expression


@dataclass(frozen=True)
class Call(Node):
    """`function(arguments)`; the function is a `Name` or, as a method, an `Attribute`."""

    function: Expression
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True)
class ListOf(Node):
    """`[a, b]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class MapOf(Node):
    """`{ key: value }`, in the order that is written."""

    entries: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class Unary(Node):
    """`not a` (also written `!a`), `-a`."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Node):
    """`left operator right`: and or implies is == != < <= > >= in + - * /."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Eventually(Node):
    """`eventually within 5s: claim`."""

    within_s: float
    claim: Expression


@dataclass(frozen=True)
class WhenParametersDiffer(Node):
    """`CODE when parameters differ`: the answer to a key that comes again with other parameters."""

    code: str


Expression = (
    Text | Number | Duration | Percent | Truth | Null | Name | Attribute | Call | ListOf | MapOf | Unary | Binary
    | Eventually | WhenParametersDiffer
)  # fmt: skip


@dataclass(frozen=True)
class Assignment(Node):
    """`name = value`, a step of `when`."""

    name: str
    value: Expression


Step = Assignment | Call


@dataclass(frozen=True)
class Injection(Node):
    """What shall fail. `on TARGET` is its argument `target`; what `with { … }` gives are arguments like any other."""

    name: str
    arguments: tuple[Argument, ...] = ()

    def value(self, name: str) -> str | int | float | None:
        """An argument as plain data: text and names as str, times in seconds, shares as fractions; None if absent."""
        given = (argument.value for argument in self.arguments if argument.name == name)
        return next((plain(value) for value in given), None)


@dataclass(frozen=True)
class Expectation(Node):
    """What must hold: one claim of `expect` or of `then`, and what is said of it, if anything is."""

    claim: Expression
    message: str | None = None


@dataclass(frozen=True)
class Scenario(Node):
    """One scenario, its members sorted by kind, each kind in the order that is written.

    `uses` are the calls of `with:`, as `idempotency_key("…")`. `retries` (further tries) and `timeout_s` are None where
    it says nothing itself: the block's hold then.
    """

    name: str
    injections: tuple[Injection, ...] = ()
    uses: tuple[Call, ...] = ()
    when: tuple[Step, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    retries: int | None = None
    timeout_s: float | None = None


@dataclass(frozen=True)
class Block(Node):
    """`chaos { … }` or `chaos NAME { … }`. `behavior` is that name, else the behavior that the block stands in, else
    "". `retries` and `timeout_s` hold for scenarios that say nothing themselves."""

    behavior: str
    scenarios: tuple[Scenario, ...]
    retries: int | None = None
    timeout_s: float | None = None


@dataclass(frozen=True)
class Document(Node):
    """All chaos blocks of a file, in order. `file` is the path as it was given, `text` the whole of the file."""

    blocks: tuple[Block, ...]
    file: str = field(default="", compare=False)
    text: str = field(default="", compare=False, repr=False)


def plain(value: Expression) -> str | int | float | None:
    """A literal or a name as plain data; None for anything else. A minus before a number or a time counts."""
    match value:
        case Text(value=text) | Name(name=text):
            return text
        case Number(value=number) | Duration(seconds=number) | Percent(share=number):
            return number
        case Unary(operator="-", operand=Number(value=number) | Duration(seconds=number)):
            return -number
        case _:
            return None
