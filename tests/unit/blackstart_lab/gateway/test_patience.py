"""The limit ends what takes too long, and forgives the time that our own process was held up."""

import asyncio
import time

import pytest

from blackstart_lab.gateway.patience import Limit


def test_what_takes_too_long_is_ended() -> None:
    async def story() -> float:
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with Limit(0.05):
                await asyncio.sleep(10)
        return time.monotonic() - began

    assert 0.05 <= asyncio.run(story()) < 2


def test_what_is_quick_enough_passes_with_its_own_errors() -> None:
    async def story() -> None:
        async with Limit(5):
            await asyncio.sleep(0)
        with pytest.raises(ValueError, match="own"):
            async with Limit(5):
                raise ValueError("own")

    asyncio.run(story())


def test_answer_that_came_while_the_process_was_held_up_is_taken() -> None:
    async def story() -> str:
        answer = asyncio.get_running_loop().create_future()

        async def other_side() -> None:
            await asyncio.sleep(0.02)
            answer.set_result("PONG")

        async with Limit(0.5):
            other = asyncio.create_task(other_side())
            await asyncio.sleep(0)
            time.sleep(0.6)  # both the answer and the alarm are due when the loop goes on
            got = str(await answer)
        await other
        return got

    assert asyncio.run(story()) == "PONG"
