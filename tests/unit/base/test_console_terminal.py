"""What people are asked, and that nothing they do to their terminal keeps a run from its undo."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import termios
import threading
import time
from collections.abc import Iterator

import pytest

from blackstart.base.console import Console
from blackstart.base.errors import Interrupted, Refused
from blackstart.base.live import Row
from blackstart.model.verdict import Verdict
from tests.requirements import require


class Terminal:
    """A pseudo-terminal: what the console writes to and reads from, and the hand and eye on the other side."""

    def __init__(self) -> None:
        require("terminal")
        self.ours, theirs = pty.openpty()
        self.out = os.fdopen(os.dup(theirs), "w", encoding="utf-8")
        self.source = os.fdopen(theirs, "r", encoding="utf-8")

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def shown(self, until: str) -> str:
        """What stands on the screen once `until` does: a terminal shows things in its own time."""
        seen = b""
        while until.encode() not in seen and select.select([self.ours], [], [], 20)[0]:
            seen += os.read(self.ours, 100_000)
        return seen.decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    made = Terminal()
    yield made
    for stream in (made.out, made.source):
        try:
            stream.close()
        except OSError:
            continue
    try:
        os.close(made.ours)
    except OSError:
        return


def test_a_closed_terminal_does_not_end_the_run(terminal: Terminal) -> None:
    console = Console(False, out=terminal.out, source=terminal.source)
    with console.live(lambda: [Row("recovery")]):
        terminal.shown("recovery")
        os.close(terminal.ours)
        for _ in range(3):
            console.say("undoing: stop redis")
            console.progress("recovery")
        console.coloured("held", Verdict.HELD.colours)


# ---------------------------------------------------------------- questions


def test_without_a_terminal_and_without_noninteractive_it_is_refused() -> None:
    with pytest.raises(Refused, match="NONINTERACTIVE=1"):
        Console(False, out=io.StringIO(), source=io.StringIO())


def test_a_closed_stdin_is_no_terminal_and_refused() -> None:
    closed = io.StringIO()
    closed.close()
    with pytest.raises(Refused):
        Console(False, out=closed, source=closed)


@pytest.mark.parametrize(
    ("typed", "answer"), [("y\n", True), ("YES\n", True), ("n\n", False), ("\n", False), ("yo\n", False)]
)
def test_only_a_yes_is_a_yes(terminal: Terminal, typed: str, answer: bool) -> None:
    console = Console(False, out=terminal.out, source=terminal.source)
    terminal.type(typed)
    assert console.ask("Go?") is answer
    assert "Go? [y/N]" in terminal.shown("[y/N]")


def test_an_end_of_input_is_a_no(terminal: Terminal) -> None:
    console = Console(False, out=terminal.out, source=terminal.source)
    terminal.type("\x04")
    assert console.ask("Go?") is False


def test_a_question_that_nobody_answers_is_a_no_in_time(terminal: Terminal) -> None:
    console = Console(False, out=terminal.out, source=terminal.source)
    began = time.monotonic()
    assert console.ask("Go?", within_s=0.2) is False
    assert time.monotonic() - began < 5


def test_a_signal_ends_the_wait_for_an_answer(terminal: Terminal) -> None:
    console = Console(False, out=terminal.out, source=terminal.source)

    def asked_to_end() -> None:
        raise Interrupted(2)

    console.between = asked_to_end
    with pytest.raises(Interrupted):
        console.ask("Touch it all the same?", within_s=30)


def test_an_answer_that_comes_later_is_seen(terminal: Terminal) -> None:
    console = Console(False, out=terminal.out, source=terminal.source)
    later = threading.Timer(0.7, terminal.type, ("y\n",))
    later.start()
    assert console.ask("Go?", within_s=20) is True
    later.join()


def test_what_was_typed_meanwhile_is_polled(terminal: Terminal) -> None:
    console = Console(False, out=terminal.out, source=terminal.source)
    assert console.poll_line() is None
    terminal.type("a note\n")
    assert select.select([terminal.source], [], [], 20)[0]
    assert console.poll_line() == "a note\n"
    assert Console(True, out=io.StringIO()).poll_line() is None


def test_a_long_line_is_broken_between_words_for_an_operator_but_not_one_that_may_be_copied(
    terminal: Terminal,
) -> None:
    fcntl.ioctl(terminal.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    console = Console(False, out=terminal.out, source=terminal.source)
    console.say("baseline: leader_before, ready_before, paused")
    console.say(f"undo by hand: sh /tmp/{'x' * 30}/HEAL.sh")
    console.plain("a line of a table that is as wide as it is made, and no less")
    first, second, third, fourth, *_ = terminal.shown("no less").replace("\r", "").split("\n")
    assert (first[15:], second, third) == ("baseline: leader_before,", " " * 15 + "ready_before, paused", third)
    assert third.endswith("x/HEAL.sh") and fourth.startswith("a line of a table")
    unasked = Console(True, out=terminal.out)
    unasked.say("baseline: leader_before, ready_before, paused")
    assert "ready_before, paused" in terminal.shown("paused")


def test_a_verdict_on_a_terminal_has_its_colour(terminal: Terminal) -> None:
    console = Console(False, out=terminal.out, source=terminal.source)
    console.coloured("broke", Verdict.BROKE.colours)
    assert "\x1b[31mbroke\x1b[0m" in terminal.shown("\x1b[0m")


def test_without_questions_a_terminal_gets_plain_lines(terminal: Terminal) -> None:
    console = Console(True, out=terminal.out, source=terminal.source)
    console.progress("waiting")
    console.coloured("broke", Verdict.BROKE.colours)
    console.plain("end")
    assert not re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f]|\r(?!\n)", terminal.shown("end"))


# ---------------------------------------------------------------- nobody reads


def test_a_terminal_that_was_stopped_holds_nothing_up_and_shows_it_all_when_let_go(terminal: Terminal) -> None:
    console = Console(True, out=terminal.out)
    console.say("before")
    terminal.shown("before")
    termios.tcflow(terminal.source, termios.TCOOFF)  # as Ctrl-S does
    began_s = time.monotonic()
    for number in range(100):
        console.say(f"line {number}")
    assert time.monotonic() - began_s < 5
    termios.tcflow(terminal.source, termios.TCOON)
    console.say("after")
    seen = terminal.shown("after")
    assert [f"line {number}\r" in seen for number in range(100)] == [True] * 100


def test_what_nobody_takes_is_dropped_in_the_end_and_counted() -> None:
    reader, writer = os.pipe()
    out = os.fdopen(writer, "w", encoding="utf-8")
    console = Console(True, out=out)
    began_s = time.monotonic()
    for _ in range(500):
        console.say("x" * 1000)  # more than a pipe and the writer hold together
    assert time.monotonic() - began_s < 10
    shown = b""
    while b"were not shown" not in shown:
        shown += os.read(reader, 1 << 20)
        console.plain("again")
    assert int(re.search(rb"\.\.\. (\d+) lines were not shown", shown).group(1)) > 100
    os.close(reader)
    out.close()


def test_the_stream_itself_stays_as_it_was_for_those_who_share_it(terminal: Terminal) -> None:
    Console(True, out=terminal.out).say("x")
    assert os.get_blocking(terminal.out.fileno())
