"""The block that stands below the lines of a terminal, as a person sees it on the screen."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from blackstart.base.console import Console
from blackstart.base.live import EVERY_S, Row
from blackstart.base.secrets.redact import Redactor
from tests.screen import Seen
from tests.unit.base.test_console_terminal import Terminal

ROWS = [
    Row("recovery 3 s of at most 90 s", style="bold"),
    Row("awaiting", "leader is 1; leader was 0"),
    Row("next", "end"),
]


class Watched:
    """An operator's terminal and what stands on it. `written` is all that was sent to it."""

    def __init__(self, terminal: Terminal, columns: int = 80, lines: int = 24) -> None:
        self.terminal, self.columns = terminal, columns
        self.seen, self.written = Seen(columns, lines), b""
        fcntl.ioctl(terminal.ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.console = Console(False, out=terminal.out, source=terminal.source)

    def look(self, for_s: float = 0.0) -> list[str]:
        """The lines, after that much time."""
        until_s = time.monotonic() + for_s
        while select.select([self.terminal.ours], [], [], max(0.0, until_s - time.monotonic()))[0]:
            data = os.read(self.terminal.ours, 100_000)
            self.written += data
            self.seen.write(data)
            if time.monotonic() > until_s + 5:
                break
        return self.seen.lines()

    def until(self, text: str) -> list[str]:
        """The lines, once that text is among them."""
        until_s = time.monotonic() + 20
        while not any(text in line for line in self.look(0.01)):
            assert time.monotonic() < until_s, self.seen.text()
        return self.look()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    made = Terminal()
    yield made
    made.out.close()
    made.source.close()
    os.close(made.ours)


@pytest.fixture
def watched(terminal: Terminal) -> Watched:
    return Watched(terminal)


BLOCK = ["recovery 3 s of at most 90 s", "  awaiting leader is 1; leader was 0", "  next     end"]


def test_it_stands_below_the_lines_which_stay(watched: Watched) -> None:
    with watched.console.live(lambda: ROWS):
        watched.console.say("one")
        assert watched.until("next")[1:] == BLOCK
        watched.console.say("two")
        seen = watched.until("two")
        assert [line[15:] for line in seen[:2]] == ["one", "two"] and seen[2:] == BLOCK
    watched.console.say("three")
    assert [line[15:] for line in watched.until("three")] == ["one", "two", "three"]


def test_lines_that_scroll_off_the_screen_are_all_there_and_no_remains_of_it(terminal: Terminal) -> None:
    watched = Watched(terminal, lines=6)
    with watched.console.live(lambda: ROWS):
        for number in range(40):
            watched.console.say(f"line {number}")
            watched.look(0.02 if number % 10 else 2 * EVERY_S)
    watched.console.plain("end")
    assert [line[15:] for line in watched.until("end")[:-1]] == [f"line {number}" for number in range(40)]


def test_it_is_drawn_over_itself_and_not_more_often_than_said(watched: Watched) -> None:
    began_s, asked = time.monotonic(), []

    def rows() -> list[Row]:
        asked.append(time.monotonic())
        return [Row(f"waiting {len(asked)}")]

    with watched.console.live(rows):
        watched.until("waiting 5")
        took_s = time.monotonic() - began_s
    assert watched.look() == [] and len(asked) <= took_s / EVERY_S + 1


def test_one_that_grows_and_shrinks_leaves_nothing_behind(watched: Watched) -> None:
    rows = list(ROWS)
    with watched.console.live(lambda: rows):
        watched.until("next")
        rows[:] = [*ROWS, Row("", "more"), Row("", "and more")]
        assert watched.until("and more") == [*BLOCK, f"{'':11}more", f"{'':11}and more"]
        rows[:] = [Row("settling")]
        assert watched.until("settling") == ["settling"]


@pytest.mark.parametrize(("columns", "lines"), [(20, 24), (1, 24), (80, 3)])
def test_it_never_is_larger_than_the_terminal(terminal: Terminal, columns: int, lines: int) -> None:
    watched = Watched(terminal, columns, lines)
    with watched.console.live(lambda: [Row("x" * 200), Row("Zeile", "漢字" * 100), Row("next", "end")]):
        until_s = time.monotonic() + 20
        while watched.written.count(b"\x1b7") < 3 and time.monotonic() < until_s:
            watched.look(0.05)
        seen = watched.look()
        assert 1 <= len(seen) <= lines - 1
        assert all(len(line) < max(2, columns) for line in seen), seen
    watched.console.plain("e")
    assert watched.until("e")[-1:] == ["e"] and len(watched.seen.lines()) == 1


def test_a_question_takes_its_place_and_it_comes_back_after_the_answer(watched: Watched) -> None:
    answers: list[bool] = []
    with watched.console.live(lambda: ROWS):
        watched.until("next")
        asking = threading.Thread(target=lambda: answers.append(watched.console.ask("Go?")))
        asking.start()
        assert watched.until("Go?") == ["Go? [y/N]"]
        assert watched.look(3 * EVERY_S) == ["Go? [y/N]"]  # nothing is drawn over it
        watched.terminal.type("y\n")
        asking.join()
        assert watched.until("next") == ["Go? [y/N] y", *BLOCK]
    assert answers == [True]


def test_what_is_typed_below_it_stays_until_the_line_is_taken(watched: Watched) -> None:
    with watched.console.live(lambda: ROWS):
        watched.until("next")
        watched.terminal.type("half a no")
        assert watched.look(3 * EVERY_S) == [*BLOCK, "half a no"]
        watched.terminal.type("te\n")
        until_s = time.monotonic() + 20
        while (typed := watched.console.poll_line()) is None and time.monotonic() < until_s:
            watched.look(0.02)
        assert typed == "half a note\n"
        watched.console.say(f"noted: {typed.strip()}")
        watched.until("noted")
        assert [line[15:] or line for line in watched.look(2 * EVERY_S)[:1]] == ["noted: half a note"]
        assert watched.seen.lines()[1:] == BLOCK
    assert len(watched.look()) == 1


def test_what_was_typed_and_not_taken_answers_the_next_question(watched: Watched) -> None:
    with watched.console.live(lambda: ROWS):
        watched.until("next")
        watched.terminal.type("the pager rang\n")
        until_s = time.monotonic() + 20
        while not watched.console._typed and time.monotonic() < until_s:
            watched.look(0.02)
        watched.console.plain("the verdict")
    assert watched.console.line("A note: ", 5) == "the pager rang\n"
    assert watched.until("A note") == ["the verdict", "A note: the pager rang"]


def test_the_closing_lines_end_it(watched: Watched) -> None:
    with watched.console.live(lambda: ROWS):
        watched.until("next")
        watched.console.coloured("leader-lock on trader: broke", "31")
        watched.console.plain("cause: it broke")
        assert watched.look(3 * EVERY_S) == ["leader-lock on trader: broke", "cause: it broke"]
    assert "<red:leader-lock on trader: broke>" in watched.seen.text(styled=True)


def test_once_others_write_to_the_terminal_it_is_drawn_over_nothing_of_theirs(watched: Watched) -> None:
    with watched.console.live(lambda: ROWS):
        watched.until("next")
        watched.console.share()
        os.write(watched.terminal.out.fileno(), b"guardian: NOT RESTORED\n")
        with watched.console.live(lambda: ROWS):
            assert watched.look(3 * EVERY_S) == ["guardian: NOT RESTORED"]


def test_an_error_within_it_leaves_the_terminal_in_order(watched: Watched) -> None:
    with pytest.raises(KeyboardInterrupt), watched.console.live(lambda: ROWS):
        watched.until("next")
        raise KeyboardInterrupt
    assert watched.look() == []


def test_one_within_another_takes_its_place_meanwhile(watched: Watched) -> None:
    with watched.console.live(lambda: ROWS):
        watched.until("next")
        with watched.console.live(lambda: [Row("abort in 5 s")]):
            assert watched.until("abort") == ["abort in 5 s"]
        assert watched.until("next") == BLOCK


def test_a_mistake_in_what_it_tells_is_said_once_and_ends_nothing_else(watched: Watched) -> None:
    def rows() -> list[Row]:
        raise RuntimeError("a mistake")

    with watched.console.live(rows):
        watched.until("what goes on can't be shown: RuntimeError: a mistake")
        watched.console.say("and on")
        watched.until("and on")
    assert len(watched.look()) == 2


def test_no_secret_and_no_sign_that_steers_gets_into_it(terminal: Terminal) -> None:
    watched = Watched(terminal)
    watched.console = Console(False, Redactor(["hunter2hunter2"]), out=terminal.out, source=terminal.source)
    with watched.console.live(lambda: [Row("undo", "AUTH hunter2hunter2 \x1b[2J\n::error::[bold]")]):
        assert watched.until("undo") == ["  undo     AUTH [redacted] \\x1b[2J\\n::error::[bold]"]


def test_colours_are_left_out_where_none_are_wanted(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row("undo", "failed", "bold red")]
    watched = Watched(terminal)
    with watched.console.live(lambda: rows):
        watched.until("failed")
        assert "<red bold:  undo     failed>" in watched.seen.text(styled=True)
    monkeypatch.setenv("NO_COLOR", "1")
    with watched.console.live(lambda: rows):
        watched.until("failed")
        assert "<bold:  undo     failed>" in watched.seen.text(styled=True)
    watched.console.coloured("broke", "31")
    watched.until("broke")
    assert "red" not in watched.seen.text(styled=True)


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_terminal_that_can_only_write_on_gets_lines(
    terminal: Terminal, term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    watched = Watched(terminal)
    with watched.console.live(lambda: ROWS):
        watched.console._progress_at_s = -100.0
        watched.console.progress("recovery 3 s")
        watched.until("recovery 3 s")
        watched.look(2 * EVERY_S)
    watched.console.coloured("broke", "31")
    watched.until("broke")
    assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f]|\r(?!\n)", watched.written), watched.written


def test_where_nobody_is_asked_there_is_none(terminal: Terminal) -> None:
    watched = Watched(terminal)
    watched.console = Console(True, out=terminal.out)
    with watched.console.live(lambda: ROWS):
        assert watched.look(2 * EVERY_S) == []


def test_a_terminal_that_was_stopped_holds_nothing_up_and_gets_every_line_later(watched: Watched) -> None:
    with watched.console.live(lambda: ROWS):
        watched.until("next")
        termios.tcflow(watched.terminal.source, termios.TCOOFF)  # as Ctrl-S does
        slowest_s = 0.0
        for number in range(60):
            began_s = time.monotonic()
            watched.console.say(f"line {number}")
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            threading.Event().wait(0.01)
        assert slowest_s < 2.0
        termios.tcflow(watched.terminal.source, termios.TCOON)
        watched.until("line 59")
        seen = watched.until("next")
    assert [line[15:] for line in seen[:-3]] == [f"line {number}" for number in range(60)] and seen[-3:] == BLOCK
