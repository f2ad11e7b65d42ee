"""Reading by a visit: a connection for each read, and nothing held between them."""

from blackstart.base.sockets import Deadline, NoAnswer, parse_address
from blackstart.model.reading import Answer


class HoldsNothing:
    """Mixed into a reader that holds nothing between reads."""

    def close(self) -> None:
        """Nothing is held."""


class Visitor(HoldsNothing):
    """A reader that makes a connection for each read and holds nothing between them."""

    def __init__(self, address: str) -> None:
        self._host, self._port = parse_address(address)

    def read(self, timeout_s: float) -> Answer:
        """One visit, within the time limit."""
        try:
            return self._visit(Deadline(timeout_s), timeout_s)
        except NoAnswer as failure:
            return Answer(failure.kind, note=failure.note)
        except OSError as error:
            return Answer("unreachable", note=error.strerror or str(error))

    def _visit(self, deadline: Deadline, timeout_s: float) -> Answer:
        """What is seen. Raises NoAnswer, OSError."""
        raise NotImplementedError
