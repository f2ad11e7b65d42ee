"""Each mutant differs from the healthy checkout in the way that its name says."""

import asyncio
import time
from typing import Any

import pytest

from blackstart_lab.checkout import mutants
from blackstart_lab.checkout.payments import FINE, REFUSED, SILENT, UNHEARD
from blackstart_lab.checkout.seams import HEALTHY
from blackstart_lab.lab_error import NotStarted
from tests.unit.blackstart_lab.checkout.bench import OTHER, Benches

NAMES = {
    "key-race",
    "hash-ignored",
    "cache-forgets",
    "error-cached",
    "retries-double-charge",
    "limiter-off-by-one",
    "limiter-window-leak",
    "timeout-too-long",
    "partial-write",
    "stale-read-after-conflict",
    "answers-mixed-up",
}


def parts(name: str) -> dict[str, type[Any]]:
    return dict(mutants.load(name).parts)


def test_all_eleven_are_found() -> None:
    assert set(mutants.names()) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_mutant_declares_what_catches_it_and_replaces_parts_that_there_are(name: str) -> None:
    mutant = mutants.load(name)
    assert mutant.must_fail and not set(mutant.must_fail) & set(mutant.may_fail)
    assert mutant.parts and all(issubclass(kind, HEALTHY[part]) for part, kind in mutant.parts.items())
    assert "parts" not in mutant.declaration()


def test_unknown_mutant_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(NotStarted, match='no mutant "key-rac" of the checkout. Did you mean "key-race"'):
        mutants.load("key-rac")


def test_key_race_opens_a_session_for_each_of_those_that_come_together(bench: Benches) -> None:
    made = bench(parts("key-race"))

    async def story() -> None:
        told = await asyncio.gather(*(made.ask("a") for _ in range(10)))
        assert len(set(told)) == 1
        assert await made.ask("a", OTHER) == "IDEMPOTENCY_CONFLICT"

    made.run(story)
    assert len(made.sessions) > 1


def test_hash_ignored_answers_another_request_with_the_first_ones_session(bench: Benches) -> None:
    made = bench(parts("hash-ignored"))

    async def story() -> None:
        first = await made.ask("a")
        assert await made.ask("a", OTHER) == first

    made.run(story)


def test_cache_forgets_opens_another_session_for_each_later_request(bench: Benches) -> None:
    made = bench(parts("cache-forgets"))

    async def story() -> None:
        told = await asyncio.gather(*(made.ask("a") for _ in range(4)))
        assert len({*told, await made.ask("a")}) == 5

    made.run(story)
    assert made.sessions == ["a"] * 5


def test_error_cached_fails_for_ever_after_a_failure(bench: Benches) -> None:
    made = bench(parts("error-cached"))

    async def story() -> None:
        await made.way.cut()
        assert await made.ask("a") == "SERVICE_UNAVAILABLE"
        await made.way.join()
        assert await made.ask("a") == "SERVICE_UNAVAILABLE"
        assert len(await made.ask("b")) == 36

    made.run(story)


def test_retries_double_charge_pays_twice_what_was_charged_without_an_answer(bench: Benches) -> None:
    made = bench(parts("retries-double-charge"), moods=(UNHEARD, FINE))

    async def story() -> None:
        await made.ask("a")

    made.run(story)
    assert (made.sessions, made.charges) == (["a"], ["a", "a"])


@pytest.mark.parametrize(("name", "passed"), [("limiter-off-by-one", 11), ("limiter-window-leak", 55)])
def test_limiter_lets_more_through_than_its_limit(bench: Benches, name: str, passed: int) -> None:
    made = bench(parts(name), window_s=60.0)

    async def story() -> None:
        told = [await made.ask(str(number), client="one") for number in range(100)]
        assert told.count("RATE_LIMITED") == 100 - passed

    made.run(story)
    assert len(made.sessions) == passed


def test_timeout_too_long_waits_for_a_payment_beyond_every_limit(bench: Benches) -> None:
    limits: dict[str, Any] = {"payment_timeout_s": 0.2, "answer_timeout_s": 0.5, "moods": (SILENT,)}
    healthy, made = bench(**limits), bench(parts("timeout-too-long"), **limits)

    async def first() -> None:
        assert len(await healthy.ask("a")) == 36

    async def story() -> None:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.0):
                await made.ask("b")
        assert time.monotonic() - began >= 2.0
        for flight in [made.checkouts.under_way("b")]:
            assert flight is not None
            flight.task.cancel()

    healthy.run(first)
    made.run(story)


def test_partial_write_leaves_a_session_that_nobody_paid(bench: Benches) -> None:
    made = bench(parts("partial-write"), moods=(REFUSED,))

    async def story() -> None:
        assert await made.ask("a") == "PAYMENT_UNAVAILABLE"

    made.run(story)
    assert (made.sessions, made.charges) == (["a"], [])


def test_stale_read_after_conflict_answers_duplicates_with_sessions_that_are_nowhere(bench: Benches) -> None:
    made = bench(parts("stale-read-after-conflict"))

    async def story() -> list[str]:
        return [*await asyncio.gather(*(made.ask("a") for _ in range(5))), await made.ask("a")]

    told = made.run(story)
    assert len(set(told)) == 6
    ((only,),) = made.rows("SELECT id::text FROM checkout_sessions")
    assert only in told


def test_answers_mixed_up_tells_clients_of_each_others_sessions(bench: Benches) -> None:
    made = bench(parts("answers-mixed-up"))

    async def story() -> list[str]:
        return await asyncio.gather(*(made.ask(key) for key in "abc"))

    told = made.run(story)
    there = {key: name for key, name in made.rows("SELECT idempotency_key, id::text FROM checkout_sessions")}
    assert set(there) == set("abc") and set(told) < set(there.values())
