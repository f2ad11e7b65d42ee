"""A name that nobody answers for keeps only those waiting who want to go there."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from blackstart.proxy.collection import Collection

CROWD = 12


def test_a_name_that_is_never_found_holds_up_no_other_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    found, asked, real = threading.Event(), [], socket.getaddrinfo

    def look_up(host: Any, *args: Any, **more: Any) -> Any:
        asked.append(host)
        if host == "lost.example":
            found.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(host, *args, **more)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readexactly(4))
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        collection = Collection("seed")
        port = server.sockets[0].getsockname()[1]
        good = await collection.create({"name": "good", "upstream": f"localhost:{port}"})
        bad = await collection.create({"name": "bad", "upstream": "lost.example:1"})
        waiting = [await asyncio.open_connection("127.0.0.1", bad.listen.port) for _ in range(CROWD)]
        async with asyncio.timeout(10):
            while "lost.example" not in asked or len(bad.connections) < CROWD:
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_connection("127.0.0.1", good.listen.port)
            writer.write(b"ping")
            assert await reader.read(4) == b"ping"
            found.set()
            assert [await reader.read() for reader, _ in waiting] == [b""] * CROWD
        assert (bad.dials_failed, asked.count("lost.example")) == (CROWD, 1)
        collection.close()
        server.close()

    try:
        asyncio.run(story())
    finally:
        found.set()
