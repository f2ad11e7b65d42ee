"""Histories from rows written by hand: on disk, as the load writes them."""

import itertools
import tempfile
from collections.abc import Iterable
from pathlib import Path

from blackstart.evidence.history import History, Row, read
from blackstart.evidence.history_writer import HistoryWriter

TORN, RUBBISH = "order,k-", "a,b\n"
"""A last line cut short, and a line that is none."""
_PLACE = tempfile.TemporaryDirectory(prefix="histories-")
_NUMBERS = itertools.count()


def history_of(rows: Iterable[Row] = (), unreadable: Iterable[str] = ()) -> History:
    """A history of these requests, followed by lines that can't be read."""
    path = Path(_PLACE.name, f"{next(_NUMBERS)}.csv")
    with HistoryWriter(path) as writer:
        for row in rows:
            writer.append(row)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(unreadable)
    return read(path)
