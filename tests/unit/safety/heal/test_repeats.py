"""A message that comes again and again is said once, and counted."""

import re

import pytest

from blackstart.base import clock
from blackstart.safety.heal.repeats import Repeats


def test_the_same_message_is_said_once_and_counted_until_another_comes() -> None:
    said: list[str] = []
    repeats = Repeats(said.append)
    for text in (
        "refused after 1.2 s",
        "refused after 340 ms",
        "refused after 2 s",
        "no right",
        "exit code 1",
        "exit code 2",
    ):
        repeats(text)
    repeats.end()
    repeats.end()
    assert [said[0], *said[2:]] == ["refused after 1.2 s", "no right", "exit code 1", "exit code 2"]
    assert re.fullmatch(r"the same ×3 in \d+ ms", said[1])


def test_every_ten_seconds_it_is_told_how_often_and_with_what_it_failed_last(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, said = [100.0], list[str]()
    monkeypatch.setattr(clock, "now_s", lambda: now_s[0])
    repeats = Repeats(said.append)
    for _ in range(24):
        repeats(f"undo failed: no such container after {now_s[0]:.0f} s")
        now_s[0] += 1
    repeats.end()
    assert said == [
        "undo failed: no such container after 100 s",
        "the same ×11 in 10.00 s, and it goes on: no such container after 110 s",
        "the same ×21 in 20.00 s, and it goes on: no such container after 120 s",
        "the same ×24 in 24.00 s",
    ]
