"""An exact number of requests, all provably in flight at once."""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.loads.naming import check_name, check_prefix, new_prefix
from blackstart.loads.operation import Operation


@plain("load.burst")
class Burst:
    """`n` requests on n connections: all are sent but for their last byte, then all last bytes are let go.

    No server can have answered a request that it has not seen the end of: the record shows max(start) < min(end). In
    its rows `start_s` is when all but the last byte was sent, `intended_s` when the last bytes were let go.
    With `same_key` all n carry one key (does the target accept it once?), and their attempts count 1 to n.
    `connect_s` is how long opening the connections may take.
    """

    n: int
    operation: Operation
    name: str = "burst"
    key_prefix: str = field(default_factory=new_prefix)
    same_key: bool = False
    connect_s: float = 10.0
    seed: int = 0

    kind: ClassVar[str] = "burst"

    def __post_init__(self) -> None:
        check_name(self.name)
        check_prefix(self.key_prefix)
        if not 1 <= self.n <= 20_000:
            raise ValueError(f"a burst has between 1 and 20000 requests, not {self.n}")
        if not 0 < self.connect_s <= 600:
            raise ValueError(f"connect_s must be above 0 and at most 600, not {self.connect_s}")

    @property
    def says(self) -> str:
        """How many, and of how many keys."""
        return f"{self.n} requests at once, {'all of one key' if self.same_key else 'each of a key of its own'}"

    def at(self, base_url: str, headers: Mapping[str, str] | None = None) -> Self:
        """The same with a whole address below `base_url`, and with these headers added."""
        return dataclasses.replace(self, operation=self.operation.at(base_url, headers))
