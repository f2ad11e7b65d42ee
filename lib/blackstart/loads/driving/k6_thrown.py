"""The iterations of a k6 script that an exception ended, as k6's messages tell them."""

import re

# How k6 marks what a script threw and did not catch; of an async function, or of a promise that nobody waits for.
_THROWN = re.compile(r'source=stacktrace$|\blevel=error msg="Uncaught \(in promise\)')
_MESSAGE = re.compile(r'msg="((?:[^"\\]|\\[^n])*)')


class Thrown:
    """How many there were, and the message of the first."""

    def __init__(self) -> None:
        self.count, self.first = 0, ""

    def look(self, line: str) -> None:
        """At one message of k6."""
        if _THROWN.search(line):
            self.count += 1
            message = _MESSAGE.search(line)
            self.first = self.first or (message[1] if message else line)

    def reasons(self) -> tuple[str, ...]:
        """What it means for the load."""
        if not self.count:
            return ()
        what = f"{self.count} iterations of the script were ended by an exception"
        return (f"{what}, and left out what came after it: {self.first}",)
