"""A message that comes again and again is said once, and counted."""

import re

from blackstart.safety.repeats import Repeats


def test_the_same_message_is_said_once_and_counted_until_another_comes() -> None:
    said: list[str] = []
    repeats = Repeats(said.append)
    for text in ("refused", "refused", "refused", "no right", "refused"):
        repeats(text)
    repeats.end()
    repeats.end()
    assert [said[0], *said[2:]] == ["refused", "no right", "refused"]
    assert re.fullmatch(r"the same ×3 in \d+ ms", said[1])
