"""What people are told where nobody asks them: lines, logs, and readers that went away."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys

import pytest

from blackstart.base import console as console_module
from blackstart.base.console import Console
from blackstart.base.live import Row
from blackstart.base.secrets.redact import Redactor
from blackstart.model.verdict import Verdict
from tests.services import eventually


def plain(scrub=lambda text: text) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(True, scrub, out=out), out


# ---------------------------------------------------------------- lines


def test_a_fact_has_its_utc_time_in_front() -> None:
    console, out = plain()
    console.say("the fault bites")
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d\d\dZ  the fault bites\n", out.getvalue())


def test_a_fact_is_one_line_with_its_time_whatever_it_quotes() -> None:
    console, out = plain()
    console.say("one\n12:00:00.000Z  two\x1c\u2028three\r")
    assert [line[15:] for line in out.getvalue().splitlines()] == ["one\\n12:00:00.000Z  two\\x1c\\u2028three\\r"]


def test_closing_lines_are_given_one_by_one_and_no_quote_makes_another() -> None:
    console, out = plain()
    console.plain("one", "two\n::error::three")
    assert out.getvalue() == "one\ntwo\\n::error::three\n"
    console.plain("::error title=x::three", "##[error]four")
    assert out.getvalue().endswith("\n\\x3a:error title=x::three\n\\x23#[error]four\n")
    console.command("::error title=x::ours \x1b")
    assert out.getvalue().endswith("\n::error title=x::ours \\x1b\n")


def test_secrets_are_masked_in_every_way_out() -> None:
    console, out = plain(Redactor(["hunter2hunter2"]))
    console.say("say hunter2hunter2")
    console.plain("plain hunter2hunter2")
    console.coloured("verdict hunter2hunter2", Verdict.HELD.colours)
    console._progress_at_s = -100.0
    console.progress("progress hunter2hunter2")
    assert "hunter2" not in out.getvalue()
    assert out.getvalue().count("[redacted]") == 4


def test_control_characters_of_a_service_are_shown_not_sent() -> None:
    console, out = plain()
    console.say("log: \x1b[2J\x07 and \x9b31m")
    console.plain("a\tb \x00")
    console.coloured("\x1b]0;title\x07", Verdict.BROKE.colours)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out.getvalue())
    assert "\\x1b[2J" in out.getvalue()


def test_a_log_has_no_colours() -> None:
    console, out = plain()
    console.coloured("it broke", Verdict.BROKE.colours)
    assert out.getvalue() == "it broke\n"


def test_progress_in_a_log_is_a_line_every_ten_seconds() -> None:
    console, out = plain()
    console.say("begin")
    console.progress("waiting")
    assert "waiting" not in out.getvalue()
    console._progress_at_s -= 11
    console.progress("waiting")
    console.progress("waiting")
    assert out.getvalue().count("waiting") == 1


def test_a_log_is_not_silent_for_long_while_something_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "_SILENT_S", 0.3)
    console, out = plain()
    with console.live(lambda: [Row("undo of redis 12 s"), Row("next", "recovery")]):
        assert eventually(lambda: out.getvalue().count("still: ") >= 2)
    told = [line[15:] for line in out.getvalue().splitlines()]
    assert set(told) == {"still: undo of redis 12 s"}
    times_s = [float(line[6:12]) for line in out.getvalue().splitlines()]
    assert (times_s[1] - times_s[0]) % 60 >= 0.3
    console.quiet = True
    with console.live(lambda: [Row("undo of redis 12 s")]):
        assert not eventually(lambda: len(out.getvalue().splitlines()) > len(told), within_s=1.0)


def test_a_stream_that_is_not_utf8_gets_escapes_instead_of_a_crash() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    console = Console(True, out=out)
    console.say("abort: pause → 200 ✓")
    console.say("and on")
    assert rb"pause \u2192 200" in raw.getvalue()
    assert b"and on" in raw.getvalue()


# ---------------------------------------------------------------- the reader goes away


class Gone(io.StringIO):
    """A stream whose reader went away."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("stream", [Gone(), io.StringIO()])
def test_a_reader_that_went_away_does_not_end_the_run(stream: io.StringIO) -> None:
    console = Console(True, out=stream)
    if not isinstance(stream, Gone):
        stream.close()
    console.say("undoing: stop redis")
    console.plain("table")
    console.coloured("held", Verdict.HELD.colours)
    console._progress_at_s = -100.0
    console.progress("waiting")


def test_a_closed_pipe_does_not_change_the_exit_code() -> None:
    program = (
        "import sys, time\nfrom blackstart.base.console import Console\nconsole = Console(True)\n"
        "for number in range(2000): console.say('a line')\nsys.exit(20)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.wait(timeout=30) == 20
    assert child.stderr.read() == b""
    child.stderr.close()
