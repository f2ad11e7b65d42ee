"""Runs a task as its user does, and writes down all that it says, asks and shows, each with its time.

    python -m tests.sessions.spy FILE TASK OPTIONS…

What the narrator tells is only marked: it is told again from the run's journal.
"""

import contextlib
import functools
import json
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from blackstart.base import clock, writer
from blackstart.base.console import Console
from blackstart.engine.narrator import Narrator

_TICK_EVERY_S = 1.0


class Spy:
    """Writes each outermost call down as it begins, a question with its answer."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._lock, self._within = out, threading.Lock(), threading.local()
        self._tick_s = 0.0

    def note(self, call: str, *args: Any, at_s: float | None = None, **more: Any) -> None:
        told = {"at": clock.now_s() if at_s is None else at_s, "utc": clock.utc_iso(), "call": call, "args": args}
        told |= {"more": more} if more else {}
        with self._lock:
            self._out.write(json.dumps(told, ensure_ascii=False) + "\n")
            self._out.flush()

    @contextlib.contextmanager
    def _inside(self) -> Iterator[bool]:
        """Whether nothing that is spied on goes on around it."""
        outermost = not getattr(self._within, "it", False)
        self._within.it = True
        try:
            yield outermost
        finally:
            if outermost:
                self._within.it = False

    def on(self, owner: Any, name: str) -> None:
        """Its arguments, but for what a method is called on."""
        real, method = getattr(owner, name), isinstance(owner, type)

        @functools.wraps(real)
        def spied(*args: Any, **more: Any) -> Any:
            with self._inside() as outermost:
                if outermost:
                    scrub = args[0]._scrub if isinstance(args[0], Console) else lambda text: text
                    told = [scrub(one) if isinstance(one, str) else one for one in args[method:]]
                    self.note(name, *told, **more)
                return real(*args, **more)

        setattr(owner, name, spied)

    def on_question(self) -> None:
        real = Console.line

        def spied(console: Console, prompt: str, within_s: float) -> str:
            at_s, answer = clock.now_s(), "\x03"
            try:
                answer = real(console, prompt, within_s)
                return answer
            finally:
                self.note("line", prompt, answer, at_s=at_s)

        Console.line = spied  # type: ignore[method-assign]

    def on_narrator(self) -> None:
        """A look is noted where something was said by it, and once a second; the closing lines by a mark."""
        real_tick, real_verdict, real_say = Narrator.tick, Narrator.verdict, Console.say
        said = threading.local()

        def say(console: Console, text: str) -> None:
            said.it = True
            real_say(console, text)

        def tick(narrator: Narrator) -> None:
            at_s, said.it = clock.now_s(), False
            with self._inside():
                real_tick(narrator)
            if said.it or at_s - self._tick_s >= _TICK_EVERY_S:
                self._tick_s = at_s
                self.note("tick", at_s=clock.now_s())

        def verdict(narrator: Narrator, view: Any, folder: Any) -> None:
            with self._inside():
                self.note("verdict", folder.run, folder.id, str(folder.path))
                real_verdict(narrator, view, folder)

        Console.say, Narrator.tick, Narrator.verdict = say, tick, verdict  # type: ignore[method-assign,assignment]

    def on_block(self) -> None:
        real_draw, real_end = Console._draw, Console._end_block

        def draw(console: Console) -> None:
            real_draw(console)
            if console._block is not None and not console._asking:
                teller = getattr(console._rows, "__self__", None)
                rows = [(row.label, row.text, row.style) for row in console._rows()]
                self.note("draw", None if isinstance(teller, Narrator) else rows)

        def end(console: Console) -> None:
            if console._block is not None:
                self.note("end of block")
            real_end(console)

        Console._draw, Console._end_block = draw, end  # type: ignore[method-assign]


def main(file: str, words: list[str]) -> None:
    """The task, spied on."""
    with open(file, "a", encoding="utf-8") as out:
        spy = Spy(out)
        spy.on_narrator()
        for name in ("say", "plain", "coloured", "command", "progress"):
            spy.on(Console, name)
        for name in ("waiting", "trying", "undo_failed"):
            spy.on(Narrator, name)
        for name in ("line", "error", "prose", "page"):
            spy.on(writer, name)
        spy.on_question()
        spy.on_block()
        task: Callable[[list[str]], None]
        from blackstart.tasks import main as task  # noqa: PLC0415

        task(["blackstart", *words])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
