"""Undo a change and prove it. Used by the engine, by the guardian and by `chaos.heal`, with the same data."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import chain, repeat

from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_delay, wait_exponential, wait_fixed

from blackstart.base import clock
from blackstart.base.codec import to_data
from blackstart.base.errors import BlackstartError, StepFailed
from blackstart.base.secrets.placeholders import demand
from blackstart.controls.steps.local import run
from blackstart.controls.steps.outcome import complaint
from blackstart.model.change import Change, no_proof
from blackstart.model.expect import Condition
from blackstart.model.reading import Endpoint, Reader
from blackstart.model.step import Ask
from blackstart.probes.read import read_once, reading_of
from blackstart.safety.heal.repeats import Repeats

Say = Callable[[str], None]
STAYS_GONE_S = 1.0
_READ_TIMEOUT_S = 2.0
_FIRST_READ_TIMEOUT_S = 0.25
# A reading that was late on a busy machine, as `docker inspect` is there, says nothing: it is asked again, with twice
# the time each time, for so long.
_LATE_READ_TIMEOUT_S = 8.0
_UNREAD_FOR_S = 15.0
_UNREAD = ("timed_out", "unreadable")
# How long an undo that went well is given to show before it is tried again: longer each time. A start that was lost
# in a stop is repeated soon, and a database that takes its time is not pestered.
_LOOKS_S = (1.0, 2.0, 4.0, 5.0)
_GLANCE_S = 0.2  # after one that failed: the stop is perhaps still under way


def perform_undo(change: Change, say: Say) -> bool:
    """Carry out the undo's steps once; False when one failed. Steps by hand are left to `gone`."""
    for step in change.undo:
        if isinstance(step, Ask):
            continue
        try:
            outcome = run(step)
        except StepFailed as error:
            say(f"undo failed: {error}")
            return False
        if not outcome.ok:
            say(f"undo failed: {complaint(step, outcome)}")
            return False
    return True


def restore(
    change: Change,
    say: Say,
    within_s: float,
    over: Callable[[], bool] = lambda: False,
    failed: Callable[[str, int], None] = lambda why, times: None,
    trying: Callable[[int], None] = lambda times: None,
) -> bool:
    """Undo, again and again until `gone` is proved or `within_s` is over. True when it is proved.

    Repeating matters: a start that is asked for while a stop is still under way can be lost. What a person must do is
    said once; nothing is said where it has been done already. `over` is asked before each further try: whether
    it is no longer ours to undo. `failed` is told why a try failed, and for which time in a row for that reason;
    `trying` which try it is, before each and a few times a second while its proof is looked for.
    """
    if change.undo_by_hand and is_gone(change):
        return True
    for step in change.undo:
        if isinstance(step, Ask):
            say(f"PLEASE DO NOW, by hand: {step.text}")

    looks_s = chain(_LOOKS_S, repeat(_LOOKS_S[-1]))
    repeats = Repeats(say, failed)
    tries = 0

    def attempt() -> bool:
        nonlocal tries
        if tries and over():
            return False
        tries += 1
        trying(tries)
        look_s = next(looks_s)
        look_s = min(look_s, within_s) if perform_undo(change, repeats) else _GLANCE_S
        return wait_gone(change, look_s, lambda: trying(tries))

    retrying = Retrying(
        stop=lambda state: stop_after_delay(within_s)(state) or over(),
        wait=wait_exponential(multiplier=0.1, max=2.0),
        retry=retry_if_result(lambda proved: not proved),
        retry_error_callback=lambda state: False,
    )
    try:
        return bool(retrying(attempt))
    finally:
        repeats.end()


def is_gone(change: Change) -> bool:
    """One look: whether every `gone` condition is true now."""
    return all_true(change.gone)


def all_true(conditions: tuple[Condition, ...]) -> bool:
    """One look: whether all of these are true now."""
    with ExitStack() as stack:
        return bool(_look(_open(conditions, stack), _READ_TIMEOUT_S))


def unproved(change: Change) -> list[str]:
    """One look: what was read of each `gone` condition that is not true now, or why it can't be read."""
    return [told for condition in change.gone if (told := _untrue(condition))]


def standing(change: Change) -> str:
    """For people: what is read of it now, be it each proof that is missing, or that none is."""
    seen = unproved(change)
    return no_proof(change.what, seen) if seen else f"{change.what}: looks undone; chaos.heal proves it"


def _untrue(condition: Condition) -> str:
    try:
        demand(to_data(condition.probe))
        reading = read_once(condition.probe, _READ_TIMEOUT_S)
    except BlackstartError as error:
        return f"{condition.probe.name} can't be read: {error.args[0] if error.args else error}"
    detail = f" ({reading.note})" if reading.kind == "value" and reading.note else ""
    return "" if condition.matches(reading) else f"{reading}{detail}"


def wait_gone(change: Change, within_s: float, between: Callable[[], None] = lambda: None) -> bool:
    """Whether all `gone` conditions become true, and are true twice in a row, within `within_s`. `between` is called
    after each look that does not show it."""
    with ExitStack() as stack:
        readers = _open(change.gone, stack)
        retrying = Retrying(
            stop=stop_after_delay(within_s),
            wait=wait_exponential(multiplier=0.02, max=0.2),
            retry=retry_if_result(lambda in_a_row: not in_a_row),
            retry_error_callback=lambda state: False,
        )
        timeout_s = _FIRST_READ_TIMEOUT_S

        def look() -> bool:
            # What still comes back is often deaf to the first question and quick with the next one.
            nonlocal timeout_s
            limit_s, timeout_s = timeout_s, min(2 * timeout_s, _LATE_READ_TIMEOUT_S)
            seen = all(_look(readers, limit_s) for _ in range(2))
            if not seen:
                between()
            return seen

        return bool(retrying(look))


def stays_gone(change: Change, for_s: float) -> bool | None:
    """Whether every `gone` condition is true now, and in every reading for `for_s` more.

    None where it could not be told: what could not be read did not come back. It is asked again, for some seconds past
    `for_s`, and what counts is what can be read then.
    """
    until_s = clock.now_s() + for_s
    timeout_s = _READ_TIMEOUT_S
    with ExitStack() as stack:
        readers = _open(change.gone, stack)

        def look() -> bool | None:
            nonlocal timeout_s
            seen = _look(readers, timeout_s)
            timeout_s = _READ_TIMEOUT_S if seen else min(2 * timeout_s, _LATE_READ_TIMEOUT_S)
            return seen

        retrying = Retrying(
            stop=lambda state: clock.now_s() >= until_s + (0.0 if _seen(state) else _UNREAD_FOR_S),
            wait=wait_fixed(0.1),
            retry=retry_if_result(lambda seen: seen is not False),
            retry_error_callback=_seen,
        )
        seen: bool | None = retrying(look)
        return seen


def _seen(state: RetryCallState) -> bool | None:
    seen: bool | None = state.outcome.result() if state.outcome else None
    return seen


def outlasts(change: Change, late_s: float, say: Say, again: Callable[[], bool]) -> bool:
    """Whether it is still undone when a step that did not come back has had as long again to take effect.

    `late_s` is that step's time limit, 0 where all came back. Where it took effect after all, `again` undoes it.
    """
    if not late_s:
        return True
    say(f"{change.what}: a step did not come back and may still take effect; watched for {late_s:g} s")
    stayed = stays_gone(change, late_s)
    if stayed:
        return True
    say(untold(change) if stayed is None else f"came after its undo: {change.what}")
    return again() and bool(stays_gone(change, STAYS_GONE_S))


def untold(change: Change) -> str:
    """For people: that it could not be told whether the change stays undone."""
    return f"can't be told, since it can't be read: whether it stays undone: {change.what}"


def longest_s(change: Change) -> float:
    """The longest time limit of the steps that make it: so long one that was given up may still take effect."""
    return max((step.timeout_s for step in change.do), default=0.0)


def _open(conditions: tuple[Condition, ...], stack: ExitStack) -> list[tuple[Condition, Reader]]:
    opened: dict[Endpoint, Reader] = {}
    pairs = []
    for condition in conditions:
        demand(to_data(condition.probe))
        endpoint = condition.probe.endpoint()
        if endpoint not in opened:
            opened[endpoint] = endpoint.open()
            stack.callback(opened[endpoint].close)
        pairs.append((condition, opened[endpoint]))
    return pairs


def _look(readers: list[tuple[Condition, Reader]], timeout_s: float) -> bool | None:
    """One look: whether all of these are true now; None where none is seen to be false, and one could not be read."""
    seen = [_true(condition, reader, timeout_s) for condition, reader in readers]
    return False if False in seen else None if None in seen else True


def _true(condition: Condition, reader: Reader, timeout_s: float) -> bool | None:
    sent_s = clock.now_s()
    answer = reader.read(timeout_s)
    reading = reading_of(condition.probe, answer, sent_s, clock.now_s())
    if condition.matches(reading):
        return True
    return None if reading.kind in _UNREAD else False
