"""A time limit around libraries that have none for the whole of a call."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.model.reading import Answer

T = TypeVar("T")
# Calls that hang are left behind; a reader never leaves more of them than this.
MOST_HANGING = 3


class HardCap:
    """Runs a call in a thread of its own and stops waiting at the deadline. The call itself ends when it can."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._hanging: list[threading.Thread] = []

    def run(self, work: Callable[[], T], deadline: Deadline) -> T:
        """What `work` returns or raises. Raises NoAnswer (timed_out) at the deadline."""
        self._hanging = [thread for thread in self._hanging if thread.is_alive()]
        if len(self._hanging) >= MOST_HANGING:
            raise NoAnswer("timed_out", f"{len(self._hanging)} earlier reads of {self._what} still hang")
        results: list[T] = []
        errors: list[Exception] = []

        def carry_out() -> None:
            try:
                results.append(work())
            except Exception as error:  # handed to the caller below
                errors.append(error)

        thread = threading.Thread(target=carry_out, name=f"read {self._what}", daemon=True)
        thread.start()
        self._hanging.append(thread)  # also where the time is over by now: it counts for as long as it is there
        thread.join(deadline.left_s())
        if thread.is_alive():
            raise deadline.passed()
        if errors:
            raise errors[0]
        return results[0]


class CappedReader:
    """A reader through a client library that is loaded, and connects, at the first read. A kind of it says `_ask`."""

    def __init__(self, what: str) -> None:
        self._cap = HardCap(what)
        self._client: Any = None

    def read(self, timeout_s: float) -> Answer:
        """What `_ask` returns, or why there is nothing."""
        try:
            return Answer("answer", self._cap.run(lambda: self._ask(timeout_s), Deadline(timeout_s)))
        except NoAnswer as failure:
            # A call that hangs keeps its client; the next read must not share it.
            self._client = None
            return self._unanswered(failure)

    def close(self) -> None:
        """Close the client; the next read makes another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _ask(self, timeout_s: float) -> Any:
        """Ask once. Raises NoAnswer."""
        raise NotImplementedError

    def _unanswered(self, failure: NoAnswer) -> Answer:
        return Answer(failure.kind, note=failure.note)
