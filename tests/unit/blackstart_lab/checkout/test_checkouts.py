"""A session is opened once for each key, and paid once, whatever fails and whoever leaves."""

import asyncio
import contextlib
import time

import pytest

from blackstart_lab.checkout.payment_client import PaymentClient
from blackstart_lab.checkout.payments import FINE, REFUSED, SILENT, UNHEARD
from tests.unit.blackstart_lab.checkout.bench import CART, OTHER, Benches, asked, until


def test_a_key_is_opened_and_paid_once_and_answered_the_same_ever_after(bench: Benches) -> None:
    made = bench()

    async def story() -> None:
        first = await made.checkouts.open("a", CART, "a")
        again = await made.checkouts.open("a", CART, "a")
        assert (first.cached, again.cached, again.session) == (False, True, first.session)
        async with made.instance() as other:
            assert (await other.open("a", CART, "a")).session == first.session

    made.run(story)
    ((session, total),) = made.rows("SELECT id, total_cents FROM checkout_sessions")
    assert total == CART.total_cents == 2500
    assert made.rows("SELECT session_id, sku, quantity FROM checkout_items") == [(session, "A-1", 2)]
    assert made.charges == ["a"]


@pytest.mark.parametrize("mood", [FINE, REFUSED, UNHEARD])
def test_a_thousand_at_once_are_one_session_and_one_charge(bench: Benches, mood: str) -> None:
    made = bench(moods=(mood,))

    async def story() -> list[str]:
        return await asyncio.gather(*(made.ask("a") for _ in range(1000)))

    (session,) = set(made.run(story))
    assert made.rows("SELECT id::text FROM checkout_sessions") == [(session,)]
    assert made.charges == ["a"]


def test_instances_that_know_nothing_of_each_other_open_one_session(bench: Benches) -> None:
    made = bench(moods=(UNHEARD, FINE))

    async def story() -> list[str]:
        async with made.instance() as one, made.instance() as other:
            each = [asked(instance, "a") for instance in (made.checkouts, one, other) for _ in range(5)]
            return await asyncio.gather(*each)

    assert len(set(made.run(story))) == 1
    assert (made.sessions, made.charges) == (["a"], ["a"])


def test_other_parameters_are_a_conflict_on_the_way_and_after_it_and_change_nothing(bench: Benches) -> None:
    made = bench()

    async def story() -> None:
        first = asyncio.create_task(made.ask("a"))
        await asyncio.sleep(0)
        assert await made.ask("a", OTHER) == "IDEMPOTENCY_CONFLICT"
        session = await first
        assert await made.ask("a", OTHER) == "IDEMPOTENCY_CONFLICT"
        assert await made.ask("a") == session

    made.run(story)
    assert (made.sessions, made.charges) == (["a"], ["a"])


@pytest.mark.parametrize("mood", [REFUSED, UNHEARD, SILENT])
def test_a_payment_whose_first_try_fails_is_tried_again_and_charged_once(bench: Benches, mood: str) -> None:
    made = bench(moods=(mood,), payment_timeout_s=0.3)

    async def story() -> None:
        await made.ask("a")

    made.run(story)
    assert (made.sessions, made.charges) == (["a"], ["a"])


def test_a_gateway_that_fails_at_every_try_is_told_so_and_the_next_request_pays(bench: Benches) -> None:
    made = bench(moods=(REFUSED,), payment_tries=1)

    async def story() -> None:
        assert await made.ask("a") == "PAYMENT_UNAVAILABLE"
        assert (made.sessions, made.charges) == ([], [])
        assert len(await made.ask("a")) == 36

    made.run(story)
    assert (made.sessions, made.charges) == (["a"], ["a"])


def test_without_the_database_it_is_unavailable_and_the_same_key_is_opened_afterwards(bench: Benches) -> None:
    made = bench()

    async def story() -> None:
        await made.ask("before")
        await made.way.cut()
        began = time.monotonic()
        assert await made.ask("a") == "SERVICE_UNAVAILABLE"
        assert time.monotonic() - began < made.promise.answer_timeout_s
        await made.way.join()
        assert len(await made.ask("a")) == 36

    made.run(story)
    assert made.sessions == made.charges == ["a", "before"]


def test_a_database_that_answers_nothing_is_given_up_within_the_limit_for_all(bench: Benches) -> None:
    made = bench(answer_timeout_s=1.0, db_timeout_s=0.6)

    async def story() -> None:
        await made.ask("before")
        made.way.mute()
        began = time.monotonic()
        assert await made.ask("a") == "TIMEOUT"
        assert 0.9 < time.monotonic() - began < 3.0

    made.run(story)


def test_what_was_charged_and_not_written_is_finished_by_another_process_without_its_caller(bench: Benches) -> None:
    class CutsAfterCharging(PaymentClient):
        async def charge(self, reference: str, amount_cents: int) -> str:
            charged = await super().charge(reference, amount_cents)
            await made.way.cut()
            return charged

    made = bench({"payments": CutsAfterCharging})

    async def story() -> None:
        assert await made.ask("a") == "SERVICE_UNAVAILABLE"

    made.run(story)
    assert (made.sessions, made.charges) == ([], ["a"])
    restarted = bench(finish_after_s=0.0)

    async def later() -> None:
        job = asyncio.create_task(restarted.checkouts.finish_left())
        await until(lambda: restarted.sessions == ["a"])
        job.cancel()

    restarted.run(later)
    assert restarted.charges == ["a"]


def test_what_is_on_its_way_is_not_taken_for_left(bench: Benches) -> None:
    made = bench(moods=(SILENT,), payment_timeout_s=0.5, finish_after_s=0.0)

    async def story() -> None:
        job = asyncio.create_task(made.checkouts.finish_left())
        first, again = await asyncio.gather(made.ask("a"), made.ask("a"))
        assert first == again
        job.cancel()

    made.run(story)
    assert (made.sessions, made.charges) == (["a"], ["a"])


def test_whoever_leaves_leaves_a_whole_session_behind(bench: Benches) -> None:
    made = bench(moods=(SILENT,), payment_timeout_s=0.3)

    async def story() -> None:
        waiting = asyncio.create_task(made.ask("a"))
        await until(lambda: made.rows("SELECT count(*) FROM idempotency_keys") == [(1,)])
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        await until(lambda: made.sessions == ["a"])

    made.run(story)
    assert made.charges == ["a"]


def test_who_is_over_the_limit_is_told_when_to_come_again_and_leaves_nothing(bench: Benches) -> None:
    made = bench(limit_per_s=2, window_s=60.0)

    async def story() -> None:
        told = [await made.ask(key, client="one") for key in ("a", "b", "c", "a", "b")]
        assert [len(word) == 36 for word in told] == [True, True, False, True, True]
        assert told[2] == "RATE_LIMITED"
        assert len(await made.ask("d", client="another")) == 36

    made.run(story)
    assert made.sessions == made.charges == ["a", "b", "d"]
    assert made.rows("SELECT count(*) FROM idempotency_keys") == [(3,)]
