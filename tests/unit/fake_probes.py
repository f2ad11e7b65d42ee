"""Probes that read what a test says, and a receiver that lets a test wait for their readings."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from blackstart.base.codec import plain
from blackstart.engine.sampling.sampler import Sampler
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Reading

READ: dict[str, Callable[[], Answer]] = {}
OPENED: list[str] = []


class FakeReader:
    def __init__(self, key: str) -> None:
        OPENED.append(key)
        self.key = key

    def read(self, timeout_s: float) -> Answer:
        return READ.get(self.key, lambda: Answer("answer", 1))()

    def close(self) -> None:
        pass


@plain
class FakeEndpoint:
    key: str
    least_tick_s: float = 0.0

    def open(self) -> FakeReader:
        return FakeReader(self.key)

    def describe(self) -> str:
        return f"read {self.key[0]}"


@plain
class Fake(Conditions):
    name: str
    key: str = "a"
    broken: bool = False
    least_tick_s: float = 0.0

    def bind(self, target: object) -> Fake:
        return self

    def endpoint(self) -> FakeEndpoint:
        return FakeEndpoint(self.key, self.least_tick_s)

    def pick(self, answer: Answer) -> tuple[str, object, str]:
        if self.broken:
            raise KeyError("oh")
        return "value", answer.body, ""


@dataclass
class Taken:
    """Collects readings and lets a test wait for what it needs."""

    readings: list[tuple[str, list[Reading], float]] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, endpoint: str, readings: list[Reading], tick_s: float) -> None:
        with self.news:
            self.readings.append((endpoint, readings, tick_s))
            self.news.notify_all()

    def of(self, name: str) -> list[Reading]:
        return [r for _, readings, _ in list(self.readings) for r in readings if r.probe == name]

    def wait(self, name: str, count: int, within_s: float = 20.0) -> list[Reading]:
        with self.news:
            assert self.news.wait_for(lambda: len(self.of(name)) >= count, within_s), f"{len(self.of(name))} readings"
        return self.of(name)


def sampler(taken: Taken, *probes: Fake, tick_s: float = 0.02, **more: float) -> Sampler:
    return Sampler(probes, taken, tick_s=tick_s, **{"max_rate_hz": 100.0, **more})  # type: ignore[arg-type]
