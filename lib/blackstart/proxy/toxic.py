"""A toxic as the API knows it: its name, what it is told, on how many connections, and how long it may stay."""

from dataclasses import dataclass, field
from typing import Any

from blackstart.proxy.attributes import complete, declared, given_values
from blackstart.proxy.errors import bad_body, invalid_stream, invalid_type
from blackstart.proxy.lease import Lease, read_lease
from blackstart.proxy.stage import Stage
from blackstart.proxy.toxics import kinds

UPSTREAM, DOWNSTREAM, BOTH = "upstream", "downstream", "both"


@dataclass(eq=False)
class Toxic:
    """One toxic of one proxy.

    `asked` are the names of the attributes that were given; `shared` is what its stages have in common, on whatever
    connection they are.
    """

    name: str
    kind: type[Stage]
    stream: str
    toxicity: float
    values: dict[str, Any]
    asked: set[str]
    lease: Lease | None = None
    shared: dict[Any, Any] = field(default_factory=dict)

    def acts_on(self, direction: str) -> bool:
        """Whether it works on what goes in that direction."""
        return self.stream in (direction, BOTH)

    def update(self, body: object) -> None:
        """Take new attributes, toxicity or lease; all of them or, with an ApiError, none.

        Name, type and stream never change and are ignored here, as in Toxiproxy. A lease that is given begins
        now, which is how one is renewed; a null ends it.
        """
        given = as_object(body)
        values, asked = _values(self.kind, given.get("attributes"), self.values)
        toxicity = _toxicity(given, self.toxicity, self.kind)
        lease = read_lease(given["lease"], self.lease) if "lease" in given else self.lease
        self.values, self.toxicity, self.lease = values, toxicity, lease
        self.asked |= asked

    def to_json(self) -> dict[str, Any]:
        """As Toxiproxy shows it; what Toxiproxy does not know is shown only where it was asked for."""
        attributes = {
            name: self.values[name]
            for name, attribute in declared(self.kind).items()
            if not attribute.extra or name in self.asked
        }
        shown = {
            "attributes": attributes,
            "name": self.name,
            "type": self.kind.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
        }
        return shown | ({"lease": self.lease.to_json()} if self.lease else {})


def read_toxic(body: object) -> Toxic:
    """A new toxic from a request's body. ApiError 400 says which value is not valid."""
    given = as_object(body)
    stream = given.get("stream") or DOWNSTREAM
    if stream not in (UPSTREAM, DOWNSTREAM, BOTH):
        raise invalid_stream()
    kind = kinds().get(str(given.get("type")))
    if kind is None:
        raise invalid_type(list(kinds()))
    name = given.get("name") or f"{kind.type}_{stream}"
    if not isinstance(name, str):
        raise bad_body(f"name must be a string, not {name!r}")
    values, asked = _values(kind, given.get("attributes"), None)
    return Toxic(name, kind, stream, _toxicity(given, 1.0, kind), values, asked, read_lease(given.get("lease")))


def as_object(body: object) -> dict[str, Any]:
    """A JSON object's fields by their lower-case names, as Toxiproxy reads them. ApiError 400 for anything else."""
    if not isinstance(body, dict):
        raise bad_body(f"an object is needed, not {body!r}")
    return {name.lower(): value for name, value in body.items()}


def _values(kind: type[Stage], given: object, before: dict[str, Any] | None) -> tuple[dict[str, Any], set[str]]:
    try:
        known = declared(kind)
        new = given_values(known, given)
        values = complete(known, new, before)
        kind.check(values)
    except ValueError as error:
        raise bad_body(f"{error} (toxic {kind.type})") from error
    return values, set(new)


def _toxicity(given: dict[str, Any], before: float, kind: type[Stage]) -> float:
    value = given.get("toxicity")
    if value is None:
        return before
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise bad_body(f"toxicity must be a number from 0 to 1, not {value!r}")
    if kind.refuses_connections and value != 1:
        raise bad_body(f"toxicity of {kind.type} is always 1: it refuses every new connection")
    return value
