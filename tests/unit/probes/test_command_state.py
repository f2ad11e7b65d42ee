"""What a harmless command says by its exit code; whatever else happens is no answer."""

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.probes.command_state import CommandState
from blackstart.probes.read import read_once


@pytest.mark.parametrize(
    ("script", "kind", "value"),
    [("exit 0", "value", "there"), ("exit 1", "value", "absent"), ("echo no right >&2; exit 4", "unreadable", None)],
)
def test_an_exit_code_is_read_as_a_word(script: str, kind: str, value: str | None) -> None:
    probe = CommandState(("sh", "-c", script), "rule")
    assert from_data(to_data(probe)) == probe
    reading = read_once(probe, 5.0)
    assert (reading.kind, reading.value) == (kind, value)


def test_why_nothing_could_be_told_is_said() -> None:
    assert "no right" in read_once(CommandState(("sh", "-c", "echo no right >&2; exit 4"), "rule"), 5.0).note


def test_a_command_that_hangs_has_timed_out() -> None:
    assert read_once(CommandState(("sleep", "5"), "rule"), 0.1).kind == "timed_out"


def test_a_command_that_is_not_there_says_nothing() -> None:
    assert read_once(CommandState(("no-such-program-here",), "rule"), 1.0).kind == "unreadable"
