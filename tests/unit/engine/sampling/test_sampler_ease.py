"""What is only looked at, because it is proved already, is read less often; what is asked for is not."""

from blackstart.engine.sampling.sampler import Sampler
from blackstart.model.reading import Reading
from tests.lab.lab_driver import eventually
from tests.unit.fake_probes import Fake


def test_an_eased_endpoint_is_read_less_often_until_that_is_taken_back() -> None:
    ticks: dict[str, list[float]] = {"proof": [], "shared": [], "asked": []}

    def take(endpoint: str, readings: list[Reading], tick_s: float) -> None:
        for reading in readings:
            ticks[reading.probe].append(tick_s)

    sampler = Sampler([Fake("proof", "a"), Fake("shared", "b"), Fake("asked", "b")], take, 0.01, 100)
    sampler.ease(["proof", "shared"], 0.3)
    sampler.start()
    try:
        eventually(lambda: len(ticks["asked"]) >= 20, 10)
        # The one that shares its endpoint with something that is asked for keeps the pace.
        assert set(ticks["shared"]) == {0.01}
        assert set(ticks["proof"]) <= {0.3}
        assert len(ticks["proof"]) < len(ticks["asked"]) / 2
        sampler.ease(["proof", "shared"], 0.0)
        eventually(lambda: ticks["proof"][-1:] == [0.01], 10)
    finally:
        sampler.stop()
