"""Tables fit the terminal: sentences give way, names and paths stay whole, to be copied."""

import pytest

from blackstart.base.printable import table

ROWS = [
    (
        "always",
        "ready_means_marketdata_heartbeat",
        "held",
        "in 18 readings, and in every one that came after them " * 3,
    ),
    ("check", "tokens_grow", "not observed", "nothing to see"),
]
HEADS = ("phase", "expectation", "result", "what was seen")


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_sentences_are_broken_until_it_fits(columns: int) -> None:
    lines = table(ROWS, HEADS, columns)
    assert max(map(len, lines)) <= columns
    assert any("ready_means_marketdata_heartbeat" in line for line in lines)


def test_what_fits_is_left_as_it_is_and_so_is_what_can_never_fit() -> None:
    assert table(ROWS, HEADS, 400) == table(ROWS, HEADS)
    path = "/tmp/drill/reports/chaos/leader_lock_2026-11-29T11-21-56/HEAL.sh"
    assert any(path in line for line in table([("heal", path)], ("what", "where"), 40))


def test_a_column_of_sentences_is_never_too_narrow_to_be_read() -> None:
    lines = table([("x" * 70, "it was paused, and it stayed so for long")], ("name", "what was seen"), 80)
    assert lines[-1].split("  ")[-1].strip() == "long" and len(lines) == 5


def test_numbers_stand_as_they_are() -> None:
    assert "12.5" in "\n".join(table([("p50 of all that was asked for", 12.5)], ("what", "ms"), 24))
