"""A message that comes again and again is said once, and counted."""

import re

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
