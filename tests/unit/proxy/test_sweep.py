"""What looks after toxics goes on, whatever happens to one look."""

import asyncio
import errno
import os

import pytest

from blackstart.proxy.collection import Collection
from blackstart.proxy.toxic import read_toxic
from blackstart.safety.processes import identity


def test_a_look_that_fails_ends_no_lease_and_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_files(pid: int) -> str | None:
        raise OSError(errno.EMFILE, "Too many open files")

    async def story() -> None:
        collection = Collection("seed")
        proxy = await collection.create({"name": "p", "upstream": "127.0.0.1:1"})
        await proxy.add_toxic(read_toxic({"type": "noop", "name": "owned", "lease": {"pid": os.getpid()}}))
        both = {"pid": os.getpid(), "seconds": 0.3}
        await proxy.add_toxic(read_toxic({"type": "noop", "name": "timed", "lease": both}))
        sweeping = asyncio.create_task(collection.sweep())
        monkeypatch.setattr(identity, "started", no_files)
        await asyncio.sleep(0.7)  # looks fail meanwhile, and the time of the second lease is over
        assert "owned" in [toxic.name for toxic in proxy.toxics]
        monkeypatch.setattr(identity, "started", lambda pid: None)
        async with asyncio.timeout(5):
            while proxy.toxics:
                await asyncio.sleep(0.02)
        sweeping.cancel()
        collection.close()

    asyncio.run(story())
