"""A history is written as it happens and read with everything that is wrong with it told."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.errors import Damaged
from blackstart.evidence.history import COLUMNS, History, HistoryWriter, Outcome, Row, Unreadable, lines, read


def row(key: str = "k-1", outcome: Outcome = "ok", attempt: int = 1, **more: object) -> Row:
    made = Row("order", key, attempt, 10.0, 10.001, 10.25, outcome, 201, "api", "", "w0")
    return made._replace(**more)  # type: ignore[arg-type]


def written(tmp_path: Path, *rows: Row) -> Path:
    path = tmp_path / "history.csv"
    with HistoryWriter(path) as writer:
        for item in rows:
            writer.append(item)
    return path


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = (row(), row("k-2", "fail", start_s=None, end_s=None, status=None, detail="unsent: 10 in flight"))
    assert read(written(tmp_path, *rows)) == History(rows)


def test_the_first_line_names_the_columns(tmp_path: Path) -> None:
    assert written(tmp_path, row()).read_text().splitlines()[0] == ",".join(COLUMNS)


def test_a_row_is_on_disk_before_the_writer_is_closed(tmp_path: Path) -> None:
    writer = HistoryWriter(tmp_path / "history.csv")
    writer.append(row())
    assert read(tmp_path / "history.csv").rows == (row(),)
    writer.close()
    writer.close()


printable = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
seconds = st.integers(0, 10**12).map(lambda micro: micro / 1_000_000)


@given(texts=st.tuples(printable, printable, printable), start=seconds, end=seconds)
def test_any_text_stays_on_one_line_and_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, texts: tuple[str, str, str], start: float, end: float
) -> None:
    op, key, detail = texts
    path = tmp_path_factory.mktemp("any") / "history.csv"
    with HistoryWriter(path) as writer:
        writer.append(Row(op, key, 1, start, start, end, "ok", 200, "", detail, "w0"))
        writer.append(row())
    history = read(path)
    assert not history.unreadable
    assert history.rows[1] == row()
    first = history.rows[0]
    assert (first.op, first.detail) == (" ".join(op.splitlines()), " ".join(detail.splitlines()))
    assert first.start_s == pytest.approx(start, abs=1e-6)


def test_a_torn_last_line_is_told_apart_from_rubbish_in_the_middle(tmp_path: Path) -> None:
    path = written(tmp_path, row(), row("k-2"))
    header, first, second = path.read_text().splitlines()
    path.write_text("\n".join([header, first, "what,is,this", second, second[:37]]))
    items = list(lines(path))
    assert [type(item) for item in items] == [Row, Unreadable, Row, Unreadable]
    assert (items[1].line, items[1].torn) == (3, False)  # type: ignore[union-attr]
    assert (items[3].line, items[3].torn) == (5, True)  # type: ignore[union-attr]


def test_a_last_line_that_lost_only_its_end_is_torn(tmp_path: Path) -> None:
    path = written(tmp_path, row())
    path.write_bytes(path.read_bytes()[:-1])
    assert [bad.torn for bad in read(path).unreadable] == [True]


def test_a_writer_after_a_torn_line_keeps_its_own_rows_whole(tmp_path: Path) -> None:
    path = written(tmp_path, row())
    path.write_bytes(path.read_bytes()[:-9])
    written(tmp_path, row("k-2"))
    history = read(path)
    assert [item.key for item in history.rows] == ["k-2"]
    assert len(history.unreadable) == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("attempt", "0"),
        ("attempt", "x"),
        ("intended_s", "nan"),
        ("end_s", ""),
        ("outcome", "maybe"),
        ("status", "OK"),
        ("start_s", "-1"),
    ],
)
def test_a_row_that_makes_no_sense_is_reported(tmp_path: Path, column: str, value: str) -> None:
    path = written(tmp_path, row())
    header, line = path.read_text().splitlines()
    fields = line.split(",")
    fields[COLUMNS.index(column)] = value
    path.write_text(f"{header}\n{','.join(fields)}\n")
    history = read(path)
    assert not history.rows
    assert [(bad.line, bad.torn) for bad in history.unreadable] == [(2, False)]


def test_a_file_without_the_header_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("a,b\n")
    assert "not the header" in read(path).unreadable[0].reason


def test_no_file_is_damaged_not_empty(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="No such file"):
        read(tmp_path / "none.csv")


def test_secrets_are_redacted_and_keys_are_not(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    with HistoryWriter(path, redact=lambda text: text.replace("hush", "***")) as writer:
        writer.append(row("hush-1", detail="token hush", instance="hush"))
    first = read(path).rows[0]
    assert (first.key, first.detail, first.instance) == ("hush-1", "token ***", "***")


def test_fates_take_the_best_that_is_known_of_a_key() -> None:
    rows = [row("a", "info"), row("a", "ok", 2), row("b", "info"), row("b", "fail", 2), row("c", "fail"), row("", "ok")]
    assert History(tuple(rows)).fates() == {"a": "ok", "b": "info", "c": "fail"}


def test_latency_counts_from_the_intended_time() -> None:
    assert row().latency_ms == pytest.approx(250)
    assert row().start_error_ms == pytest.approx(1)
    unsent = row(outcome="fail", start_s=None, end_s=None)
    assert not unsent.sent
    with pytest.raises(ValueError, match="never sent"):
        _ = unsent.latency_ms
    with pytest.raises(ValueError, match="never sent"):
        _ = unsent.start_error_ms


def _write_for_ever(path: Path, worker: str) -> None:
    with HistoryWriter(path) as writer:
        number = 0
        while True:
            number += 1
            writer.append(row(f"{worker}-{number}", worker=worker))
            time.sleep(0.0002)


def test_killed_writers_that_share_a_file_lose_no_whole_row(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_for_ever, args=(path, name), daemon=True) for name in ("w1", "w2")]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 30
    while not path.exists() or not all(name in path.read_bytes() for name in (b"w1-200,", b"w2-200,")):
        assert time.monotonic() < deadline, "the writers did not start"
        time.sleep(0.05)
    for writer in writers:
        assert writer.pid
        os.kill(writer.pid, signal.SIGKILL)
        writer.join(10)
    history = read(path)
    assert all(bad.torn for bad in history.unreadable)
    for name in ("w1", "w2"):
        numbers = [int(item.key.split("-")[1]) for item in history.rows if item.worker == name]
        assert numbers == list(range(1, len(numbers) + 1))
