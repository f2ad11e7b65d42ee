"""A history is written as it happens and read with everything that is wrong with it told."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.errors import Damaged
from blackstart.base.percentiles import percentile, percentiles_sql
from blackstart.evidence import history_file
from blackstart.evidence.history import COLUMNS, Outcome, Row, read
from blackstart.evidence.history_writer import HistoryWriter
from tests.unit.histories import history_of


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
    assert read(written(tmp_path, *rows)).rows == rows


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
    history = read(path)
    assert (history.rows, history.torn, history.unreadable) == ((row(), row("k-2")), 1, 2)


def test_a_last_line_that_lost_only_its_end_is_torn(tmp_path: Path) -> None:
    path = written(tmp_path, row())
    path.write_bytes(path.read_bytes()[:-1])
    history = read(path)
    assert (history.rows, history.torn, history.unreadable) == ((), 1, 1)


def test_a_writer_after_a_torn_line_keeps_its_own_rows_whole(tmp_path: Path) -> None:
    path = written(tmp_path, row())
    path.write_bytes(path.read_bytes()[:-9])
    written(tmp_path, row("k-2"))
    history = read(path)
    assert [item.key for item in history.rows] == ["k-2"]
    assert (history.torn, history.unreadable) == (0, 1)


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
    assert (history.torn, history.unreadable) == (0, 1)


def test_a_file_without_the_header_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "history.csv"
    path.write_text("a,b\n")
    assert (read(path).torn, read(path).unreadable) == (0, 1)


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
    history = history_of(rows)
    told = history.ask(f"select key, fate, sent from {history.fates} order by first")
    assert told == [("a", "ok", 2), ("b", "info", 2), ("c", "fail", 1)]


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
    assert history.unreadable == history.torn
    for name in ("w1", "w2"):
        numbers = [int(item.key.split("-")[1]) for item in history.rows if item.worker == name]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_line_cut_within_quotes_swallows_none_of_those_behind_it(tmp_path: Path) -> None:
    path = written(tmp_path, row(), row("k-2", detail='said "no, never"'), row("k-3"), row("k-4", detail='a "quote"'))
    header, first, quoted, third, last = path.read_text().splitlines()
    cut = quoted[: quoted.index('"') + 8]
    path.write_text("\n".join([header, first, cut, third, last, quoted, cut]))
    history, asked_first = read(path), read(path)
    assert [item.key for item in history.rows] == ["k-1", "k-3", "k-4", "k-2"]
    assert (history.torn, history.unreadable) == (1, 2)
    assert history.one("select count(*) from requests") == (4,)
    assert asked_first.one("select count(*) from requests") == (4,)
    assert (asked_first.torn, asked_first.unreadable) == (1, 2)


@pytest.mark.parametrize("first", ["rows", "table"])
def test_carriage_returns_outside_of_quotes_make_lines_that_cannot_be_read(tmp_path: Path, first: str) -> None:
    """As of a folder that was copied by way of a system whose lines end so."""
    path = written(tmp_path, row(), row("k-2", detail='a "quote"\rand more'), row("k-3"), row("k-4"))
    header, one, quoted, *rest = path.read_text().split("\n")
    path.write_text("\n".join([header, one, quoted, "\r", "what\ris this", rest[0] + "\r", *rest[1:]]), newline="")
    for text, keys, unreadable in (
        (path.read_bytes(), ["k-1", "k-2", "k-4"], 3), (path.read_bytes().replace(b"\n", b"\r\n"), [], 6 + 1),
    ):  # fmt: skip
        path.write_bytes(text)
        history = read(path)
        if first == "table":
            assert history.one("select count(*) from requests") == (len(keys),)
        assert [item.key for item in history.rows] == keys
        assert (history.torn, history.unreadable) == (0, unreadable)


def test_an_empty_line_is_one_that_cannot_be_read(tmp_path: Path) -> None:
    path = written(tmp_path, row())
    path.write_text(path.read_text() + "\n")
    assert (len(read(path).rows), read(path).unreadable) == (1, 1)


def test_a_torn_line_that_looks_whole_is_no_row_of_the_table_either(tmp_path: Path) -> None:
    path = written(tmp_path, row(), row("k-2"))
    path.write_bytes(path.read_bytes()[:-1])
    history = read(path)
    assert history.ask("select key from requests") == [("k-1",)]
    assert (history.torn, history.unreadable) == (1, 1)


def test_a_history_in_a_folder_with_the_signs_of_a_pattern_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "it's [1] of * or ?"
    folder.mkdir()
    assert read(written(folder, row())).rows == (row(),)


def test_a_file_that_is_larger_than_usual_may_take_more_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exact percentile can't wait on the disk: of 50 million requests it failed for want of memory."""
    monkeypatch.setattr(history_file, "_instance", cache(history_file._instance.__wrapped__))
    free: list[float] = []
    monkeypatch.setattr(history_file, "_free_bytes", lambda: free[-1])
    small, large = written(tmp_path / "small", row("k-0")), tmp_path / "large.csv"
    large.touch()
    os.truncate(large, 4_000_000_000)  # a hole: nothing of it is read

    def memory_of(path: Path) -> str:
        ((limit,),) = read(path).file.db.execute("select current_setting('memory_limit')").fetchall()
        return str(limit)

    assert memory_of(small) == "381.4 MiB"  # asked for nothing that is free
    for free_bytes, limit in ((1e9, "953.6 MiB"), (4e9, "1.8 GiB"), (8e9, "3.1 GiB")):
        free.append(free_bytes)
        assert memory_of(large) == limit
    free.append(1e9)
    assert memory_of(small) == memory_of(large) == "3.1 GiB"  # the first may still be asked


def test_what_is_free_is_no_more_than_this_machine_has() -> None:
    assert 50e6 < history_file._free_bytes() < psutil.virtual_memory().total


def test_what_does_not_fit_into_memory_is_left_on_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "spill"))
    (tmp_path / "spill").mkdir()
    # What another user may have put where the folder would be, were its name to be guessed.
    (tmp_path / "elsewhere").mkdir()
    planted = tmp_path / "spill" / f"blackstart-{os.getpid()}"
    planted.symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(history_file, "_MEMORY_BYTES", 32_000_000)
    monkeypatch.setattr(history_file, "_instance", cache(history_file._instance.__wrapped__))
    path = tmp_path / "history.csv"
    line = written(tmp_path / "one", row("k-0")).read_text().splitlines()[1]
    rows = (line.replace("k-0", f"k-{number}") for number in range(300_000))
    path.write_text("\n".join([",".join(COLUMNS), *rows, ""]))
    history = read(path)
    assert history.one(f"select count(*), sum(sent) from {history.fates}") == (300_000, 300_000)
    (made,) = {*(tmp_path / "spill").iterdir()} - {planted}
    assert list(made.iterdir()), "nothing was too large: the test shows nothing"
    assert made.stat().st_mode & 0o777 == 0o700 and not list((tmp_path / "elsewhere").iterdir())
    del history
    gc.collect()
    history_file._instance.cache_clear()
    assert list((tmp_path / "spill").iterdir()) == [planted]


def test_a_history_that_fits_into_memory_is_read_where_no_folder_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    monkeypatch.setattr(history_file, "_instance", cache(history_file._instance.__wrapped__))
    assert read(written(tmp_path, row())).rows == (row(),)
    assert read(written(tmp_path, row())).fates
    history_file._instance.cache_clear()


def test_nothing_is_left_in_the_folder_for_temporary_files_at_the_end_of_a_process(tmp_path: Path) -> None:
    path = written(tmp_path, *(row(f"k-{number}") for number in range(100)))
    asks = f"from blackstart.evidence.history import read; read(__import__('pathlib').Path({str(path)!r})).fates"
    (tmp_path / "temporary").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", asks], env={**os.environ, "TMPDIR": str(tmp_path / "temporary")}, check=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert not done.stderr and not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("count", [1, 2, 7, 20, 100, 101, 1000, 1999])
def test_a_percentile_is_of_the_same_rank_in_sql_as_in_python(count: int) -> None:
    ps = (0.1, 25, 50, 90, 95, 99, 99.9, 99.95, 100)
    rows = history_of(row(f"k{n}", end_s=10 + n / 1000) for n in range(count, 0, -1))
    (found,) = rows.one(f"select {percentiles_sql('latency_ms', ps)} from requests")
    latencies = [item.latency_ms for item in rows.rows]
    assert found == [percentile(latencies, p) for p in ps]


def test_a_pipe_in_the_place_of_a_history_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "history.csv")
    with pytest.raises(Damaged, match="it is no file"):
        read(tmp_path / "history.csv")
