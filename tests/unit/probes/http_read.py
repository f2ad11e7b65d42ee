"""One reading of the light HTTP client from a server that a test wrote."""

from blackstart.probes.http_client import HttpReader
from tests.unit.probes.servers import Handler, serving


def read(handle: Handler, timeout_s: float = 2.0, **more: int) -> tuple[str, object, int | None, str]:
    with serving(handle) as port:
        reader = HttpReader(f"http://127.0.0.1:{port}/x", **more)  # type: ignore[arg-type]
        answer = reader.read(timeout_s)
        reader.close()
        return answer.kind, answer.body, answer.status, answer.note
