"""Whether the addresses of a load accept connections, told beforehand: a typing error should not look like a fault."""

import asyncio
from collections.abc import Sequence

from blackstart.loads.driving.prepared import Prepared

_CONNECT_S = 1.0


async def unreachable(operations: Sequence[Prepared]) -> list[str]:
    """A sentence for each address that does not accept a TCP connection now."""
    places = sorted({(operation.host, operation.port) for operation in operations})
    found = await asyncio.gather(*(_try(host, port) for host, port in places))
    return [sentence for sentence in found if sentence]


async def _try(host: str, port: int) -> str:
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        return f"{host}:{port}: {error or 'timed out'}"
    writer.close()
    return ""
