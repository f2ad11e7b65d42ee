"""Log lines: counted from the opening on, across rotation, from files and from commands."""

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.model.reading import Answer, Reader
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from blackstart.probes.log_follow import new_lines
from blackstart.probes.log_lines import LogMatches


def follow(path: Path, pattern: str = "error") -> tuple[LogMatches, Reader]:
    probe = LogMatches("api", pattern, path=str(path))
    return probe, probe.endpoint().open()


def seen(reader: Reader) -> tuple[object, object]:
    answer = reader.read(2)
    assert answer.kind == "answer", answer
    return answer.body["count"], answer.body["last"]


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_lines_from_before_do_not_count_and_later_ones_do(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    append(log, "error: old\n")
    _, reader = follow(log)
    append(log, "error: one\nfine\n")
    assert seen(reader) == (1, "error: one")
    append(log, "error: t")
    assert seen(reader) == (1, "error: one")
    append(log, "wo\n")
    assert seen(reader) == (2, "error: two")
    reader.close()


def test_rotated_log_is_followed_into_the_new_file(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    append(log, "begin\n")
    _, reader = follow(log)
    append(log, "error: 1\n")
    log.rename(tmp_path / "api.log.1")
    append(tmp_path / "api.log.1", "error: 2\n")
    assert seen(reader)[0] == 2
    append(log, "error: 3\n")
    append(tmp_path / "api.log.1", "error: 2b\n")
    assert seen(reader) == (4, "error: 3")
    reader.close()


def test_log_that_was_cut_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    append(log, "a long line from before\n")
    _, reader = follow(log)
    assert seen(reader) == (0, None)
    log.write_text("error: 1\n")
    assert seen(reader)[0] == 1
    reader.close()


def test_log_that_appears_later_counts_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    _, reader = follow(log)
    answer = reader.read(1)
    assert answer.kind == "unreadable"
    assert "No such file" in answer.note
    append(log, "error: first\n")
    assert seen(reader)[0] == 1
    reader.close()


def test_pipe_and_folder_are_unreadable_and_hold_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        _, reader = follow(path)
        assert reader.read(1).kind == "unreadable"


def test_endless_line_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    append(log, "")
    probe, reader = follow(log, "x")
    append(log, "x" * 1_000_000 + "\n")
    count, last = seen(reader)
    assert 1 <= int(str(count)) <= 17
    assert len(str(last)) <= 256 * 1024 + 64 * 1024
    reader.close()


def test_command_that_prints_a_tail_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, "error: 0\n" * 3)
    script = f"print(open({str(log)!r}).read(), end='')"
    probe = LogMatches("api", "error", command=Command((sys.executable, "-c", script)))
    reader = probe.endpoint().open()
    assert seen(reader) == (0, None)
    append(log, "error: 0\nerror: 1\n")
    assert seen(reader) == (2, "error: 1")
    assert seen(reader)[0] == 2
    assert probe.endpoint().least_tick_s == 1.0


def test_command_that_fails_is_unreadable_and_one_that_hangs_timed_out() -> None:
    fails = LogMatches("api", "x", command=Command((sys.executable, "-c", "import sys; sys.exit('no such container')")))
    answer = fails.endpoint().open().read(5)
    assert answer.kind == "unreadable"
    words = "No journal files were opened due to insufficient permissions."
    shut = LogMatches("api", "x", command=Command(("sh", "-c", f"echo '{words}' >&2")))
    answer = shut.endpoint().open().read(5)
    assert (answer.kind, answer.note) == ("unreadable", words)
    hangs = LogMatches("api", "x", command=Command((sys.executable, "-c", "import time; time.sleep(9)")))
    assert hangs.endpoint().open().read(0.3).kind == "timed_out"


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=6), st.integers(1, 8))
def test_new_lines_are_never_more_than_were_written(before: list[str], written: list[str], window: int) -> None:
    old, now = before[-window:], (before + written)[-window:]
    fresh = new_lines(old, now)
    assert len(fresh) <= len(written) or not old
    assert now[len(now) - len(fresh) :] == fresh


def test_new_lines_are_exact_where_lines_differ() -> None:
    assert new_lines(["1", "2", "3"], ["2", "3", "4"]) == ["4"]
    assert new_lines(["1", "2"], ["1", "2", "3"]) == ["3"]
    assert new_lines(["1", "2"], ["5", "6"]) == ["5", "6"]
    assert new_lines([], ["5"]) == ["5"]


def test_log_is_the_services_file_unless_it_is_on_another_host(tmp_path: Path) -> None:
    local = Target("t", services={"api": Service("api", log="/var/log/api.log")})
    bound = LogMatches("api", "x").bind(local)
    assert bound.path == "/var/log/api.log"
    assert from_data(json.loads(json.dumps(to_data(bound)))) == bound
    far = Service("api", log="/var/log/api.log", control={"docker": "api", "host": "ssh://ops@db1"})
    command = LogMatches("api", "x").bind(Target("t", services={"api": far})).command
    assert command == Command(("tail", "-n", "2000", "/var/log/api.log"), host="ssh://ops@db1")
    with pytest.raises(BadTarget, match="no log"):
        LogMatches("api", "x").bind(Target("t", services={"api": Service("api")}))
    with pytest.raises(BadTarget, match="no log"):
        LogMatches("api", "x").bind(Target("t", services={"api": Service("api", control={"manual": True})}))


def test_last_line_is_absent_until_there_is_one() -> None:
    assert LogMatches("api", "x", "last").pick(Answer("answer", {"count": 0, "last": None}))[0] == "absent"
    assert LogMatches("api", "x").pick(Answer("answer", {"count": 0, "last": None})) == ("value", 0, "")


def test_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="regular expression"):
        LogMatches("api", "(")
