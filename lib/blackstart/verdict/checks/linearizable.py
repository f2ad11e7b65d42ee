"""What was answered on each key agrees with one order of its operations, each between its sending and its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from blackstart.base.errors import BadExperiment, did_you_mean
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import MOST_OFFENDERS, CheckResult, Reporter, examples
from blackstart.verdict.checks.state import unrecorded, vacuity
from blackstart.verdict.keyed_operations import Meaning
from blackstart.verdict.linearizability import Model, Operation, Search, contradiction
from blackstart.verdict.sequential_models import MODELS, IdempotencyKey

_MOST_STEPS = 20_000_000
_MOST_TOLD = 6


def linearizable(
    evidence: Recorded,
    *,
    model: str,
    requests: Mapping[str, str] | None = None,
    reads: Sequence[str] = (),
    writes: Mapping[str, str] | None = None,
    created: int = 201,
    same: int = 200,
    conflict: int = 409,
    conflict_code: str = "",
    most_steps: int = _MOST_STEPS,
) -> CheckResult:
    """`model` is `register`, `list` (append-only) or `idempotency`. `reads` are operations of the load whose detail is
    what they read (a JSON list for `list`; 404 and null are nothing), `writes` says of the others what each writes or
    appends. Of an idempotency key, `requests` says which parameters each operation sends (without it, each its own);
    the statuses `created`, `same` (equal ones: not told apart) and `conflict` say what its answer was, and the detail
    which id was made. With a `conflict_code` a conflict is told by that detail, and not by its status.

    What has no clear outcome may come true at any time, or never, and a request that was rejected may have bound its
    idempotency key, or not. After `most_steps` it is inconclusive.
    """
    report = Reporter("each key's answers agree with one order of its operations")
    kind = MODELS.get(model)
    if kind is None:
        raise BadExperiment(f'linearizable: no model "{model}".{did_you_mean(model, MODELS)}')
    why = vacuity(evidence.history, ok_needed=False) or unrecorded(evidence)
    if why:
        return report.unknown(why)
    meaning = Meaning(model, requests, reads, writes or {}, created, same, conflict, conflict_code)
    seen = _Seen(kind, most_steps)
    for key, operations in meaning.by_key(evidence.history):
        if operations:
            seen.look_at(key, operations)
    if seen.broken:
        return report.broke(_told(evidence, seen), seen.figures, list(seen.broken), seen.more)
    why = seen.untested()
    return report.unknown(why, seen.figures, seen.spent) if why else report.held(seen.figures)


class _Seen:
    """What the search over the keys came to so far."""

    def __init__(self, kind: type[Model], most_steps: int) -> None:
        self.kind, self._left, self._most = kind, most_steps, most_steps
        self.operations = self.unknown = self.keys = self.contested = self.overlapping = self.more = 0
        self.named = kind is not IdempotencyKey
        self.broken: dict[str, list[Operation]] = {}
        self.spent: list[str] = []

    def look_at(self, key: str, operations: list[Operation]) -> None:
        certain = [one for one in operations if one.certain]
        self.keys += 1
        self.operations += len(operations)
        self.unknown += len(operations) - len(certain)
        self.named = self.named or any(isinstance(one.answer, tuple) and one.answer[1] for one in certain)
        if len(certain) > 1 and any(one.action in self.kind.observing for one in certain):
            self.contested += 1
            self.overlapping += any(after.start_s <= one.end_s for one, after in pairwise(certain))
        search = Search(self.kind, operations, self._left // 2)  # one key leaves something for the others
        possible = search.run()
        if self.kind is IdempotencyKey and len(certain) < 2 and possible is False:
            return  # one answer alone: what it disagrees with was asked by somebody else
        self._left = max(0, self._left - search.steps)
        if possible is None:
            self.spent.append(key)
        elif not possible and len(self.broken) < MOST_OFFENDERS:
            self.broken[key] = operations
        elif not possible:
            self.more += 1

    @property
    def figures(self) -> str:
        return (
            f"{self.operations} operations ({self.unknown} of unknown outcome) on {self.keys} keys; "
            f"{self.contested} keys with several answers, {self.overlapping} of them with overlapping operations"
        )

    def untested(self) -> str:
        """Why nothing is held; "" where it is."""
        if self.spent:
            return f"too many orders to try within {self._most} steps (`most_steps`) on {examples(self.spent)}"
        if not self.keys:
            return "no operation of this model was recorded: are `requests`, `reads` and `writes` those of the load?"
        if not self.contested:
            return "no key was answered twice: no answer could have contradicted another"
        return "" if self.named else "no answer names what was made: does the load's detail_from?"


def _told(evidence: Recorded, seen: _Seen) -> str:
    """The contradiction of the key that was sent first, in the run's own time."""
    key, operations = min(seen.broken.items(), key=lambda pair: pair[1][0].start_s)
    few, fewest = contradiction(seen.kind, operations, _MOST_STEPS // 20)
    began_s = evidence.began_s("baseline")
    since, zero_s = ("the run", began_s) if began_s is not None else ("the first of them", few[0].start_s)
    rest = f"; and {len(few) - _MOST_TOLD} more" if len(few) > _MOST_TOLD else ""
    others = f", whatever became of its other {len(operations) - len(few)}" if len(few) < len(operations) else ""
    return (
        f"{len(seen.broken) + seen.more} of {seen.keys} keys have no order that agrees with their answers. On {key} "
        f"these contradict each other{others} (seconds from the begin of {since}): "
        f"{'; '.join(_line(one, zero_s) for one in few[:_MOST_TOLD])}{rest}"
        f"{'' if fewest else ' (perhaps fewer of them do)'}"
    )


def _line(one: Operation, zero_s: float) -> str:
    asked = {"read": "", "request": ""}.get(one.action, f" {one.value}")
    answer = {"write": "done", "append": "done", "read": f"read {_shown(one.answer)}"}.get(one.action, "")
    if isinstance(one.answer, tuple) and one.action == "request":
        answer = " ".join(map(str, filter(None, one.answer)))
    return f"{one.name}{asked} {one.start_s - zero_s:.3f} to {one.end_s - zero_s:.3f}: {answer}"


def _shown(answer: object) -> str:
    if isinstance(answer, tuple):
        return f"[{', '.join(map(str, answer))}]"
    return str(answer) or "nothing"
