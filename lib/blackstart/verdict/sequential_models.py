"""What one key may answer while one operation at a time is carried out on it: the models of `linearizable`, and that of
`lock_held_by_one`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from blackstart.verdict.linearizability import Model, Operation, State

NOTHING = ""
"""What a read answers of a key that was never written."""


class Register:
    """`write` replaces the value, `read` answers the last one."""

    observing: ClassVar[frozenset[str]] = frozenset({"read"})
    initial: State = NOTHING

    def __init__(self, operations: Sequence[Operation]) -> None: ...

    def step(self, state: State, operation: Operation) -> State | None:
        if operation.action == "write":
            return operation.value
        return state if operation.answer == state else None

    @staticmethod
    def forgotten(operation: Operation) -> Operation | None:
        return None if operation.action == "read" else _optional(operation)


class AppendOnlyList:
    """`append` adds a value at the end, `read` answers all of them, as a tuple.

    The longest list that was read tells the order of its values. The state is how many of them are there: one more than
    all where something follows them, whatever it is, since no read answers it.
    """

    observing: ClassVar[frozenset[str]] = frozenset({"read"})
    initial: State = 0

    def __init__(self, operations: Sequence[Operation]) -> None:
        read: list[Any] = [one.answer for one in operations if one.action == "read" and one.certain]
        self._longest: tuple[str, ...] = max(read, key=len, default=())

    def step(self, state: Any, operation: Operation) -> State | None:
        longest = self._longest
        if operation.action == "append":
            if state >= len(longest):
                return len(longest) + 1
            return state + 1 if longest[state] == operation.value else None
        answer: Any = operation.answer
        return state if len(answer) == state and answer == longest[:state] else None

    @staticmethod
    def forgotten(operation: Operation) -> Operation | None:
        return None if operation.action == "read" else _optional(operation)


class IdempotencyKey:
    """The first `request` binds the key to its parameters and to the id of what it created, for ever.

    Its answer is ("created", id); that of others with the same parameters ("same", id); that of others with other
    parameters ("conflict", ""). ("done", id) is created or same: not all systems tell. An id that was not told is "".
    One that was rejected may have bound the key too, or not.
    The state is () or the parameters and the id, "" as long as no answer told it.
    """

    observing: ClassVar[frozenset[str]] = frozenset({"request"})
    initial: State = ()

    def __init__(self, operations: Sequence[Operation]) -> None: ...

    def step(self, state: Any, operation: Operation) -> State | None:
        answer: Any = operation.answer
        kind, made = answer or ("", "")
        if not state:
            return None if kind in ("same", "conflict") else (operation.value, made)
        parameters, known = state
        if not kind:
            return (parameters, known)
        if operation.value != parameters:
            return (parameters, known) if kind == "conflict" else None
        if kind in ("created", "conflict") or (made and known and made != known):
            return None
        return (parameters, known or made)

    @staticmethod
    def forgotten(operation: Operation) -> Operation | None:
        return _optional(operation)


class Lock:
    """`acquire` makes its value, (holder, which time), the one that has it; `act` is done by who has it; `see` answers
    the holder alone."""

    observing: ClassVar[frozenset[str]] = frozenset({"act", "see"})
    initial: State = ("", "")

    def __init__(self, operations: Sequence[Operation]) -> None: ...

    def step(self, state: Any, operation: Operation) -> State | None:
        if operation.action == "acquire":
            return operation.value
        return state if operation.answer == (state if operation.action == "act" else state[0]) else None

    @staticmethod
    def forgotten(operation: Operation) -> Operation | None:
        return _optional(operation) if operation.action == "acquire" else None


MODELS: dict[str, type[Model]] = {"register": Register, "list": AppendOnlyList, "idempotency": IdempotencyKey}


def _optional(operation: Operation) -> Operation:
    return operation._replace(answer=None, optional=True)
