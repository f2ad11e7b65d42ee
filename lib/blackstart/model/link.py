"""What a proof is that a service is the target's own."""

from typing import Any, Protocol


class Proof(Protocol):
    """One way to prove that a service is the target's own, as plain data."""

    @property
    def service(self) -> str:
        """The service that it is about."""
        ...

    def bind(self, target: Any) -> "Proof":
        """With absolute addresses."""
        ...

    def missing(self) -> str:
        """Empty where the link is proved now, else what was seen instead."""
        ...
