"""What is written at leisure (`page`): every stream takes it, or it is said that it did not."""

import errno
import io
import os
import sys

import pytest

from blackstart.base import writer
from blackstart.base.errors import Refused


def test_signs_that_a_terminal_can_not_show_are_written_as_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    writer.page("✔ held")
    assert written.getvalue() == b"\\u2714 held\n"


class Full(io.StringIO):
    """Standard output on a full disk."""

    def write(self, text: str) -> int:
        """Fails."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_page_that_a_full_disk_does_not_take_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(Refused, match="standard output can't be written: No space left on device"):
        writer.page("held")


def test_page_without_a_standard_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    writer.page("held")
